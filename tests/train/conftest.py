"""What the tests of training share: Caffe's own runs, and the command in a folder of one's own."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fcnkit.cli import main


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> Callable[[str], Path]:
    """Copies what Caffe was given in a case into an empty folder, goes there, and gives the folder of its results."""

    def start(name: str) -> Path:
        golden = data / "training" / name
        for path in golden.iterdir():
            if not path.name.startswith(("snap", "trace")):
                shutil.copy(path, tmp_path)
        monkeypatch.chdir(tmp_path)
        return golden

    return start


@pytest.fixture
def train() -> Callable[[str], Result]:
    """Runs `fcnkit train`, in the current folder."""
    return lambda line: CliRunner().invoke(main, ["train", *shlex.split(line)])


@pytest.fixture
def trained(train: Callable[[str], Result]) -> Callable[[str], list[dict[str, Any]]]:
    """Runs `fcnkit train` with a log, which must succeed; gives the log's records."""

    def run(line: str) -> list[dict[str, Any]]:
        result = train(f"{line} --log train.jsonl --force")
        assert (result.exit_code, result.output) == (0, "")
        return [json.loads(text) for text in Path("train.jsonl").read_text().splitlines()]

    return run
