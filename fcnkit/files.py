"""Atomic writing of files."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fcnkit.aliases import AnyPath
from fcnkit.errors import OutputError

# The partial files of this process, and the folders in which it has looked for those of others.
_partial: set[Path] = set()
_searched: set[Path] = set()
_HOST = re.sub(r"\W", "_", platform.node())[:40]
_LEFTOVER = re.compile(r"\..+\." + re.escape(_HOST) + r"-(\d+)-[0-9a-f]{8}\.partial")


def remove_partial() -> None:
    """Remove the files that this process has begun to write; for a process that ends without unwinding."""
    for path in tuple(_partial):
        with suppress(OSError):
            path.unlink()


def check_output(path: AnyPath, force: bool) -> None:
    """Check, before any work is done, that an output can be written.

    Raises:
        OutputError: path exists and force is not given, is no regular file, or its folder is missing.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        raise OutputError("is not a regular file; choose another output").in_file(path)
    if target.exists() and not force:
        raise OutputError("exists; replace it with `force` or choose another output").in_file(path)
    if not target.parent.is_dir():
        raise OutputError(f"cannot be written: there is no folder {str(target.parent)!r}").in_file(path)


@contextmanager
def writing(path: AnyPath, force: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to: renamed to `path` when the block succeeds, removed when it fails.

    Raises:
        OutputError: see check_output; or the operating system refuses.
    """
    check_output(path, force)
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name[:180]}.{_HOST}-{os.getpid()}-{os.urandom(4).hex()}.partial")
    _remove_leftovers(target.parent)
    _partial.add(partial)
    try:
        with telling(path):
            # This fails at once if the file cannot be written. The file is then removed: ext4 flushes a file that is
            # truncated on opening to disk when it is closed, a third of the time that a large file takes.
            partial.touch(exist_ok=False)
            partial.unlink()
            yield partial
            os.replace(partial, target)
    finally:
        # In a folder that cannot be written to, removing fails even if the file does not exist.
        with suppress(OSError):
            partial.unlink()
        _partial.discard(partial)


def _remove_leftovers(folder: Path) -> None:
    """Remove the partial files of processes of this machine that were killed; once for each folder."""
    if folder in _searched:
        return
    _searched.add(folder)
    with suppress(OSError):
        for entry in os.scandir(folder):
            match = _LEFTOVER.fullmatch(entry.name)
            if match and not _runs(int(match[1])):
                os.unlink(entry.path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def telling(path: AnyPath) -> Iterator[None]:
    """Convert errors of the operating system into an OutputError that names path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}").in_file(path) from None
