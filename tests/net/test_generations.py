"""Nets of every generation of Caffe's files, text, binary and HDF5, against what Caffe computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.cli import main
from fcnkit.errors import FileFormatError
from tests.paths import LEGACY

CASES = ["v0", "v1", "v2_input_fields"]
BINARY, HDF5 = "net.caffemodel", "net.caffemodel.h5"


def check(net: fcnkit.CaffeNet, case: str) -> None:
    golden = np.load(LEGACY / case / "blobs.npz")
    inputs = {name: torch.from_numpy(golden[f"in/{name}"]) for name in net.inputs}
    with torch.no_grad():
        blobs = net.forward_blobs(**inputs)
    compared = [key.removeprefix("out/") for key in golden if key.startswith("out/")]
    assert len(compared) > 3
    for name in compared:
        expected = golden[f"out/{name}"]
        assert np.abs(blobs[name].numpy() - expected).max() <= 1e-5 * np.abs(expected).max(), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("weights", "definition"),
    [
        (BINARY, None),
        (BINARY, "net.prototxt"),
        (BINARY, "upgraded.prototxt"),
        (HDF5, "net.prototxt"),
        (HDF5, "upgraded.prototxt"),
    ],
)
def test_every_file_of_a_net_gives_the_same(case: str, weights: str, definition: str | None) -> None:
    folder = LEGACY / case
    check(fcnkit.convert(folder / weights, definition and folder / definition, deploy=False), case)


@pytest.mark.parametrize("case", CASES)
def test_an_upgraded_caffemodel(case: str, tmp_path: Path) -> None:
    new = tmp_path / "new.caffemodel"
    result = CliRunner().invoke(main, ["upgrade", str(LEGACY / case / BINARY), "-o", str(new)])
    assert result.exit_code == 0, result.output
    net, blobs = caffemodel.read(new)
    assert net == prototxt.read(LEGACY / case / "upgraded.prototxt")
    old = caffemodel.read(LEGACY / case / BINARY).blobs
    assert all(np.array_equal(a, b) for name in old for a, b in zip(old[name], blobs[name], strict=True))
    check(fcnkit.convert(new, deploy=False), case)


def test_a_caffemodel_is_upgraded_into_a_file() -> None:
    result = CliRunner().invoke(main, ["upgrade", str(LEGACY / "v1" / BINARY)])
    assert result.exit_code == 2
    assert "a .caffemodel is upgraded into a file; name it with -o" in result.stderr


def test_hdf5_weights_need_a_definition() -> None:
    with pytest.raises(
        FileFormatError, match=r"net.caffemodel.h5: contains weights alone; give the net's definition with"
    ):
        fcnkit.convert(LEGACY / "v1" / HDF5)


def test_a_solver_state_is_named(tmp_path: Path) -> None:
    from fcnkit.caffe.schema import message_class

    state = message_class("SolverState")(iter=100, learned_net="x.caffemodel", current_step=3)
    path = tmp_path / "x.solverstate"
    path.write_bytes(state.SerializeToString())
    with pytest.raises(FileFormatError, match=r"is a Caffe solver state .*; the weights are in the .caffemodel"):
        fcnkit.convert(path)
