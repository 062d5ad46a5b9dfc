"""Files mapped into memory; arrays in them are copied to other files without occupying memory."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import FileIO
from typing import NamedTuple, Self
from weakref import finalize

import numpy as np

from fcnkit.aliases import AnyPath

# Bytes that are copied at a time: few enough to stay in the processor's cache.
_CHUNK = 2**18
# Bits of an entry of /proc/self/pagemap (Linux Documentation/admin-guide/mm/pagemap.rst): the page is in memory, or
# swapped out, and it is the file's own. A page of a private mapping is the file's own until it is written to.
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61


class MappedFile(mmap.mmap):
    """A file in memory. Its pages are private: arrays on them are writable, as torch requires; the file is not.

    Raises:
        ValueError: the file is empty.
        OSError: it cannot be read.
    """

    _descriptor: int
    address: int

    def __new__(cls, path: AnyPath) -> Self:
        # Opening a pipe without a writer would block for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with open(path, "rb") as file:
            descriptor = os.dup(file.fileno())
        try:
            self = super().__new__(cls, descriptor, 0, access=mmap.ACCESS_COPY)
        except BaseException:
            os.close(descriptor)
            raise
        finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self))
        return self

    def pieces(self, offset: int, count: int) -> Iterator[memoryview]:
        """The current bytes, in pieces, each of which is valid until the next is requested.

        Each page of a mapped file counts as the process's own memory once it is accessed, and its first access costs
        time. So pages that have not been written to are read from the file again, which is faster and takes no memory.
        The others are copied from memory, however they were changed.

        Raises:
            OSError: the file was truncated meanwhile.
        """
        memory = memoryview(self)
        chunk = memoryview(bytearray(min(_CHUNK, count)))
        with _pagemap() as pagemap:
            for at in range(offset, offset + count, _CHUNK):
                end = min(at + _CHUNK, offset + count)
                if pagemap is None or self._changed(pagemap, at, end):
                    yield memory[at:end]
                    continue
                wanted = chunk[: end - at]
                if os.preadv(self._descriptor, [wanted], at) != len(wanted):
                    raise OSError("the file it is made from was cut short meanwhile")
                yield wanted

    def _changed(self, pagemap: FileIO, start: int, end: int) -> bool:
        """Whether a page of the bytes from start to end was, or may have been, written to."""
        first, last = ((self.address + at) // mmap.PAGESIZE for at in (start, end - 1))
        pagemap.seek(8 * first)
        entries = array("Q", pagemap.read(8 * (last - first + 1)))
        own = (entry & (_SWAPPED | _OF_FILE) == _OF_FILE or not entry & (_SWAPPED | _PRESENT) for entry in entries)
        return len(entries) != last - first + 1 or not all(own)


def _pagemap() -> AbstractContextManager[FileIO | None]:
    """Linux's page map of this process, 8 bytes for each page; None on other systems."""
    try:
        return open("/proc/self/pagemap", "rb", buffering=0)
    except OSError:
        return nullcontext()


class Stored(NamedTuple):
    """The position of an array in a mapped file, in bytes."""

    file: MappedFile
    offset: int

    @property
    def address(self) -> int:
        return self.file.address + self.offset

    def array(self, shape: Sequence[int]) -> np.ndarray:
        """The float32 values at this position, as a view of the file."""
        found: np.ndarray = np.ndarray(tuple(shape), "<f4", memoryview(self.file), self.offset)
        return found


def stored(values: np.ndarray) -> Stored | None:
    """The position of an array in a mapped file; None if the array is not a view of one."""
    owner: object = values
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if not isinstance(owner, MappedFile):
        return None
    return Stored(owner, values.__array_interface__["data"][0] - owner.address)
