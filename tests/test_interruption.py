"""Signals at any moment end a command at once, with whole files only and without a traceback."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

import fcnkit
from fcnkit.files import writing
from tests.paths import ROOT

SIGNALS = [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]]
OUTPUTS = ["net.safetensors", "net.pth", "net.npz", "net.h5", "net.caffemodel", "net.py", "net.onnx", "net.pt2"]


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    """Only those of processes that no longer run on this machine."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    with writing(tmp_path / "probe") as partial:
        pattern = partial.name
        partial.touch()
    host = pattern.removeprefix(".probe.").rpartition(f"-{os.getpid()}-")[0]
    names = {
        f".net.pth.{host}-{dead.pid}-0123abcd.partial": False,
        f".net.pth.{host}-{os.getpid()}-0123abcd.partial": True,
        f".net.pth.other{host}-{dead.pid}-0123abcd.partial": True,
        f"net.pth.{host}-{dead.pid}-0123abcd.partial": True,
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    with writing(folder / "other.txt") as partial:
        partial.touch()
    assert {name: (folder / name).exists() for name in names} == names


def command(line: list[str], folder: Path) -> subprocess.Popen[str]:
    # What runs in the background, a CI say, ignores SIGINT, and so would what it starts.
    return subprocess.Popen(
        [sys.executable, "-m", "fcnkit", *line],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_handlers(process: subprocess.Popen[str]) -> None:
    """Until fcnkit handles signals; before, a signal meets Python's own start. Linux lists handled signals."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        time.sleep(0.1)
        return
    while process.poll() is None:
        handled = re.search(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)
        assert handled is not None
        if int(handled[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.0005)


def interrupt(sample: Path, folder: Path, output: str, numbers: Sequence[int], moment: float) -> float:
    """Convert, with signals at a moment and shortly after: the file is whole or absent, and nothing else is left.

    Args:
        moment: seconds from when fcnkit handles signals.

    Returns:
        The seconds that the command took from then on; signals end it sooner.
    """
    with command(["convert", str(sample), "-o", output], folder) as process:
        wait_for_handlers(process)
        start = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.002)
        _, errors = process.communicate(timeout=120)
        taken = time.monotonic() - start
    found = {path.name for path in folder.iterdir()}
    assert "Traceback" not in errors, errors
    # Python no longer handles signals while it ends.
    assert process.returncode in {0, *(128 + number for number in numbers), *(-number for number in numbers)}, errors
    assert "terminate" not in errors
    assert found <= {output, f"{output}.data", "net.prototxt"}
    if process.returncode == 0:
        assert output in found
    if (folder / output).exists() and not output.endswith((".py", ".onnx", ".pt2")):
        definition = folder.parent / "definition.prototxt"
        if not definition.exists():
            fcnkit.save(fcnkit.load(sample), definition)
        # Formats of weights alone need the definition.
        fcnkit.load(folder / output, definition if output.endswith((".pth", ".npz", ".h5")) else None)
    return taken


def test_the_package_imports_nothing_before_signals_are_handled() -> None:
    """`python -m fcnkit` imports the package first; a signal in its imports would end in a traceback."""
    code = "import sys; before = {*sys.modules}; import fcnkit; print(*sorted({*sys.modules} - before))"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["__future__", "fcnkit"]


@pytest.mark.parametrize("moment", [0, 0.02, 0.3])
@pytest.mark.parametrize("numbers", SIGNALS)
def test_a_signal_at_the_first_imports(sample: Path, tmp_path: Path, numbers: Sequence[int], moment: float) -> None:
    interrupt(sample, tmp_path, "net.safetensors", numbers, moment)


def test_signals_stay_handled_while_the_process_ends() -> None:
    """Python reports a signal on stderr that arrives at the very moment from which on it is to be ignored."""
    code = """if True:
        import os, signal
        from fcnkit import __main__ as program
        os._exit = print
        program._end(signal.SIGTERM, None)
        for number in program._ENDING:
            assert callable(signal.getsignal(number))
            signal.raise_signal(number)
    """
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "143\n", "")


@pytest.mark.stress
@pytest.mark.parametrize("numbers", SIGNALS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_signals_at_random_moments(sample: Path, tmp_path: Path, output: str, numbers: Sequence[int]) -> None:
    """As many runs as RUNS states for each signal and format: `RUNS=200 make stress`."""
    (tmp_path / "whole").mkdir()
    taken = interrupt(sample, tmp_path / "whole", output, [], 120)
    chance = random.Random(f"{output} {numbers}")
    for run in range(int(os.environ.get("RUNS", "1"))):
        folder = tmp_path / str(run)
        folder.mkdir()
        moment = chance.uniform(0, taken)
        ended = interrupt(sample, folder, output, numbers, moment)
        if ended < moment:
            taken = ended  # the machine has become faster
