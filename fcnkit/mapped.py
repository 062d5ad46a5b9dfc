"""Files mapped into memory, and what lies in them written on to other files without taking any."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import stat
from collections.abc import Iterator
from typing import Self
from weakref import WeakSet, finalize

# What is copied at a time: small enough to stay in the processor's cache on its way.
_CHUNK = 2**18


class MappedFile(mmap.mmap):
    """A file in memory. Its pages are private: arrays on them are writable, as torch wants them, the file is not.

    Raises:
        ValueError: the file is empty.
        OSError: it cannot be read.
    """

    _descriptor: int
    _address: int

    def __new__(cls, path: str | os.PathLike[str]) -> Self:
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
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self))
        _FILES.add(self)
        return self

    def _stored(self, offset: int, count: int) -> Iterator[memoryview]:
        chunk = memoryview(bytearray(min(_CHUNK, count)))
        for at in range(offset, offset + count, _CHUNK):
            wanted = chunk[: offset + count - at]
            if os.preadv(self._descriptor, [wanted], at) != len(wanted):
                raise OSError("the file it is made from was cut short meanwhile")
            yield wanted


_FILES: WeakSet[MappedFile] = WeakSet()


def stored(address: int, count: int) -> Iterator[memoryview] | None:
    """The bytes of a mapped file that lie at an address, read anew; None where no file is mapped there.

    They come in pieces, each of which holds until the next is asked for.

    Memory that a mapped file is seen through counts as the process's own, page by page as it is touched, and each page
    costs time on its first touch: reading the file again is quicker, and takes no memory. What was written to the
    pages since is not in it.
    """
    for file in list(_FILES):
        offset = address - file._address
        if hasattr(os, "preadv") and 0 <= offset <= len(file) - count:
            return file._stored(offset, count)
    return None
