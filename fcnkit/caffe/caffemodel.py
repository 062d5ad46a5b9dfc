"""Caffe's binary weight files, read by memory map and written in one pass.

A .caffemodel is one NetParameter, nearly all of it float payload. A walk over the wire format
cuts the payloads out: protobuf parses what is left, the small skeleton, and NumPy views the
payloads where they lie in the file. Nothing is copied, and files over 2 GiB, which protobuf
refuses, are read as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError, Message

from fcnkit.aliases import AnyPath
from fcnkit.caffe import wire
from fcnkit.caffe.messages import LayerParameter, NetParameter, V1LayerParameter
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FileFormatError, naming
from fcnkit.mapped import MappedFile

Blobs = Mapping[str, Sequence[np.ndarray]]

# Numbers from proto/caffe.proto: where a net keeps its layers, and those their blobs.
_LAYER, _LAYERS_V1, _LAYER_V0 = 100, 2, 1
_BLOBS, _BLOBS_V1, _BLOBS_V0 = 7, 6, 50
# BlobProto. raw_data is NVIDIA's addition (NVIDIA/caffe src/caffe/proto/caffe.proto), with its type beside it.
_SHAPE, _LEGACY_SHAPE = 7, (1, 2, 3, 4)
_DATA, _DIFF, _DOUBLE_DATA, _DOUBLE_DIFF = 5, 6, 8, 9
_RAW_TYPE, _RAW_DATA, _RAW_DIFF = 10, 12, 13
_RAW_DTYPES = {0: "<f8", 1: "<f4", 2: "<f2"}


class Caffemodel(NamedTuple):
    """A net definition as the file holds it (its blobs cut out), and its blobs by layer name."""

    net: NetParameter
    blobs: dict[str, list[np.ndarray]]


def read(path: AnyPath) -> Caffemodel:
    """Read a .caffemodel of any generation.

    Returns:
        The definition, not upgraded, and for each layer that has any its blobs in Caffe's order:
        views on the file, each in the shape the file states.

    Raises:
        FileFormatError: the file cannot be read, is no .caffemodel, is truncated, or states a shape
            that its payload does not fill.
    """
    with naming(path):
        buffer = memoryview(_map(path))
        walk = Walk(buffer)
        try:
            walk.net()
            net = walk.skeleton()
        except wire.WireError as error:
            raise _not_a_caffemodel(path, f"{error}{walk.where()}") from None
        except DecodeError:
            raise _not_a_caffemodel(path, "its definition cannot be decoded") from None
        if text := _undecodable(net):
            raise _not_a_caffemodel(path, f"the text {text!r} in its definition is not UTF-8")
        layers: list[LayerParameter | V1LayerParameter] = [*net.layer, *net.layers]
        if not layers:
            raise _not_a_caffemodel(path, "it has no layer")
        # The walk meets layers in file order; so does protobuf within each of the two lists.
        found: dict[str, list[np.ndarray]] = {}
        for layer, parts in zip(layers, walk.blobs[_LAYER] + walk.blobs[_LAYERS_V1], strict=True):
            name = _name(layer)
            if parts:
                found[name] = [blob.array(name, i) for i, blob in enumerate(parts)]
        return Caffemodel(net, found)


def write(path: AnyPath, net: NetParameter, blobs: Blobs) -> None:
    """Write a V2 net with its blobs as Caffe does, without a second copy of the weights.

    Args:
        path: a file that appears under its own name only when it is whole (see fcnkit.files.writing).
        net: the definition; blobs that its layers hold themselves are left out.
        blobs: arrays by layer name, written as float32.
    """
    with Path(path).open("wb") as file:
        _write(file, net, blobs)


def _write(file: BinaryIO, net: NetParameter, blobs: Blobs) -> None:
    rest = NetParameter()
    rest.CopyFrom(net)
    rest.ClearField("layer")
    file.write(rest.SerializeToString())
    for layer in net.layer:
        bare = LayerParameter()
        bare.CopyFrom(layer)
        bare.ClearField("blobs")
        definition = bare.SerializeToString()
        # ascontiguousarray makes one axis of none, hence the reshape.
        arrays = [np.ascontiguousarray(array, "<f4").reshape(array.shape) for array in blobs.get(layer.name, ())]
        heads = [blob_head(array) for array in arrays]
        lengths = [len(head) + array.nbytes for head, array in zip(heads, arrays, strict=True)]
        marks = [wire.header(_BLOBS, length) for length in lengths]
        file.write(wire.header(_LAYER, len(definition) + sum(map(len, marks)) + sum(lengths)))
        file.write(definition)
        for mark, head, array in zip(marks, heads, arrays, strict=True):
            file.write(mark + head)
            file.write(array.reshape(-1).view(np.uint8).data)


def blob_head(array: np.ndarray) -> bytes:
    """All of a BlobProto that stands before its float payload; as in Caffe, no shape where there are no axes."""
    data = wire.header(_DATA, array.nbytes)
    if not array.ndim:
        return data
    dims = b"".join(wire.encode_varint(dim) for dim in array.shape)
    shape = wire.header(1, len(dims)) + dims
    return wire.header(_SHAPE, len(shape)) + shape + data


def _name(layer: LayerParameter | V1LayerParameter) -> str:
    """A layer's name; V0 keeps it in the layer inside the layer."""
    return layer.name or (layer.layer.name if isinstance(layer, V1LayerParameter) else "")


def _undecodable(message: Message) -> bytes:
    """The first text of a message that is none: protobuf gives bytes for it."""
    for field, value in message.ListFields():
        if field.type in (field.TYPE_STRING, field.TYPE_MESSAGE):
            for each in [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value:
                found = each if isinstance(each, bytes) else b"" if isinstance(each, str) else _undecodable(each)
                if found:
                    return found
    return b""


def _not_a_caffemodel(path: AnyPath, problem: str) -> FileFormatError:
    kind = sniff(path)
    if kind.intact is FileKind.NET:
        return FileFormatError(f"is a damaged .caffemodel: {problem}")
    if kind is FileKind.PROTOTXT:
        return FileFormatError("is a prototxt, which has no weights; give it with `prototxt`")
    return FileFormatError(f"is {kind.phrase}, not a .caffemodel{kind.way_out}")


def _map(path: AnyPath) -> MappedFile:
    try:
        return MappedFile(path)
    except ValueError:
        raise FileFormatError("is empty") from None
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}") from None


class Blob:
    """One BlobProto: its stated shape and the runs of values that it is stored in."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] | None = None
        self.legacy: dict[int, int] = {}
        self.raw_type = 1
        self.raw: tuple[int, int] | None = None
        self.runs: dict[int, list[np.ndarray]] = {_DATA: [], _DOUBLE_DATA: []}
        self.buffer: memoryview

    def array(self, layer: str, index: int) -> np.ndarray:
        """The values in the stated shape, a view wherever they are stored in one run."""
        where = f"layer {layer!r}: blob {index}"
        if self.raw is not None:
            dtype = _RAW_DTYPES.get(self.raw_type)
            if dtype is None:
                raise FileFormatError(f"{where} has raw data of type {self.raw_type}, which is not a float type")
            start, end = self.raw
            if (end - start) % np.dtype(dtype).itemsize:
                raise FileFormatError(f"{where} has raw data that ends in the middle of a value")
            runs = [np.frombuffer(self.buffer[start:end], dtype)]
        else:
            # Where both are there Caffe takes double_data (BVLC/caffe src/caffe/blob.cpp, FromProto).
            runs = self.runs[_DOUBLE_DATA] or self.runs[_DATA]
        values = runs[0] if len(runs) == 1 else np.concatenate(runs) if runs else np.empty(0, np.float32)
        shape = self.shape
        if shape is None:
            # Caffe writes no shape for a blob without axes, which holds one value.
            shape = tuple(self.legacy.get(number, 0) for number in _LEGACY_SHAPE) if self.legacy else ()
        if min(shape, default=1) < 0 or math.prod(shape) != values.size:
            raise FileFormatError(
                f"{where} states the shape {shape}, but the file contains {values.size} values for it"
            )
        return values.reshape(shape)


class Walk:
    """Splits a serialized NetParameter into its skeleton and its blobs."""

    def __init__(self, buffer: memoryview):
        self.buffer = buffer
        self.parts: list[bytes | memoryview] = []
        # The blobs of each layer, by the field that holds the layers.
        self.blobs: dict[int, list[list[Blob]]] = {_LAYER: [], _LAYERS_V1: []}

    def skeleton(self) -> NetParameter:
        """The net without its blobs, as far as the walk has come."""
        return NetParameter.FromString(b"".join(self.parts))

    def where(self) -> str:
        """Behind which layer the walk came to its end, as a phrase for an error."""
        try:
            net = self.skeleton()
        except DecodeError:
            return ""
        names = [*map(_name, net.layer), *map(_name, net.layers)]
        return f" (after layer {names[-1]!r})" if names else ""

    def net(self) -> None:
        """Go through the whole file."""
        parts, blobs = self.parts, self.blobs
        for field in wire.fields(self.buffer, 0, len(self.buffer)):
            if field.number in blobs and field.kind == wire.BYTES:
                found: list[Blob] = []
                inner = self._layer(field, _BLOBS if field.number == _LAYER else _BLOBS_V1, found)
                parts += [wire.header(field.number, len(inner)), inner]
                blobs[field.number].append(found)
            else:
                parts.append(self.buffer[field.tag : field.end])

    def _layer(self, layer: wire.Field, blobs_number: int, found: list[Blob]) -> bytes:
        parts: list[bytes | memoryview] = []
        for field in wire.fields(self.buffer, layer.start, layer.end):
            if field.number == blobs_number and field.kind == wire.BYTES:
                found.append(self.blob(field))
            elif blobs_number == _BLOBS_V1 and field.number == _LAYER_V0 and field.kind == wire.BYTES:
                inner = self._layer(field, _BLOBS_V0, found)
                parts += [wire.header(field.number, len(inner)), inner]
            else:
                parts.append(self.buffer[field.tag : field.end])
        return b"".join(parts)

    def blob(self, blob: wire.Field) -> Blob:
        """One BlobProto of the file, its values left where they lie."""
        result = Blob()
        result.buffer = self.buffer
        at = blob.start
        while at < blob.end:
            field = next(wire.fields(self.buffer, at, blob.end))
            at = field.end
            if field.number in (_DATA, _DOUBLE_DATA):
                dtype = "<f4" if field.number == _DATA else "<f8"
                if field.kind == wire.BYTES:
                    run = self.buffer[field.start : field.end]
                    if len(run) % np.dtype(dtype).itemsize:
                        raise wire.WireError(f"the values at byte {field.start} end in the middle of one")
                    result.runs[field.number].append(np.frombuffer(run, dtype))
                else:
                    values, at = self._unpacked(field, blob.end, dtype)
                    result.runs[field.number].append(values)
            elif field.number in (_DIFF, _DOUBLE_DIFF) and field.kind != wire.BYTES:
                _, at = self._unpacked(field, blob.end, "<f4" if field.number == _DIFF else "<f8")
            elif field.number == _SHAPE and field.kind == wire.BYTES:
                result.shape = (result.shape or ()) + tuple(self._dims(field))
            elif field.number in _LEGACY_SHAPE and field.kind == wire.VARINT:
                result.legacy[field.number] = _signed(wire.varint(self.buffer, field.start, field.end)[0])
            elif field.number == _RAW_TYPE and field.kind == wire.VARINT:
                result.raw_type = wire.varint(self.buffer, field.start, field.end)[0]
            elif field.number == _RAW_DATA and field.kind == wire.BYTES:
                result.raw = (field.start, field.end)
        return result

    def _unpacked(self, first: wire.Field, end: int, dtype: str) -> tuple[np.ndarray, int]:
        """Values written one field each, tag and all: a strided view on them, and the offset behind them."""
        if first.kind != (wire.FIXED32 if dtype == "<f4" else wire.FIXED64) or first.start != first.tag + 1:
            raise wire.WireError(f"there are no values at byte {first.tag}")
        record = np.dtype([("tag", "u1"), ("value", dtype)])
        records = np.frombuffer(self.buffer[first.tag : end], record, (end - first.tag) // record.itemsize)
        others = np.flatnonzero(records["tag"] != records["tag"][0])
        count = int(others[0]) if others.size else len(records)
        return records["value"][:count], first.tag + count * record.itemsize

    def _dims(self, shape: wire.Field) -> Iterator[int]:
        for field in wire.fields(self.buffer, shape.start, shape.end):
            if field.number == 1 and field.kind in (wire.VARINT, wire.BYTES):
                at = field.start
                while at < field.end:
                    dim, at = wire.varint(self.buffer, at, field.end)
                    yield _signed(dim)


def _signed(value: int) -> int:
    """Protobuf stores negative numbers as 64-bit two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value
