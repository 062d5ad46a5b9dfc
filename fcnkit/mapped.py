"""Files mapped into memory, and arrays that lie in them written on to other files without taking any."""

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

# What is copied at a time: small enough to stay in the processor's cache on its way.
_CHUNK = 2**18
# Bits of an entry of /proc/self/pagemap (Linux Documentation/admin-guide/mm/pagemap.rst): the page is in memory, or
# swapped out, and it is the file's own. A page of a private mapping is the file's own until it is written to.
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61


class MappedFile(mmap.mmap):
    """A file in memory. Its pages are private: arrays on them are writable, as torch wants them, the file is not.

    Raises:
        ValueError: the file is empty.
        OSError: it cannot be read.
    """

    _descriptor: int
    address: int

    def __new__(cls, path: AnyPath) -> Self:
        # A pipe without a writer would wait for one for ever.
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
        """The bytes as they are now, in pieces, each of which is valid until the next is asked for.

        Memory that a mapped file is seen through counts as the process's own, page by page as it is touched, and each
        page costs time on its first touch. So pages that nobody has written to are read from the file anew, which is
        quicker and takes no memory; the others are taken from memory, whoever changed them and by whatever means.

        Raises:
            OSError: the file was cut short meanwhile.
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
        """Whether a page that the bytes from start to end lie in was written to, or may have been."""
        first, last = ((self.address + at) // mmap.PAGESIZE for at in (start, end - 1))
        pagemap.seek(8 * first)
        entries = array("Q", pagemap.read(8 * (last - first + 1)))
        own = (entry & (_SWAPPED | _OF_FILE) == _OF_FILE or not entry & (_SWAPPED | _PRESENT) for entry in entries)
        return len(entries) != last - first + 1 or not all(own)


def _pagemap() -> AbstractContextManager[FileIO | None]:
    """What Linux reports of this process's pages, 8 bytes for each; None on other systems."""
    try:
        return open("/proc/self/pagemap", "rb", buffering=0)
    except OSError:
        return nullcontext()


class Stored(NamedTuple):
    """Where an array lies in a mapped file: at which byte."""

    file: MappedFile
    offset: int

    @property
    def address(self) -> int:
        return self.file.address + self.offset

    def array(self, shape: Sequence[int]) -> np.ndarray:
        """The float32 values that lie there, as a view on the file."""
        found: np.ndarray = np.ndarray(tuple(shape), "<f4", memoryview(self.file), self.offset)
        return found


def stored(values: np.ndarray) -> Stored | None:
    """Where in a mapped file an array begins; None where it is no view on one."""
    owner: object = values
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if not isinstance(owner, MappedFile):
        return None
    return Stored(owner, values.__array_interface__["data"][0] - owner.address)
