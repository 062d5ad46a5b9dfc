"""Damaged files, and numbers that are none: one line that names the file, from every library that reads it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import fcnkit
from fcnkit.caffe.preprocessing import FCN_MEAN, Preprocessing
from fcnkit.cli import main
from fcnkit.errors import FileFormatError, InputError
from fcnkit.formats import safetensors
from fcnkit.inspect.verification import verify
from fcnkit.segment import Segmenter
from fcnkit.segment.batches import segment_files
from fcnkit.segment.heatmap import heat

NET = """
input: "data" input_dim: [1, 3, 6, 8]
layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 1
        weight_filler { type: "xavier" } } }
"""


LOG = 'layer { name: "log" type: "Log" bottom: "score" top: "log" }'
IMAGES = {"data": Preprocessing("BGR")}


def damaged(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A compressed archive with wrong bytes in the middle of its first array's data."""
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    data = bytearray(path.read_bytes())
    at = first.header_offset + 30 + len(first.filename) + first.compress_size // 2
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("names", [("score.weight", "score.bias"), ("out/score", "in/data")])
def test_a_damaged_compressed_archive(names: tuple[str, str], tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 20, 20)).astype(np.float32)
    path = damaged(tmp_path / "net.npz", {name: values for name in names})
    (tmp_path / "net.prototxt").write_text(NET)
    fcnkit.save(fcnkit.CaffeNet(NET), tmp_path / "net.safetensors")
    problem = rf"^{path}: cannot be read as a NumPy archive: .+"
    with pytest.raises(FileFormatError, match=problem):
        fcnkit.load(path, tmp_path / "net.prototxt")
    with pytest.raises(FileFormatError, match=problem):
        verify(tmp_path / "net.safetensors", str(path))


def test_a_dump_of_text_is_refused(tmp_path: Path) -> None:
    fcnkit.save(fcnkit.CaffeNet(NET), tmp_path / "net.safetensors")
    np.savez(tmp_path / "dump.npz", **{"in/data": np.array(["a"]), "out/score": np.zeros(3)})
    with pytest.raises(FileFormatError, match=r"dump.npz: cannot be read as a NumPy archive"):
        verify(tmp_path / "net.safetensors", str(tmp_path / "dump.npz"))


PLAIN = Preprocessing("BGR", mean=FCN_MEAN).to_plain()


@pytest.mark.parametrize(
    "change",
    [
        {"range": [0, 1e400]}, {"range": [True, 255]}, {"mean": [float("nan")]}, {"mean": [10**400]}, {"mean": [True]},
        {"scale": float("inf")}, {"scale": False}, {"scale": "1"}, {"source": "x" * 10**6}, {"source": "\033[2J"},
        {"range": [0]}, {"channel_order": "BRG"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_metadata_of_other_than_numbers_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    net, path = fcnkit.CaffeNet(NET), tmp_path / "net.safetensors"
    for plain in (PLAIN, PLAIN | change):
        metadata = {"prototxt": net.prototxt, "preprocessing": json.dumps({"data": plain})}
        safetensors.write(path, net.state_dict(), metadata)
        if plain is PLAIN:
            assert fcnkit.load(path).preprocessing["data"].mean == FCN_MEAN
    with pytest.raises(FileFormatError, match=r"has metadata whose preprocessing does not fit 'data'"):
        fcnkit.load(path)


@pytest.mark.parametrize("value", ["1e300", "1e400", "float('nan')"])
def test_a_mean_beyond_32_bits_in_a_definition_is_not_used(value: str) -> None:
    layer = f"""name: "d" type: "Python" top: "data" python_param {{ module: "voc_layers" layer: "VOCSegDataLayer"
                param_str: "{{'mean': ({value}, 1, 1)}}" }}"""
    definition = fcnkit.caffe.prototxt.parse(f"layer {{ {layer} }}")
    found = Preprocessing.of_input(definition.layer, "data", 3)
    assert (found.mean, found.known) == ((), False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_reported(value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = fcnkit.CaffeNet(NET, preprocessing=IMAGES).eval()
    net.score.weight.data[1, 0] = value
    fcnkit.save(net, "net.safetensors")
    for name in "ab":
        Image.new("RGB", (8, 6), (9, 200, 200)).save(f"{name}.png")
    problem = "the scores are infinite or not numbers at 48 of 48 pixels"
    for extra in ([], ["--batch", "2"], ["--tile", "4"]):
        done = CliRunner().invoke(main, ["predict", "net.safetensors", "a.png", "b.png", "--force", *extra])
        assert (done.exit_code, done.stderr.count(problem[:40])) == (1, 2), done.output
        assert f"Error: a.png: {problem}" in done.stderr or extra[:1] == ["--tile"]
        assert not list(Path("predictions").glob("*.png"))
    with pytest.raises(InputError, match="are infinite or not numbers"):
        heat(net, Image.new("RGB", (8, 6), (9, 200, 200)), 1)


def test_an_image_without_scores_does_not_spoil_the_others_of_its_batch(tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(NET + LOG, preprocessing=IMAGES).eval()
    with torch.no_grad():
        net.score.weight.fill_(1e-3)
    paths = []
    for name, grey in (("bad", 0), ("good", 255)):
        paths.append(tmp_path / f"{name}.png")
        Image.new("RGB", (8, 6), (grey,) * 3).save(paths[-1])
    found = {each.path: each for each in segment_files(Segmenter(net), paths, batch=2)}
    assert str(found[paths[0]].error).startswith(f"{paths[0]}: the scores are infinite")
    assert found[paths[1]].prediction is not None


@pytest.mark.parametrize("mean", ["nan", "1,inf,2"])
def test_a_mean_that_is_no_number(mean: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fcnkit.save(fcnkit.CaffeNet(NET, preprocessing=IMAGES), "net.safetensors")
    Image.new("RGB", (8, 6)).save("a.png")
    done = CliRunner().invoke(main, ["predict", "net.safetensors", "a.png", "--mean", mean])
    assert done.exit_code == 1
    assert "give finite numbers" in done.stderr
