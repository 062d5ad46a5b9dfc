"""proto/caffe.proto against Caffe's schema as data, and the compiled form against the text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FieldDescriptor

from fcnkit.caffe import messages, schema
from fcnkit.resources import folder
from tests.caffe.stub import STUB, stub
from tests.paths import DATA

SCHEMA = json.loads((DATA / "caffe-schema.json").read_text())
MESSAGES = {message.name: message for message in schema.description("caffe").message_type}
TYPES = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64")
}


def test_the_schema_has_all_fields() -> None:
    assert sum(len(message["fields"]) for message in SCHEMA["messages"].values()) == 423


@pytest.mark.parametrize("message", SCHEMA["messages"])
def test_a_message_has_caffes_fields_and_enums(message: str) -> None:
    description = MESSAGES[message]
    expected = {name: _with_float32_default(field) for name, field in SCHEMA["messages"][message]["fields"].items()}
    assert {field.name: _described(field) for field in description.field} == expected
    enums = {enum.name: {value.name: value.number for value in enum.value} for enum in description.enum_type}
    assert enums == SCHEMA["messages"][message].get("enums", {})


def _described(field: descriptor_pb2.FieldDescriptorProto) -> dict[str, Any]:
    """A field as the schema's data has it."""
    found: dict[str, Any] = {"number": field.number}
    found["type"] = TYPES.get(field.type) or field.type_name.removeprefix(".caffe.")
    if field.label == field.LABEL_REPEATED:
        found["repeated"] = True
    if field.label == field.LABEL_REQUIRED:
        found["required"] = True
    if field.options.packed:
        found["packed"] = True
    if field.HasField("default_value"):
        found["default"] = field.default_value
    return _with_float32_default(found)


def _with_float32_default(field: dict[str, Any]) -> dict[str, Any]:
    """A float's default as the number that Caffe gets, however it is written."""
    is_float = field["type"] == "float" and "default" in field
    return field | {"default": np.float32(field["default"])} if is_float else field


@pytest.mark.parametrize("name", ["caffe", "forks"])
def test_the_compiled_description_is_that_of_the_text(name: str, tmp_path: Path) -> None:
    proto = folder("proto")
    output = tmp_path / f"{name}.desc"
    options = [f"-I{proto}", f"--descriptor_set_out={output}", f"{name}.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options], check=True)
    made, kept = (
        descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()) for path in (output, proto / f"{name}.desc")
    )
    assert made == kept, "run `make proto`"


def test_the_stub_is_that_of_the_descriptions() -> None:
    assert STUB.read_text() == stub(), "run `make proto`"


def test_messages_and_enums_are_there_by_name() -> None:
    net = messages.NetParameter(layer=[messages.LayerParameter(phase=messages.TRAIN)])
    assert net.layer[0].phase == messages.Phase.Value("TRAIN")
    assert messages.PoolingParameter(pool="AVE").pool == messages.PoolingParameter.AVE


@pytest.mark.parametrize("forks", schema.description("forks").message_type, ids=lambda message: message.name)
def test_fork_fields_keep_clear_of_bvlcs(forks: descriptor_pb2.DescriptorProto) -> None:
    own = MESSAGES.get(forks.name)
    if own is not None:
        assert not {field.name for field in forks.field} & {field.name for field in own.field}
        assert min(field.number for field in forks.field) >= schema.FIRST_FORK_FIELD
    merged = schema.message_class(forks.name).DESCRIPTOR
    assert {field.name for field in merged.fields} >= {field.name for field in forks.field}


def test_works_beside_an_installed_caffe() -> None:
    """An installed Caffe registers the same names, from another file, in protobuf's default pool."""
    other = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
    other.message_type.add(name="NetParameter")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(other.SerializeToString())
    assert not pool.FindMessageTypeByName("caffe.NetParameter").fields
    assert messages.NetParameter(name="ours").name == "ours"
