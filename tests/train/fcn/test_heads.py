"""Nets with several heads: a label map for each, scored and reported each by its own classes."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.io import savemat

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.errors import FcnkitError
from fcnkit.generation.nets import describe
from fcnkit.palette import label_image
from fcnkit.segment import Segmenter
from fcnkit.segment.images import read, read_labels
from fcnkit.segment.metrics import Scores, histogram
from fcnkit.train.data.pairing import read_list
from fcnkit.train.fcn.planning import plan
from fcnkit.train.fcn.preparing import prepare
from tests.train.fcn.conftest import BACKBONE, CLASSES, records

Run = Callable[[str], Result]
SIDES = ("left", "right")
FOLDERS = "--labels part=labels --labels side=sides"
OPTIONS = (
    "--images images --heads part:3,side:2 --classes part=classes.txt --classes side=sides.txt --backbone tiny "
    "--templates own --recipe accum --set type=Adam --set base_lr=0.002 --set iter_size=1 --set display=1"
)


@pytest.fixture
def halved(drawn: Path) -> Path:
    """The drawn images with a second label map: the left half and the right half."""
    Path("sides").mkdir()
    for path in Path("labels").iterdir():
        height, width = read_labels(path).values.shape
        sides = np.zeros((height, width), np.uint8)
        sides[:, width // 2 :] = 1
        sides[-1, 0] = 255
        label_image(sides).save(Path("sides") / path.name)
    Path("sides.txt").write_text("".join(f"{name}\n" for name in SIDES))
    return drawn


@pytest.fixture
def siftflow(halved: Path) -> str:
    """The same images and label maps as SIFT Flow stores them, in a folder SiftFlow; the options that name them."""
    inner = "spatial_envelope_256x256_static_8outdoorcategories"
    images, semantic, geometric = (Path("SiftFlow", name, inner) for name in ("Images", "SemanticLabels", "GeoLabels"))
    for source, target, absent, dtype in (("labels", semantic, 0, np.uint8), ("sides", geometric, -1, np.int16)):
        target.mkdir(parents=True)
        for path in Path(source).iterdir():
            labels = read_labels(path).values
            stored = np.where(labels == 255, absent, labels.astype(int) + 1).astype(dtype)
            savemat(target / f"{path.stem}.mat", {"S": stored, "names": np.array(["sky", "sea"], object)})
    images.parent.mkdir()
    Path("images").rename(images)
    return f"--images {images} --labels part={semantic} --labels side={geometric}"


@pytest.fixture
def heads() -> Run:
    """Runs `fcnkit train fcn` with the options that all runs share."""
    return lambda line: CliRunner().invoke(main, ["train", "fcn", *shlex.split(f"{OPTIONS} {line}")])


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def failed(result: Result, problem: str) -> None:
    assert result.output.splitlines()[-1] == f"Error: {problem}"
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    assert not Path("run").exists()


def test_each_head_is_scored_as_its_output_predicts(halved: Path, heads: Run, run: Run) -> None:
    output = succeeded(heads(f"{FOLDERS} --set max_iter=4 --score-every 2 --val-share 0.3 -o run"))
    scorings = [record for record in records("run/log.jsonl") if "score" in record]
    assert [each["iteration"] for each in scorings] == [2, 4]
    best = max(scorings, key=lambda each: each["score"]["mean_iu"])["score"]
    own = best["heads"]
    assert list(own) == ["part", "side"]
    for name in ("mean_iu", "pixel_accuracy", "mean_accuracy", "fw_iu"):
        assert best[name] == pytest.approx((own["part"][name] + own["side"][name]) / 2)
    assert best["loss"] == pytest.approx(own["part"]["loss"] + own["side"]["loss"])
    # The scores are those of the net that was kept, on the label maps of the head.
    net = fcnkit.load("run/best.safetensors")
    pairs = read_list("run/val.txt")
    assert [[path.parent.name for path in pair] for pair in pairs] == [["images", "labels", "sides"]] * 3
    for place, (head, count) in enumerate({"part": 3, "side": 2}.items()):
        segmenter = Segmenter(net, output=f"score_{head}")
        hist = sum(
            histogram(read_labels(pair.labels[place]).values, segmenter([read(pair.image)])[0].labels, count)
            for pair in pairs
        )
        assert own[head]["hist"] == np.asarray(hist).tolist()
        assert own[head]["mean_iu"] == pytest.approx(Scores(np.asarray(hist)).mean_iu)
    rows = [line.split() for line in output.splitlines()[-4:-1]]
    assert [row[1:-4] for row in rows] == [["all,", "mean"], ["part"], ["side"]]
    assert float(rows[1][-2]) == pytest.approx(100 * own["part"]["mean_iu"], abs=0.006)
    assert (Path("run/classes-part.txt").read_text().split(), Path("run/classes-side.txt").read_text().split()) == (
        list(CLASSES),
        list(SIDES),
    )
    failed_over_outputs = run("predict run/best.safetensors images/00.png -o out")
    assert "the net has several outputs, score_part, score_side; choose one with --blob NAME" in (
        failed_over_outputs.output
    )
    line = "predict run/best.safetensors images/00.png -o out --blob score_side --classes run/classes-side.txt"
    assert "left" in succeeded(run(line)) or "right" in succeeded(run(f"{line} --force"))


def test_the_report_has_each_head(halved: Path, heads: Run) -> None:
    succeeded(heads(f"{FOLDERS} --set max_iter=2 --score-every 1 -o run"))
    page = Path("run/report.html").read_text()
    for head, names in (("part", CLASSES), ("side", SIDES)):
        for heading in ("Predictions over time", "Classes", "Confusion"):
            assert f"<h2>{heading}: {head}</h2>" in page
        for name in names:
            assert f"{name}</th><td" in page
        assert f">mean IU, {head}</th>" in page
    assert "<h1>fcn on 3 classes of part and 2 classes of side</h1>" in page
    assert "each score is the mean over the heads part, side" in page
    shown = {path.name for path in Path("run/predictions/2").iterdir()}
    assert shown == {"0-part.png", "0-side.png"}
    # A truth and a prediction for each scoring, of each head, and the photo with each head.
    assert page.count("<img") == 2 * (1 + 1 + 2)


def layers(path: str) -> dict[str, Any]:
    return {layer.name: layer for layer in prototxt.read(path).layer}


def test_what_is_given_for_each_head(halved: Path, heads: Run) -> None:
    Path("weights.txt").write_text("right 3\nleft 1\n")
    line = "--set max_iter=1 --class-weights part=median --class-weights side=weights.txt --patches 24x32:rare"
    result = heads(f"{FOLDERS} {line} --augment mirror,scale:0.5-2 --batch 2 -o run")
    succeeded(result)
    net = layers("run/train.prototxt")
    assert list(net["data"].top) == ["data", "part", "side"]
    params = ast.literal_eval(net["data"].python_param.param_str)
    assert params["classes"] == [3, 2]
    assert (len(params["rare"]), params["rare"][1]) == (2, [])
    assert set(params["rare"][0]) <= {1, 2}
    weights = [f.value for f in net["loss_side_weights"].dummy_data_param.data_filler]
    assert weights[:2] == [1, 3]
    # Median frequency balancing of the part's own label maps.
    pixels, around = np.zeros(3), np.zeros(3)
    for pair in read_list("run/train.txt"):
        values = read_labels(pair.labels[0]).values
        own = np.bincount(values[values != 255], minlength=3)
        pixels += own
        around += own.sum() * (own > 0)
    expected = np.median(pixels / around) / (pixels / around)
    weights = [f.value for f in net["loss_weights"].dummy_data_param.data_filler]
    assert weights[:3] == pytest.approx(expected.tolist())
    assert "class weights of side (weights.txt): left 1, right 3" in result.stderr
    assert "class weights of part (median): background" in result.stderr


def test_one_way_of_weighting_is_that_of_all_heads(halved: Path, heads: Run) -> None:
    succeeded(heads(f"{FOLDERS} --set max_iter=1 --class-weights inverse -o run"))
    assert {"loss_weights", "loss_side_weights"} <= layers("run/train.prototxt").keys()


def test_stages_of_several_heads(halved: Path, heads: Run) -> None:
    output = succeeded(heads(f"{FOLDERS} --stride 8 --stages --set max_iter=2 --score-every 2 -o run"))
    assert [line.split()[0] for line in output.splitlines()[1:-1]] == ["32s"] * 3 + ["16s"] * 3 + ["8s"] * 3
    before, start = (fcnkit.load(f"run/{name}.caffemodel").blobs() for name in ("32s/best", "16s/start"))
    for name in ("fc6", "score_fr_part", "score_fr_side"):
        assert np.array_equal(before[name][0], start[name][0])
    assert not start["score_pool4_side"][0].any()
    stages = json.loads(Path("run/scores.json").read_text())
    kept = max(stages, key=lambda stage: stage["best"]["score"]["mean_iu"])["stage"]
    assert Path("run/best.safetensors").read_bytes() == Path(f"run/{kept}/best.safetensors").read_bytes()


def test_a_published_net_with_two_heads(halved: Path, run: Run) -> None:
    """On a backbone of a few channels in the place of VGG's."""
    Path("own/backbone_vgg16.prototxt.j2").write_text(BACKBONE)
    for path in Path("images").iterdir():
        assert path.exists()
    line = "train siftflow-fcn16s --images images --labels sem=labels --labels geo=sides --templates own --allow-zero"
    succeeded(run(f"{line} --set max_iter=1 -o run"))
    plan_of_run = json.loads(Path("run/run.json").read_text())
    assert {head: len(names) for head, names in plan_of_run["heads"].items()} == {"sem": 33, "geo": 3}
    assert plan_of_run["heads"]["geo"] == ["sky", "horizontal", "vertical"]
    assert plan_of_run["heads"]["sem"][:2] == ["awning", "balcony"]
    (score,) = [record["score"] for record in records("run/log.jsonl") if "score" in record]
    assert np.shape(score["heads"]["sem"]["hist"]) == (33, 33)


def test_a_resumed_run_keeps_its_heads(halved: Path, heads: Run, run: Run) -> None:
    succeeded(heads(f"{FOLDERS} --set max_iter=1 -o run"))
    text = Path("run/solver.prototxt").read_text()
    Path("run/solver.prototxt").write_text(text.replace("max_iter: 1", "max_iter: 2"))
    succeeded(run("train fcn --resume -o run"))
    scores = [record for record in records("run/log.jsonl") if "score" in record]
    assert {record["iteration"] for record in scores} == {1, 2}
    assert all(list(record["score"]["heads"]) == ["part", "side"] for record in scores)


def test_a_single_head_with_a_name(halved: Path, run: Run) -> None:
    line = "train fcn --images images --heads side:2 --backbone tiny --templates own --set max_iter=1"
    for labels in ("sides", "side=sides"):
        succeeded(run(f"{line} --labels {labels} --force -o run"))
        (score,) = [record["score"] for record in records("run/log.jsonl") if "score" in record]
        assert np.shape(score["hist"]) == (2, 2)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--labels part=labels", "--labels has no label maps for head 'side'; the heads are part, side"),
        (
            f"{FOLDERS} --val-images images --val-labels side=sides",
            "--val-labels has no label maps for head 'part'; the heads are part, side",
        ),
        (
            "--labels part=labels --labels edge=sides",
            "--labels 'edge=sides' names no head of the net; write --labels part=... and --labels side=...",
        ),
        (
            "--labels labels",
            "--labels 'labels' names no head of the net; write --labels part=... and --labels side=...",
        ),
        ("--labels part=labels --labels part=sides", "--labels 'part=sides': head 'part' has 'labels' already"),
        ("--labels part=labels --labels side=none", "none: there is no such image or folder"),
        (f"{FOLDERS} --class-weights side=classes.txt", "classes.txt: has the line 'background'; give a number from 0 up on each line, or `name number`"),  # noqa: E501
        (f"{FOLDERS} --heads part:3,side:4", "sides.txt: names 2 classes; the net has 4"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_heads(halved: Path, heads: Run, line: str, problem: str) -> None:
    failed(heads(f"{line} -o run"), problem)


def test_labels_that_do_not_fit_a_head(halved: Path, heads: Run) -> None:
    swapped = "--labels part=sides --labels side=labels"
    result = heads(f"{swapped} -o run")
    assert result.exit_code == 1
    assert "the classes are 0 to 1, and 255 is ignored" in result.output
    assert result.output.splitlines()[-1].startswith("Error: labels/0")
    Path("sides/04.png").unlink()
    *_, line = heads(f"{FOLDERS} -o run").output.splitlines()
    assert "'images/04.png' has no label map" in line
    assert not Path("run").exists()


def test_maps_of_different_sizes_are_named(halved: Path, heads: Run) -> None:
    for path in Path("sides").iterdir():
        label_image(np.zeros((9, 8), np.uint8)).save(path)
    *_, line = heads(f"{FOLDERS} --set max_iter=1 -o run").output.splitlines()
    assert line.startswith(f"Error: {halved}/sides/0")
    assert "is 9 x 8 pixels, and" in line


def test_palettes_of_heads(halved: Path, heads: Run) -> None:
    """Each head may have colour masks in colours of its own."""
    from PIL import Image

    from fcnkit.palette import colours_from_labels

    colours = {"labels": [[9, 9, 9], [9, 0, 0], [0, 9, 0]], "sides": [[0, 0, 9], [99, 99, 99]]}
    for folder, palette in colours.items():
        Path(f"{folder}.palette").write_text("".join(f"{r} {g} {b}\n" for r, g, b in palette))
        for path in Path(folder).iterdir():
            values = np.where(read_labels(path).values == 255, 0, read_labels(path).values)
            Image.fromarray(colours_from_labels(values, np.array(palette, np.uint8))).save(path)
    line = "--palette part=labels.palette --palette side=sides.palette"
    succeeded(heads(f"{FOLDERS} {line} --set max_iter=1 -o run"))
    (score,) = [record["score"] for record in records("run/log.jsonl") if "score" in record]
    for place, (head, folder) in enumerate({"part": "labels", "side": "sides"}.items()):
        (pair,) = read_list("run/val.txt")
        values = read_labels(pair.labels[place], np.array(colours[folder], np.uint8)).values
        counts = np.bincount(values.ravel(), minlength=len(colours[folder]))
        assert np.sum(score["heads"][head]["hist"], axis=1).tolist() == counts.tolist()


def test_a_plan_in_python(halved: Path) -> None:
    """The library plans the same run as the command."""
    net = describe("fcn", heads={"part": 3, "side": 2}, backbone="tiny", data="images")
    notes: list[str] = []
    made = plan(
        net,
        "images",
        {"part": "labels", "side": "sides"},
        classes={"side": "sides.txt"},
        class_weights="median",
        note=notes.append,
        templates="own",
    )
    assert (len(made.train), len(made.val)) == (9, 1)
    assert made.classes == {"part": ("class 0", "class 1", "class 2"), "side": SIDES}
    assert [note.partition(":")[0] for note in notes] == [
        "class weights of part (median)",
        "class weights of side (median)",
    ]
    run = prepare(made, Path("run"))
    assert run.facts["net"] == "fcn, tiny, stride 32"
    assert run.heads["side"] == list(SIDES)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"labels": {"part": "labels"}}, "`labels` has no label maps for head 'side'; the heads are part, side"),
        ({"labels": "labels"}, "`labels` is 'labels' for all heads; give one for each of part, side"),
        ({"labels": {"edge": "labels"}}, "`labels` has 'edge', which is not a head; the heads are part, side"),
        ({"classes": "voc"}, "`classes` has names for one head; give them for each of part, side"),
        ({"voc": "VOC"}, "`voc` has one label map for each image; fcn has the heads part, side"),
        ({}, "give `images` and `labels`, or `voc`"),
    ],
)
def test_a_plan_that_does_not_fit_the_heads(halved: Path, given: dict[str, Any], problem: str) -> None:
    net = describe("fcn", heads={"part": 3, "side": 2}, backbone="tiny", data="images")
    with pytest.raises(FcnkitError) as raised:
        plan(net, "images", **given)
    assert str(raised.value) == problem


def test_a_net_of_several_inputs_or_a_head_with_a_slash(halved: Path) -> None:
    with pytest.raises(FcnkitError, match=r"^nyud-fcn32s-color-d reads color, depth, and a folder of images is one"):
        plan("nyud-fcn32s-color-d", "images", "labels")
    net = describe("fcn", heads={"a/b": 3}, backbone="tiny", data="images")
    with pytest.raises(FcnkitError, match=r"^head 'a/b': its name is part of the names of files; give one without"):
        prepare(plan(net, "images", "labels", templates="own"), Path("run"))


def test_the_files_of_siftflow_are_read_as_they_are(halved: Path, heads: Run, request: pytest.FixtureRequest) -> None:
    assert any((read_labels(path).values == 255).any() for path in Path("labels").iterdir())
    succeeded(heads(f"{FOLDERS} --set max_iter=2 -o drawn"))
    options = request.getfixturevalue("siftflow")
    succeeded(heads(f"{options} --set max_iter=2 -o stored"))
    drawn, stored = (records(f"{run}/log.jsonl") for run in ("drawn", "stored"))
    assert [record["loss"] for record in drawn if "loss" in record] == [r["loss"] for r in stored if "loss" in r]
    assert [record["score"] for record in drawn if "score" in record] == [r["score"] for r in stored if "score" in r]
    assert read_list("stored/train.txt")[0].labels[1].parts[-3] == "GeoLabels"
