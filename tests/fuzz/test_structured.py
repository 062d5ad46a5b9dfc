"""What hypothesis makes up gives results or FcnkitError: files of the right structure with any content.

Examples that are written out here were mistakes once, or are the ones that first come to mind.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fcnkit.caffe import messages, prototxt, wire
from fcnkit.caffe.messages import NetParameter
from fcnkit.formats.safetensors import write
from fcnkit.layers import supported
from tests.fuzz.targets import TARGETS, holds

thorough = settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Caffe's wire format

# Those that hold layers, blobs, shapes and values, names and types; and some that mean nothing.
NUMBERS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 50, 77, 100, 2**29 - 1])
VALUES = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 3, 2**31 - 1, 2**63, 2**64 - 1])


def varint(number: int, value: int) -> bytes:
    return wire.encode_varint(number << 3) + wire.encode_varint(value)


def framed(number: int, content: bytes) -> bytes:
    return wire.header(number, len(content)) + content


FIELDS = (
    st.builds(varint, NUMBERS, VALUES)
    | st.builds(lambda n, value: wire.encode_varint(n << 3 | wire.FIXED32) + struct.pack("<f", value), NUMBERS,
                st.floats(width=32))
    | st.builds(wire.header, NUMBERS, VALUES)  # a length and nothing behind it
    | st.builds(framed, NUMBERS, st.binary(max_size=16))
)  # fmt: skip
MESSAGES = st.recursive(
    st.lists(FIELDS, max_size=4).map(b"".join),
    lambda inner: st.lists(FIELDS | st.builds(framed, NUMBERS, inner), max_size=4).map(b"".join),
    max_leaves=12,
)
NAMED = framed(1, b"c") + framed(2, b"Convolution")
BLOB = framed(7, framed(1, b"\1\1\2")) + framed(5, struct.pack("<2f", 1, 2))


@thorough
@given(MESSAGES | st.lists(MESSAGES.map(lambda layer: framed(100, NAMED + layer)), min_size=1).map(b"".join))
@example(framed(100, NAMED + framed(7, BLOB)))
@example(b"\xa2\x06" + b"\xff" * 20)  # a length that never ends
@example(framed(100, NAMED + framed(7, wire.header(5, 10 * 2**30) + bytes(100))))
@example(framed(100, NAMED + framed(7, varint(1, 2**64 - 8) + varint(2, 1) + framed(5, bytes(8)))))  # a shape below 0
@example(framed(100, NAMED + framed(7, framed(7, framed(1, b"\xff" * 9 + b"\1")) + framed(5, bytes(4)))))
@example(framed(100, framed(1, b"\xff\xfe") + framed(2, b"ReLU")))  # a name that is no text
@example(framed(100, NAMED + framed(7, framed(12, bytes(13)))))  # raw data that ends within a value
@example(wire.encode_varint(77 << 3 | 3) * 5000)  # groups without end
def test_wire_format(data: bytes) -> None:
    holds(TARGETS["read_caffemodel"], data)


# Definitions

WHOLE = st.sampled_from([-(2**31), -2, -1, 0, 1, 2, 3, 5, 1000, 10**9, 2**31 - 1])
REALS = st.sampled_from([0.0, -1.0, 0.5, 1.0, 1e-30, 1e30, float("nan"), float("inf")])


def scalars(field: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of a definition can hold."""
    if field.type == field.TYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type == field.TYPE_BOOL:
        return st.booleans()
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return REALS
    if field.type in (field.TYPE_STRING, field.TYPE_BYTES):
        texts = st.sampled_from(["", "x", "SUM", "../../etc/passwd", "{{ 7 * 7 }}", '\u00fc\n"'])
        return texts if field.type == field.TYPE_STRING else texts.map(str.encode)
    return WHOLE.map(abs) if field.type in (field.TYPE_UINT32, field.TYPE_UINT64) else WHOLE


def many(field: Any) -> bool:
    # Protobuf 7 has no `label` any more.
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED)


def part(message: Any, field: Any) -> Any:
    """The message in a field, or a new one behind those that are there."""
    inner = getattr(message, field.name)
    return inner.add() if many(field) else inner


def fill(draw: Callable[[Any], Any], message: NetParameter, depth: int = 2) -> None:
    """Set some fields of a message."""
    fields = list(message.DESCRIPTOR.fields)
    for field in draw(st.lists(st.sampled_from(fields), max_size=3, unique_by=lambda field: field.name)):
        if field.message_type is not None:
            if depth:
                fill(draw, part(message, field), depth - 1)
        elif many(field):
            getattr(message, field.name).extend(draw(st.lists(scalars(field), max_size=3)))
        else:
            setattr(message, field.name, draw(scalars(field)))


@st.composite
def definitions(draw: Callable[[Any], Any]) -> NetParameter:
    """Some layers behind an input or a data layer, with any settings."""
    net = messages.NetParameter(name="n")
    if draw(st.booleans()):
        net.layer.add(name="in", type="Data", top=["x", "y"])
    else:
        shape = net.layer.add(name="in", type="Input", top=["x"]).input_param.shape.add()
        dims = st.lists(st.sampled_from([-1, 0, 1, 2, 3, 8, 2**40]), max_size=5)
        shape.dim.extend(draw(dims | st.just([1, 3, 8, 8])))
    blobs = st.sampled_from(["x", "y", "z"])
    settings_of = [field for field in messages.LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param")]
    for kind in draw(st.lists(st.sampled_from(supported()), min_size=1, max_size=3)):
        bottoms, tops = draw(st.lists(blobs, max_size=3)), draw(st.lists(blobs, max_size=2))
        layer = net.layer.add(name=f"l{len(net.layer)}", type=kind, bottom=bottoms, top=tops)
        own = [field for field in settings_of if field.name.replace("_", "") == f"{kind.lower()}param"]
        for field in [*own, *draw(st.lists(st.sampled_from(settings_of), max_size=1))]:
            fill(draw, part(layer, field))
    return net


@thorough
@given(definitions())
def test_definitions(net: NetParameter) -> None:
    holds(TARGETS["read_prototxt"], prototxt.to_text(net).encode())


@settings(thorough, max_examples=40)
@given(definitions())
@example(prototxt.parse('layer { name: "x" type: "Parameter" top: "x" parameter_param { shape { dim: 2 } } }'))
def test_definitions_through_every_door(net: NetParameter) -> None:
    for name in ("simplify", "draw", "offsets", "summary", "save_py", "save_caffemodel"):
        holds(TARGETS[name], prototxt.to_text(net).encode())


WORDS = [
    "layer",
    "name:",
    '"x"',
    "{",
    "}",
    "type",
    "1",
    "-1",
    "1e99",
    "#",
    "[",
    "]",
    "<",
    ">",
    ",",
    ";",
    "'",
    "\\",
    "\n",
    "ü",
    "0x7f",
    "nan",
]


@thorough
@given(st.lists(st.sampled_from(WORDS)))
@example(['layer { name: "s" type: "Split" }'])
@example(["layer", "{", "include", "{"] * 2000)
@example(["layer {"] * 50)
@example(['name: "', "\0", '"'])
@example(['name: "\\377"'])  # text that is no UTF-8 once its escapes are undone
def test_text(words: list[str]) -> None:
    holds(TARGETS["read_prototxt"], " ".join(words).encode())


# HDF5 and safetensors

KINDS = st.sampled_from(["f4", "f8", "f2", "i4", "u1", "bool", "c8", "S3", "object", "reference", "record", "empty"])
PATHS = st.lists(st.sampled_from(["data", "diff", "conv", "0", "1", "2", "weight", "bias", "\u00fc"]), min_size=1,
                 max_size=4).map("/".join)  # fmt: skip


def dataset(file: h5py.File, path: str, kind: str, shape: tuple[int, ...]) -> None:
    if kind == "empty":
        file[path] = h5py.Empty("f4")
    elif kind == "object":
        file.create_dataset(path, shape, h5py.string_dtype())
    elif kind == "reference":
        file.create_dataset(path, shape, h5py.ref_dtype)
    elif kind == "record":
        file.create_dataset(path, shape, np.dtype([("a", "f4"), ("b", "i2")]))
    else:
        file.create_dataset(path, shape, kind)


@thorough
@given(
    st.dictionaries(PATHS, st.tuples(KINDS, st.lists(st.integers(0, 3), max_size=3)), max_size=5),
    st.sampled_from(["", "soft", "external", "hard"]),
)
@example({"data/conv/0": ("f4", [2, 3]), "data/conv/1": ("f4", [2])}, "")
@example({"data/conv/0": ("f4", [2, 3])}, "external")
@example({"data/conv/0": ("reference", [2, 3])}, "")
def test_hdf5(tmp_path: Path, found: dict[str, tuple[str, list[int]]], link: str) -> None:
    with h5py.File(tmp_path / "net.h5", "w") as file:
        for path, (kind, shape) in found.items():
            try:
                dataset(file, path, kind, tuple(shape))
            except (ValueError, TypeError, KeyError, RuntimeError, OSError):
                continue  # it lies under another dataset
        if link:
            elsewhere = {"soft": h5py.SoftLink("/elsewhere"), "external": h5py.ExternalLink("/etc/passwd", "/")}
            file["linked"] = elsewhere.get(link, file)
    assert not (holds(TARGETS["read_hdf5"], (tmp_path / "net.h5").read_bytes()) and link)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "I64", "BOOL", "F4", "nothing"]),
        "shape": st.lists(st.sampled_from([-1, 0, 1, 2, 3, 2**62]), max_size=4),
        "data_offsets": st.lists(st.sampled_from([-1, 0, 4, 24, 2**63]), min_size=1, max_size=2),
    }
)
TEXT = (
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2, 1, 1] } } }'
    'layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 3 kernel_size: 1 } }'
)


def packed(header: Any, payload: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + payload


@thorough
@given(
    st.builds(packed, JSON, st.binary(max_size=32))
    | st.builds(packed, st.dictionaries(st.sampled_from(["c.weight", "c.bias"]), ENTRIES), st.binary(max_size=32))
)
@example((200 * 10**6).to_bytes(8, "little") + b"{" * 1000)
@example(packed({"c.weight": ["\n\x1b[2J"]}, b""))
@example(packed({"c.weight": {"dtype": "F32", "shape": [0, 2, 2**62], "data_offsets": [0, 0]}}, b""))
@example(packed({"c.weight": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**64]}}, bytes(100)))
def test_safetensors_headers(data: bytes) -> None:
    holds(TARGETS["read_safetensors"], data)


@thorough
@given(
    st.just({"c.weight": (3, 2, 1, 1), "c.bias": (3,)})
    | st.dictionaries(st.sampled_from(["c.weight", "c.bias", "d"]), st.lists(st.integers(0, 3)).map(tuple)),
    st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.bool]),
    st.just(TEXT) | definitions().map(prototxt.to_text) | st.text(),
    JSON.map(json.dumps) | st.text() | st.just('{"x": {"mean": "none"}}'),
)
@example({"c.weight": (3, 2, 1, 1), "c.bias": (3,)}, torch.float32, TEXT, "[" * 100_000)
@example({"c.weight": (3, 2, 1, 1), "c.bias": (3,)}, torch.int64, TEXT, "{}")
def test_safetensors_metadata(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], dtype: torch.dtype, definition: str, preprocessing: str
) -> None:
    state = {name: torch.ones(shape).to(dtype) for name, shape in shapes.items()}
    write(tmp_path / "net", state, {"prototxt": definition, "preprocessing": preprocessing})
    holds(TARGETS["read_safetensors"], (tmp_path / "net").read_bytes())


# gen-prototxt


@thorough
@given(st.text(min_size=1))
@example('quote" brace } back\\slash\nnewline')
@example("{{ config }} {% for x in range(10**9) %}")
@example("\x00\x7f\u2028\U0001f600")
def test_names(text: str) -> None:
    assert holds(TARGETS["generate"], text.encode())
