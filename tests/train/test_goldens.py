"""Whole runs beside Caffe's: losses, rates and outputs of every iteration and test, weights and histories."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import caffemodel, hdf5, solverstate
from tests.paths import ROOT

CASES = sorted(path.name for path in (ROOT / "tests" / "data" / "training").iterdir())
# Caffe logs 6 digits, and computes in float32.
WEIGHTS, LOGGED = 1e-4, 2e-5


def blobs(path: Path) -> dict[str, list[np.ndarray]]:
    return hdf5.read(path) if path.suffix == ".h5" else caffemodel.read(path).blobs


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= WEIGHTS * np.abs(expected).max()


def assert_weights(found: Path, expected: Path) -> None:
    own, caffes = blobs(found), blobs(expected)
    assert own.keys() == caffes.keys()
    for layer, arrays in caffes.items():
        for array, other in zip(own[layer], arrays, strict=True):
            assert_close(array, other)


def assert_trace(records: list[dict], trace: dict, start: int, average: int = 1) -> None:
    """The log of a run from an iteration on; averages over iterations that lie before it are not compared."""
    displays = [record for record in records if "test" not in record]
    tests = [record for record in records if "test" in record]
    for found, expected in ((displays, trace["iterations"]), (tests, trace["tests"])):
        expected = [record for record in expected if record["iteration"] >= start]
        assert [record["iteration"] for record in found] == [record["iteration"] for record in expected]
        for own, caffes in zip(found, expected, strict=True):
            assert own["outputs"] == pytest.approx(caffes["outputs"], rel=LOGGED, abs=LOGGED)
            if "lr" in caffes:
                assert own["lr"] == pytest.approx(caffes["lr"], rel=LOGGED)
                if own["iteration"] >= start + (average - 1 if start else 0):
                    assert own["loss"] == pytest.approx(caffes["loss"], rel=LOGGED, abs=LOGGED)


@pytest.mark.parametrize("name", CASES)
def test_a_run_is_caffes(name: str, case: Callable[[str], Path], trained: Callable[[str], list[dict]]) -> None:
    golden = case(name)
    trace = json.loads((golden / "trace.json").read_text())
    assert_trace(trained("solver.prototxt --weights init.caffemodel"), trace, 0)
    for expected in golden.glob("snap_iter_*.caffemodel*"):
        assert_weights(Path(expected.name), expected)
    (expected,) = golden.glob("*.solverstate*")
    own, caffes = solverstate.read(expected.name), solverstate.read(expected)
    assert own[:3] == caffes[:3]
    for array, other in zip(own.history, caffes.history, strict=True):
        assert_close(array, other)


@pytest.mark.parametrize("name", CASES)
def test_a_run_that_caffe_began_goes_on_as_caffes(
    name: str, case: Callable[[str], Path], trained: Callable[[str], list[dict]]
) -> None:
    golden = case(name)
    for path in golden.glob("snap_iter_6.*"):
        shutil.copy(path, ".")
    (state,) = Path().glob("*.solverstate*")
    trace = json.loads((golden / "trace.json").read_text())
    average = 3 if "average_loss" in name else 1
    assert_trace(trained(f"solver.prototxt --snapshot {state}"), trace, 6, average)
    (expected,) = golden.glob("snap_iter_12.caffemodel*")
    assert_weights(Path(expected.name), expected)


@pytest.mark.parametrize("name", [name for name in CASES if "hdf5" not in name])
def test_a_snapshot_states_the_net_as_caffes_does(
    name: str, case: Callable[[str], Path], trained: Callable[[str], list[dict]]
) -> None:
    golden = case(name)
    trained("solver.prototxt --weights init.caffemodel")
    for snapshot in ("snap_iter_6.caffemodel", "snap_iter_12.caffemodel"):
        assert caffemodel.read(snapshot).net == caffemodel.read(golden / snapshot).net


def test_an_hdf5_snapshot_has_caffes_datasets(
    case: Callable[[str], Path], trained: Callable[[str], list[dict]]
) -> None:
    import h5py

    def datasets(path: Path) -> dict:
        found = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, item: found.update({name: (getattr(item, "shape", 0), str(item.dtype))}) if
                            isinstance(item, h5py.Dataset) else found.update({name: None}))  # fmt: skip
        return found

    golden = case("sgd_hdf5_snapshot")
    trained("solver.prototxt --weights init.caffemodel")
    for path in golden.glob("*.h5"):
        if path.name.startswith("snap"):
            assert datasets(Path(path.name)) == datasets(path)
