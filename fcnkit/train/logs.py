"""Logs of training, written line by line. Logs of fcnkit and of Caffe can be read."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from fcnkit.errors import FileFormatError
from fcnkit.files import check_output, telling
from fcnkit.train.events import Watcher

_LOSS = re.compile(r"Iteration (\d+)\b.*?, loss = (\S+)")
_RATE = re.compile(r"Iteration (\d+), lr = (\S+)")
_TESTING = re.compile(r"Iteration (\d+), Testing net \(#(\d+)\)")
_OUTPUT = re.compile(r"(Train|Test) net output #\d+: (.+?) = (\S+)")


class LogFile(Watcher):
    """Writes one JSON object per line: one for each display, each test and each scoring.

    Args:
        path: the file.
        append: append to an existing file, as a resumed run does.
        force: replace an existing file.

    Raises:
        OutputError: the file exists, or cannot be written.
    """

    def __init__(self, path: Path, append: bool = False, force: bool = False):
        check_output(path, force or append)
        self.path, self.append = path, append
        self._file: TextIO | None = None

    def started(self, iteration: int, max_iter: int) -> None:
        with telling(self.path):
            # A log may be read while it grows, so it is not written to a temporary file first.
            self._file = self.path.open("a" if self.append else "w", encoding="utf-8")
            if self.append and self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n"):
                # An incomplete line of a run that was killed.
                self._file.write("\n")

    def displayed(self, record: dict[str, Any]) -> None:
        self._write(record)

    def tested(self, record: dict[str, Any]) -> None:
        self._write(record)

    def scored(self, record: dict[str, Any]) -> None:
        self._write(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        assert self._file is not None
        with telling(self.path):
            self._file.write(json.dumps(_finite(record), allow_nan=False) + "\n")
            self._file.flush()


def _finite(value: Any) -> Any:
    """A record with null for each number that JSON cannot represent."""
    match value:
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list():
            return [_finite(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value


def by_head(score: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The scores of each head in a scoring, by the head's name; the only head of a net is named ""."""
    heads: dict[str, dict[str, Any]] = score.get("heads") or {"": score}
    return heads


class Log(NamedTuple):
    """The records of a log: displays, tests and scorings, each in the order of iterations. None stands for nan."""

    displays: list[dict[str, Any]]
    tests: list[dict[str, Any]]
    scores: list[dict[str, Any]]

    @property
    def heads(self) -> list[str]:
        """The names of the heads that are scored, if there are several."""
        return list(dict.fromkeys(head for record in self.scores for head in by_head(record["score"]) if head))


def read(path: Path) -> Log:
    """Read a log of fcnkit train, or the standard error output of Caffe.

    A run resumed from an earlier snapshot leaves several records for one iteration; the last one is used.

    Raises:
        FileFormatError: the file cannot be read, or has no record.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}").in_file(path) from None
    records = _own(text) if text.lstrip().startswith("{") else _caffes(text)
    scores = {record["iteration"]: record for record in records if "score" in record}
    tests = {(record["iteration"], record["test"]): record for record in records if "test" in record}
    displays = {record["iteration"]: record for record in records if not {"score", "test"} & record.keys()}
    if not displays and not tests and not scores:
        problem = "has no record of training: it is neither a log of fcnkit train nor one of Caffe"
        raise FileFormatError(problem).in_file(path)
    return Log(*([found[key] for key in sorted(found)] for found in (displays, tests, scores)))


def _own(text: str) -> list[dict[str, Any]]:
    records = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # cut off when the run was killed
        if not isinstance(record, dict) or not isinstance(record.get("iteration"), int):
            continue
        if isinstance(record.get("score", {}), dict):
            records.append(record if "score" in record else {"outputs": {}, **record})
    return records


def _caffes(text: str) -> list[dict[str, Any]]:
    """The records in a log of Caffe.

    Source: BVLC/caffe src/caffe/solver.cpp, Step and Test; src/caffe/solvers/sgd_solver.cpp, ApplyUpdate.
    """
    records: list[dict[str, Any]] = []
    current: dict[str, Any] = {}
    for line in text.splitlines():
        if match := _TESTING.search(line):
            current = {"iteration": int(match[1]), "test": int(match[2]), "outputs": {}}
            records.append(current)
        elif match := _LOSS.search(line):
            current = {"iteration": int(match[1]), "loss": _number(match[2]), "outputs": {}}
            records.append(current)
        elif match := _RATE.search(line):
            if current.get("iteration") == int(match[1]):
                current["lr"] = _number(match[2])
        elif (match := _OUTPUT.search(line)) and current:
            outputs, name, value = current["outputs"], match[2], _number(match[3])
            if name in outputs:
                # An output of several values has a line for each.
                before = outputs[name]
                outputs[name] = [*(before if isinstance(before, list) else [before]), value]
            else:
                outputs[name] = value
    return records


def _number(text: str) -> float:
    try:
        return float(text.rstrip(","))
    except ValueError:
        return float("nan")
