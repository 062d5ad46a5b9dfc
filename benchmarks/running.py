"""Running things beside each other, each in a process of its own, and taking their time and memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

# Nothing large is imported here, nor in what imports this: a child's ru_maxrss starts at what its parent held when it
# was started (Linux fs/exec.c, exec_mmap), so that a large parent would hide what its children need.

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20


@dataclass
class Thing:
    """One measured thing, and what was found.

    Attributes:
        title: what it is, for the table.
        command: what the child process runs.
        inner: the child says itself how long it took; else the whole process counts.
        output: a file that it writes, removed again after each run.
        seconds: one time for each round.
        peak: the largest resident set, in bytes: pages of mapped files too.
        own: the largest part of it that is not pages of files.
        imports: the peak after the imports, where the child says it.
    """

    title: str
    command: list[str]
    inner: bool = False
    output: Path | None = None
    seconds: list[float] = field(default_factory=list)
    peak: int = 0
    own: int = 0
    imports: int = 0

    def run(self, watched: bool = False) -> None:
        """Run it once; a watched run gives its own memory and no time."""
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as remarks:
            start = time.perf_counter()
            child = subprocess.Popen(self.command, stdout=printed, stderr=remarks, env=environment())
            if watched:
                self._watch(child.pid)
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            printed.seek(0)
            remarks.seek(0)
            if child.returncode:
                raise SystemExit(f"{self.title}: exit status {child.returncode}\n{remarks.read()}")
            said = json.load(printed) if self.inner else {}
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        seconds, self.imports = said.get("seconds", seconds), said.get("imports", 0)
        if not watched:
            self.seconds.append(seconds)
        if self.output:
            self.output.unlink()

    def _watch(self, pid: int) -> None:
        """Follow a process's own memory until it ends; it stays to be waited for."""
        with suppress(FileNotFoundError, ProcessLookupError):
            while lines := [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "RssAnon" in line]:
                self.own = max(self.own, int(lines[0].split()[1]) * 1024)
                time.sleep(0.002)


def take_turns(title: str, things: Iterable[Thing], rounds: int) -> None:
    """Run things that often each. A first round more warms the file cache and is watched; its times do not count."""
    turns = list(things)
    for count in range(1 + rounds):
        print(f"\r{title}: round {count} ", end="", file=sys.stderr, flush=True)
        for thing in turns:
            thing.run(watched=count == 0)
        # Another one starts the next round: what ran just before leaves its mark on free memory.
        turns.append(turns.pop(0))
    print(file=sys.stderr)


def environment() -> dict[str, str]:
    """The caller's environment, with this checkout's fcnkit, and compiled modules kept as in any installation."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def fcnkit(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "fcnkit", *arguments]


def machine() -> str:
    """The machine and the versions, in a sentence."""
    with suppress(OSError, StopIteration):
        names = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in names if line.startswith("model name"))
        packages = {"torch": "torch", "NumPy": "numpy", "protobuf": "protobuf", "OpenCV": "opencv-python-headless"}
        versions = ", ".join(f"{name} {version(package)}" for name, package in packages.items())
        return f"{cpu}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, {versions}."
    return platform.platform()
