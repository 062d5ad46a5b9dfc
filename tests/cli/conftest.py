"""What the tests of all commands share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fcnkit.cli import main


@pytest.fixture
def run_examples() -> Callable[[str], list[Result]]:
    """Runs the examples that a command's help ends in, in the current folder; each must succeed."""

    def run(command: str) -> list[Result]:
        text = CliRunner().invoke(main, [command, "--help"]).output
        examples = [line.strip() for line in text.rpartition("Examples:\n")[2].strip().splitlines()]
        results = []
        for example in examples:
            assert example.startswith(f"fcnkit {command} "), f"the help of {command} does not end in its examples"
            results.append(CliRunner().invoke(main, shlex.split(example)[1:]))
            assert results[-1].exit_code == 0, results[-1].output
        return results

    return run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path, data: Path) -> Callable[[str], Result]:
    """Runs a command line in an empty folder that holds the sample model and its prototxt under the help's names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fcn8s.caffemodel").symlink_to(sample)
    (tmp_path / "deploy.prototxt").symlink_to(data / "shapes" / "deploy.prototxt")
    return lambda line: CliRunner().invoke(main, shlex.split(line))
