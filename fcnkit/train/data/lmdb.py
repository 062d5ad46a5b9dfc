"""Data: Datums in an LMDB, in the order of their keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from google.protobuf.message import DecodeError

from fcnkit.caffe.messages import Datum
from fcnkit.errors import FileFormatError, InputError
from fcnkit.train.data.feeding import Samples, Tops
from fcnkit.train.data.pixels import decoded
from fcnkit.train.data.transform import Transform


class LMDBSamples(Samples):
    """The images, or arrays of numbers, and labels of an LMDB.

    Args:
        source: the folder of the LMDB.
        transform: the transform of the images.
        colour: the channels of decoded images: True for three, False for one, None for as many as the image has.
        labelled: whether a sample has its label as a second array.

    Raises:
        InputError, FileFormatError: the folder does not exist, is not an LMDB, or is empty, or lmdb is not installed.

    Source: BVLC/caffe src/caffe/layers/data_layer.cpp, src/caffe/util/db_lmdb.cpp.
    """

    def __init__(self, source: str, transform: Transform, colour: bool | None = None, labelled: bool = True):
        self.source, self.transform, self.colour, self.labelled = source, transform, colour, labelled
        self._environment: _Environment | None = None
        if not (Path(source) / "data.mdb").is_file():
            hint = "a LevelDB, which is not supported: make an LMDB of it" if _is_leveldb(source) else "no LMDB"
            problem = f"is {hint}" if Path(source).exists() else "is not there"
            raise InputError(f"{problem}; the layer's source is the folder of an LMDB's data.mdb").in_file(source)
        # Only the keys stay in memory; an index is looked up in them.
        with self._transaction() as transaction:
            self._keys = list(transaction.cursor().iternext(values=False))
        if not self._keys:
            raise FileFormatError("is an LMDB without an entry").in_file(source)

    def __len__(self) -> int:
        return len(self._keys)

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """The Datum at an index."""
        key = self._keys[index]
        with self._transaction() as transaction:
            value = transaction.get(key)
        name = key.decode("utf-8", "replace")
        try:
            datum = Datum.FromString(value or b"")
            image = self.transform(self._pixels(datum), random)
        except DecodeError:
            raise FileFormatError(f"key {name!r}: its value is not a Datum").in_file(self.source) from None
        except (FileFormatError, InputError) as error:
            raise type(error)(f"key {name!r}: {error}").in_file(self.source) from None
        return (image, np.array(datum.label, np.float32)) if self.labelled else (image,)

    def _pixels(self, datum: Datum) -> np.ndarray:
        if datum.encoded:
            return decoded(datum.data, self.colour)
        shape = datum.channels, datum.height, datum.width
        # As in Caffe, bytes take precedence over floats if a Datum has both.
        values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
        if min(shape) < 1 or values.size != np.prod(shape):
            raise FileFormatError(f"its Datum states the shape {shape}, but has {values.size} values")
        return values.reshape(shape)

    def _transaction(self) -> Any:
        if self._environment is None:
            self._environment = _ENVIRONMENTS.get(os.path.realpath(self.source)) or _Environment(self.source)
        return self._environment.begin()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_environment": None}


class _Environment:
    """An open LMDB. A process may open one only once, and must not use one that it inherited by a fork."""

    def __init__(self, source: str):
        self.source, self.process = source, os.getpid()
        self._open = self._opened()
        _ENVIRONMENTS[os.path.realpath(source)] = self

    def begin(self) -> Any:
        """A read transaction."""
        if self.process != os.getpid():
            self._open.close()
            self._open, self.process = self._opened(), os.getpid()
        return self._open.begin()

    def _opened(self) -> Any:
        try:
            import lmdb
        except ImportError:
            raise InputError("reading an LMDB needs lmdb: pip install 'fcnkit[lmdb]'").in_file(self.source) from None
        try:
            return lmdb.open(self.source, readonly=True, lock=False)
        except lmdb.Error as error:
            raise FileFormatError(f"cannot be read as an LMDB: {error}").in_file(self.source) from None


_ENVIRONMENTS: WeakValueDictionary[str, _Environment] = WeakValueDictionary()


def _is_leveldb(source: str) -> bool:
    return (Path(source) / "CURRENT").is_file()
