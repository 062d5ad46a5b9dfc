"""`python -m fcnkit`, which is also what the `fcnkit` script and torchrun start.

A signal ends the command at once, from the first import on. No exception is raised, since it could surface in any code:
in the midst of an import, or in a function that torch calls from C++, where it would abort the process.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM)


def run() -> None:
    """The command line in a process of its own. Partial files are removed when a signal ends it."""
    for number in _ENDING:
        # A program that runs in the background may have been started with SIGINT ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    from fcnkit.cli import run as run_command

    run_command(prog_name="fcnkit")


def _end(number: int, frame: FrameType | None) -> None:
    """Remove partial files and end the process, with the status that a shell gives a program that a signal ended."""
    for each in _ENDING:
        # Not SIG_IGN: Python reports a signal that arrived just before as one that it had to ignore.
        signal.signal(each, _pass)
    # Without the module, no file has been begun.
    files = sys.modules.get("fcnkit.files")
    if files is not None and hasattr(files, "remove_partial"):
        files.remove_partial()
    with suppress(Exception):
        sys.stdout.flush()
        if "rich" in sys.modules and sys.stderr.isatty():
            # A progress bar hides the cursor.
            sys.stderr.write("\x1b[?25h\n")
            sys.stderr.flush()
    os._exit(128 + number)


def _pass(number: int, frame: FrameType | None) -> None:
    """Leave a further signal without effect."""


if __name__ == "__main__":
    run()
