"""Caffe's messages as classes, in a descriptor pool of their own.

Generated `caffe_pb2` modules register in protobuf's default pool, where they clash with an
installed Caffe ("duplicate file name") and break between protobuf's major versions. Loading
the compiled descriptions into a private pool avoids both.

BVLC's messages (proto/caffe.proto) are extended by the fields of forks (proto/forks.proto), so
that a fork's prototxt is parsed by field name.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from fcnkit.resources import folder

# Fork fields in BVLC's messages are numbered from here on. The numbers that BVLC and the forks themselves use are
# lower or far higher.
FIRST_FORK_FIELD = 30001


def description(name: str) -> Any:
    """The FileDescriptorProto of "caffe" (BVLC's messages alone) or "forks" (the additions of forks)."""
    return descriptor_pb2.FileDescriptorSet.FromString((folder("proto") / f"{name}.desc").read_bytes()).file[0]


def _load() -> descriptor_pool.DescriptorPool:
    caffe, forks = description("caffe"), description("forks")
    messages = {message.name: message for message in caffe.message_type}
    for added in forks.message_type:
        for field in filter(lambda field: field.type_name, added.field):
            field.type_name = field.type_name.replace(".caffe.forks.", ".caffe.")
        if added.name in messages:
            _extend(messages[added.name], added)
        else:
            caffe.message_type.append(added)
        if added.name == "LayerParameter":
            # Forks gave the old layers the settings of their types under the same names.
            messages["V1LayerParameter"].field.extend(field for field in added.field if field.name.endswith("_param"))
    caffe.enum_type.extend(forks.enum_type)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(caffe)
    return pool


def _extend(message: Any, added: Any) -> None:
    """Add a fork's fields to a message, and a fork's values to an enum that the message has."""
    enums = {enum.name: enum for enum in message.enum_type}
    for enum in [enum for enum in added.enum_type if enum.name in enums]:
        enums[enum.name].value.extend(enum.value)
        added.enum_type.remove(enum)
    message.MergeFrom(added)


_POOL = _load()
FILE = _POOL.FindFileContainingSymbol("caffe.NetParameter")


def message_class(name: str) -> Any:
    """The class of a Caffe message by its short name, such as "NetParameter"."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"caffe.{name}"))
