"""Caffe's messages as classes, in a descriptor pool of their own.

Generated `caffe_pb2` modules register in protobuf's default pool, where they clash with an
installed Caffe ("duplicate file name") and break between protobuf's major versions. Loading
the compiled description into a private pool does neither.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from fcnkit.resources import folder

# The message classes exist only at run time, so the type checker knows them as Any.
Message = Any


def _load() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString((folder("proto") / "caffe.desc").read_bytes())
    for file in files.file:
        pool.Add(file)
    return pool


_POOL = _load()


def message_class(name: str) -> Any:
    """The class of a Caffe message by its short name, such as "NetParameter"."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"caffe.{name}"))


NetParameter = message_class("NetParameter")
LayerParameter = message_class("LayerParameter")
SolverParameter = message_class("SolverParameter")
NetState = message_class("NetState")

TRAIN, TEST = 0, 1
