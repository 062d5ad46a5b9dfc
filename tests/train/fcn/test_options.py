"""What each option of `fcnkit train fcn` writes into the prototxts of a run."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from scipy.io import savemat

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.generation.published import PUBLISHED
from fcnkit.palette import colours_from_labels
from fcnkit.segment.images import read_labels
from fcnkit.train.data.pairing import read_list
from tests.train.fcn.conftest import CLASSES, draw, records

Run = Callable[[str], Result]


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def settings(path: str) -> dict[str, Any]:
    """The settings of a net's data layer."""
    found = ast.literal_eval(prototxt.read(path).layer[0].python_param.param_str)
    assert isinstance(found, dict)
    return found


def test_sampling_is_for_training_alone(drawn: Path, fcn: Run) -> None:
    line = "--set max_iter=1 --batch 3 --patches 24x32:rare --augment mirror,scale:0.5-2,color --seed 5 -o run"
    succeeded(fcn(line))
    train, val = settings("run/train.prototxt"), settings("run/val.prototxt")
    assert (train["batch_size"], train["patch"], train["augment"]) == (3, [24, 32], "mirror,scale:0.5-2,color")
    assert train["randomize"]
    assert train["seed"] == 5
    assert all(0 < label < 3 for label in train["rare"])
    assert val.keys().isdisjoint({"patch", "augment", "rare", "batch_size"})
    assert not val["randomize"]
    assert prototxt.read("run/solver.prototxt", "SolverParameter").random_seed == 5


def test_class_weights_are_reported_and_trained_with(drawn: Path, fcn: Run) -> None:
    result = fcn("--set max_iter=1 --class-weights median -o median")
    succeeded(result)
    pixels = np.zeros(3)
    around = np.zeros(3)
    for pair in read_list("median/train.txt"):
        labels = read_labels(pair.label).values
        own = np.bincount(labels[labels != 255], minlength=3)
        pixels += own
        around += own.sum() * (own > 0)
    expected = np.median(pixels / around) / (pixels / around)
    words = ", ".join(f"{name} {weight:.3g}" for name, weight in zip(CLASSES, expected, strict=True))
    assert f"class weights (median): {words}" in result.stderr
    layers = {layer.name: layer for layer in prototxt.read("median/train.prototxt").layer}
    fillers = [filler.value for filler in layers["loss_weights"].dummy_data_param.data_filler]
    assert fillers[:3] == pytest.approx(expected.tolist())
    assert layers["loss"].type == "InfogainLoss"
    Path("weights.txt").write_text("box 4\nbar 2\nbackground 0.5\n")
    succeeded(fcn("--set max_iter=1 --class-weights weights.txt -o file"))
    layers = {layer.name: layer for layer in prototxt.read("file/train.prototxt").layer}
    assert [f.value for f in layers["loss_weights"].dummy_data_param.data_filler][:3] == [0.5, 4, 2]


def test_the_heavy_recipe_and_images_to_score_on(drawn: Path, fcn: Run) -> None:
    draw(drawn / "other", 3, seed=9)
    line = "--recipe heavy --at-once --stride 8 --set max_iter=2 --set display=2 --score-every 1"
    succeeded(fcn(f"{line} --val-images other/images --val-labels other/labels -o run"))
    assert [pair.image.parent.parent.name for pair in read_list("run/val.txt")] == ["other"] * 3
    assert len(read_list("run/train.txt")) == 10
    solver = prototxt.read("run/solver.prototxt", "SolverParameter")
    assert solver.momentum == pytest.approx(0.99)
    # The shared options override the rate and the type, here and of any field.
    assert (solver.type, solver.base_lr, solver.display) == ("Adam", pytest.approx(0.002), 2)
    layers = {layer.name: layer for layer in prototxt.read("run/train.prototxt").layer}
    assert not layers["loss"].loss_param.normalize
    assert "scale_pool3" in layers
    assert [record["iteration"] for record in records("run/log.jsonl") if "score" in record] == [1, 2]


def test_colour_masks_and_their_palette(drawn: Path, fcn: Run) -> None:
    palette = np.array([[10, 10, 10], [200, 0, 0], [0, 0, 200]], np.uint8)
    Path("palette.txt").write_text("".join(f"{r} {g} {b}\n" for r, g, b in palette))
    indexed = read_labels("labels/00.png").values
    for path in Path("labels").iterdir():
        labels = read_labels(path).values
        Image.fromarray(colours_from_labels(np.where(labels == 255, 0, labels), palette)).save(path)
    succeeded(fcn("--set max_iter=1 --palette palette.txt -o run"))
    assert settings("run/train.prototxt")["palette"] == str(drawn / "palette.txt")
    score = next(record["score"] for record in records("run/log.jsonl") if "score" in record)
    (pair,) = read_list("run/val.txt")
    labels = read_labels(pair.label, palette).values
    assert np.sum(score["hist"], axis=1).tolist() == np.bincount(labels.ravel(), minlength=3).tolist()
    assert indexed.shape


@pytest.fixture
def trees(drawn: Path) -> Path:
    """Trees of VOC and of SBD with six images: SBD trains on 0 to 2, VOC's val has 2 to 4."""
    voc, sbd = Path("VOC2012"), Path("benchmark_RELEASE", "dataset")
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (voc / folder).mkdir(parents=True)
    for folder in ("img", "cls"):
        (sbd / folder).mkdir(parents=True)
    for index in range(6):
        image = Image.open(f"images/{index:02}.png")
        labels = Image.open(f"labels/{index:02}.png")
        image.save(voc / "JPEGImages" / f"{index}.jpg")
        labels.save(voc / "SegmentationClass" / f"{index}.png")
        if index < 3:
            image.save(sbd / "img" / f"{index}.jpg")
            savemat(sbd / "cls" / f"{index}.mat", {"GTcls": {"Segmentation": np.asarray(labels)}})
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("0\n5\n")
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("2\n3\n4\n")
    (sbd / "train.txt").write_text("0\n1\n2\n")
    return drawn


def test_the_trees_of_voc_and_sbd(trees: Path, run: Run) -> None:
    line = "train fcn --voc VOC2012 --backbone tiny --templates own --set base_lr=1e-9 --set max_iter=1"
    succeeded(run(f"{line} -o voc"))
    assert [[pair.image.stem for pair in read_list(f"voc/{name}.txt")] for name in ("train", "val")] == [
        ["0", "5"],
        ["2", "3", "4"],
    ]
    assert len(Path("voc/classes.txt").read_text().splitlines()) == 21
    succeeded(run(f"{line} --sbd benchmark_RELEASE -o both"))
    assert [[pair.label.name for pair in read_list(f"both/{name}.txt")] for name in ("train", "val")] == [
        ["0.mat", "1.mat", "2.mat"],
        ["3.png", "4.png"],
    ]


def test_a_run_starts_from_the_net_of_another(drawn: Path, fcn: Run) -> None:
    succeeded(fcn("--set max_iter=1 -o first"))
    for name in ("train", "val"):
        path = Path(f"first/{name}.prototxt")
        assert "(104.00698793, 116.66876762, 122.67891434)" in path.read_text()
    # The mean that the weights were trained with is kept.
    deploy = prototxt.read("first/deploy.prototxt")
    deploy.layer[0].transform_param.mean_value[:] = [1, 2, 3]
    Path("own.prototxt").write_text(prototxt.to_text(deploy))
    net = fcnkit.convert("first/best.caffemodel", "own.prototxt")
    fcnkit.save(net, "own.safetensors")
    succeeded(fcn("--from own.safetensors --stride 16 --set max_iter=1 -o second"))
    assert settings("second/train.prototxt")["mean"] == settings("second/val.prototxt")["mean"] == (1.0, 2.0, 3.0)
    assert fcnkit.load("second/best.caffemodel").preprocessing["data"].mean == (1.0, 2.0, 3.0)
    start = fcnkit.load("second/start.caffemodel").blobs()
    assert np.array_equal(start["conv1"][0], net.blobs()["conv1"][0])
    assert json.loads(Path("second/run.json").read_text())["facts"]["started from"] == "own.safetensors"


def test_published_nets_are_those_that_are_trained(drawn: Path, run: Run) -> None:
    """The whole net is too large for a test: here it is refused over its classes only once it is described."""
    result = run("train voc-fcn16s --images images --labels labels --classes classes.txt -o run")
    assert result.exit_code == 1
    assert result.output == "Error: classes.txt: names 3 classes; the net has 21\n"
    for name in PUBLISHED:
        result = run(f"train {name} --images images --labels labels --backbone tiny -o run")
        assert (result.exit_code, result.output.splitlines()[-1]) == (
            2,
            f"Error: --backbone has no effect with {name}; leave it out",
        )
    result = run("train siftflow-fcn16s --images images --labels labels -o run")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        2,
        "Error: --labels 'labels' names no head of the net; write --labels sem=... and --labels geo=...",
    )
