"""HDF5Data: rows of HDF5 files, a dataset for each top."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fcnkit.errors import FileFormatError, InputError
from fcnkit.segment.images import read_lines
from fcnkit.train.data.feeding import Samples, Tops


class HDF5Samples(Samples):
    """The rows of several HDF5 files, one file in memory at a time.

    Args:
        source: a text file that lists them, one path per line; relative paths start at the working folder.
        tops: the names of the datasets.

    Raises:
        FileFormatError, InputError: the list or a file in it cannot be read, a file lacks a dataset, or its datasets
            differ in their number of rows.

    Source: BVLC/caffe src/caffe/layers/hdf5_data_layer.cpp.
    """

    def __init__(self, source: str, tops: Sequence[str]):
        self.files = [Path(line) for line in read_lines(source)]
        self.tops = tuple(tops)
        if not self.files:
            raise InputError("lists no HDF5 file").in_file(source)
        self.sizes = [self._rows(path, source) for path in self.files]
        self._ends = np.cumsum(self.sizes).tolist()
        self._loaded = -1
        self._arrays: Tops = ()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """The row at an index."""
        file = bisect_right(self._ends, index)
        if file != self._loaded:
            self._arrays, self._loaded = self._load(self.files[file]), file
        row = index - (self._ends[file - 1] if file else 0)
        return tuple(array[row] for array in self._arrays)

    def _rows(self, path: Path, source: str) -> int:
        import h5py

        if not path.is_file():
            raise InputError(f"lists {str(path)!r}, and there is no such file").in_file(source)
        try:
            with h5py.File(path, "r") as file:
                for top in self.tops:
                    if not isinstance(file.get(top), h5py.Dataset):
                        raise FileFormatError(f"has no dataset {top!r}; it has {', '.join(sorted(file)) or 'none'}")
                    if file[top].external or file[top].is_virtual or not file[top].shape:
                        raise FileFormatError(f"its dataset {top!r} is a single value, without rows")
                rows = {file[top].shape[0] for top in self.tops}
        except FileFormatError as error:
            raise error.in_file(path) from None
        except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            raise FileFormatError(f"cannot be read as HDF5: {problem}").in_file(path) from None
        if len(rows) != 1 or rows == {0}:
            raise FileFormatError(f"its datasets have {sorted(rows)} rows; each needs as many").in_file(path)
        return int(rows.pop())

    def _load(self, path: Path) -> Tops:
        import h5py

        try:
            with h5py.File(path, "r") as file:
                return tuple(np.asarray(file[top][...], np.float32) for top in self.tops)
        except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise FileFormatError(f"cannot be read as HDF5: {error}").in_file(path) from None
