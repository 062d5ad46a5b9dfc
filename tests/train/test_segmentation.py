"""fcnkit's own data layer for segmentation, on images drawn here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from fcnkit import generate
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TEST, TRAIN
from fcnkit.errors import FcnkitError
from fcnkit.palette import label_image
from fcnkit.train.data.augmentation import Augmentation, patch_place, scaled
from fcnkit.train.data.feeding import ALONE, Feed, Share
from fcnkit.train.data.pairing import Pair, write_list
from fcnkit.train.data.sources import Sources

MEAN = (104.0, 117.0, 123.0)
LAYER = """layer { name: "data" type: "Python" top: "data" top: "label"
  python_param { module: "fcnkit" layer: "SegmentationData" param_str: "" } }"""
# Height and width of each image; the labels of image i are i, i + 1 and 255.
SIZES = [(6, 7), (5, 9), (8, 4), (6, 6), (7, 7)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a list of five images of different sizes."""
    monkeypatch.chdir(tmp_path)
    write_list("list.txt", [pair(str(number), size, number) for number, size in enumerate(SIZES)])
    return tmp_path


def pixels(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def labels(size: tuple[int, int], first: int) -> np.ndarray:
    values = np.full(size, first, np.uint8)
    values[: size[0] // 2, 0] = first + 1
    values[-1, -1] = 255
    return values


def pair(name: str, size: tuple[int, int], seed: int) -> Pair:
    made = Pair(Path(f"{name}.png"), Path(f"{name}_labels.png"))
    Image.fromarray(pixels(size, seed)).save(made.image)
    label_image(labels(size, seed)).save(made.label)
    return made


def bgr(size: tuple[int, int], seed: int) -> np.ndarray:
    return (pixels(size, seed)[:, :, ::-1].astype(np.float32) - np.float32(MEAN)).transpose(2, 0, 1)


def layer_feed(params: dict[str, Any], workers: int = 0, share: Share = ALONE, seed: int = 0) -> Feed:
    net = prototxt.parse(LAYER)
    net.layer[0].python_param.param_str = str({"list": "list.txt", "mean": MEAN, **params})
    net.layer[0].phase = TRAIN
    (feed,) = Sources(seed, workers, share).feeds(net)
    return feed


def feed_of(**params: Any) -> Feed:
    return layer_feed(params)


def number(batch: dict[str, Any]) -> int:
    """Which image a batch of one is; its lowest label."""
    return int(batch["label"].min())


def test_images_in_order() -> None:
    feed = feed_of(randomize=False)
    for seed, size in [*enumerate(SIZES), (0, SIZES[0])]:
        batch = feed()
        np.testing.assert_array_equal(batch["data"][0], bgr(size, seed))
        np.testing.assert_array_equal(batch["label"][0, 0], labels(size, seed))


def test_each_epoch_has_its_own_order() -> None:
    feed = feed_of()
    epochs = [[number(feed()) for _ in SIZES] for _ in range(4)]
    assert [sorted(epoch) for epoch in epochs] == [[0, 1, 2, 3, 4]] * 4
    assert len({tuple(epoch) for epoch in epochs}) > 1
    # The layer's own seed determines the order, not the solver's.
    for layers, solvers, same in ((1337, 5, True), (1338, 0, False)):
        again = layer_feed({"seed": layers}, seed=solvers)
        assert ([[number(again()) for _ in SIZES] for _ in range(4)] == epochs) == same


def test_a_batch_of_different_sizes_is_padded() -> None:
    batch = feed_of(randomize=False, batch_size=3)()
    assert batch["data"].shape == (3, 3, 8, 9)
    assert batch["label"].shape == (3, 1, 8, 9)
    for index, (height, width) in enumerate(SIZES[:3]):
        data, label = batch["data"][index].numpy(), batch["label"][index, 0].numpy()
        np.testing.assert_array_equal(data[:, :height, :width], bgr((height, width), index))
        np.testing.assert_array_equal(label[:height, :width], labels((height, width), index))
        assert not data[:, height:].any()
        assert not data[:, :, width:].any()
        assert (label[height:] == 255).all()
        assert (label[:, width:] == 255).all()


def test_the_generated_net_has_the_layer() -> None:
    settings = {"classes": 6, "train": {"list": "list.txt", "augment": "mirror"}, "val": {"list": "list.txt"}}
    for phase, state in (("train", TRAIN), ("val", TEST)):
        net = prototxt.parse(generate("fcn", phase, data="images", classes=6, settings=settings))
        net.layer[0].phase = state
        (feed,) = Sources().feeds(net)
        assert feed.tops == ("data", "label")
        drawn = [number(feed()) for _ in range(10)]
        assert sorted(drawn) == sorted([*range(5)] * 2)
        assert (drawn == [*range(5)] * 2) == (phase == "val")


RANDOM = {"augment": "mirror,scale:0.5-2,color", "patch": [5, 6], "rare": [1, 3], "batch_size": 2}


def test_samples_depend_on_their_place_alone() -> None:
    """So resuming is exact, on any number of worker processes."""
    feed = layer_feed(RANDOM)
    expected = [feed() for _ in range(8)]
    assert len({float(batch["data"].sum()) for batch in expected}) == 8
    feed.seek(3)
    on_workers = layer_feed(RANDOM, workers=2)
    on_workers.seek(3)
    for found in (feed, on_workers):
        for batch in expected[3:]:
            again = found()
            assert all(torch.equal(again[top], batch[top]) for top in ("data", "label"))


def test_processes_share_the_samples() -> None:
    params = RANDOM | {"batch_size": 1}
    whole = layer_feed(params)
    shares = [layer_feed(params, share=Share(rank, 2)) for rank in range(2)]
    for _ in range(6):
        for share in shares:
            assert torch.equal(share()["data"], whole()["data"])


def coordinates(size: tuple[int, int]) -> tuple[Image.Image, np.ndarray]:
    """An image whose red is 4 times its row and whose green is 4 times its column; the labels are the columns."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    colours = np.stack([rows * 4, columns * 4, rows * 0], axis=2).astype(np.uint8)
    return Image.fromarray(colours), columns


def test_mirroring_moves_image_and_labels_together() -> None:
    image, columns = coordinates((4, 7))
    mirror = Augmentation.parse("mirror")
    flipped = 0
    for seed in range(40):
        changed, labels = mirror(image, columns, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.asarray(changed)[:, :, 1], labels * 4)
        np.testing.assert_array_equal(np.asarray(changed)[:, :, 0], np.asarray(image)[:, :, 0])
        flipped += int(labels[0, 0] == 6)
    assert 10 < flipped < 30


def test_scaling_keeps_image_and_labels_aligned() -> None:
    image, columns = coordinates((20, 30))
    scale = Augmentation.parse("scale:0.5-2")
    factors = []
    for seed in range(200):
        changed, labels = scale(image, columns, np.random.default_rng(seed))
        assert (changed.height, changed.width) == labels.shape
        factors.append(changed.width / 30)
        # A label is that of the nearest pixel, whose centre is at most half a pixel away.
        interior = np.s_[2:-2, 2:-2]
        distance = np.asarray(changed)[:, :, 1].astype(float)[interior] / 4 - labels[interior]
        assert np.abs(distance).max() <= 0.5 + 0.2
        assert set(np.unique(labels)) <= set(range(30))
    # The factor is log-uniform: as often below 1 as above.
    assert (min(factors), max(factors)) == (pytest.approx(0.5, abs=0.04), pytest.approx(2, abs=0.04))
    assert 70 < sum(factor < 1 for factor in factors) < 130


def test_labels_scale_as_pillow_scales_by_the_nearest_pixel() -> None:
    values = np.random.default_rng(0).integers(0, 256, (11, 17), np.uint8)
    for factor in (0.3, 0.77, 1.0, 1.4, 2.9):
        _, labels = scaled(Image.new("RGB", (17, 11)), values, factor)
        size = labels.shape[1], labels.shape[0]
        nearest = Image.fromarray(values).resize(size, Image.Resampling.NEAREST)
        np.testing.assert_array_equal(labels, np.asarray(nearest))


def test_colours_change_and_labels_do_not() -> None:
    colours = Image.fromarray(pixels((5, 6), 0))
    values = labels((5, 6), 0)
    changed, same = Augmentation.parse("color")(colours, values, np.random.default_rng(0))
    assert changed.size == colours.size
    assert (np.asarray(changed) != np.asarray(colours)).mean() > 0.5
    np.testing.assert_array_equal(same, values)


def test_patches_are_cut_from_image_and_labels() -> None:
    image, columns = coordinates((20, 30))
    image.save("big.png")
    Image.fromarray(columns.astype(np.uint8)).save("big_labels.png")
    write_list("big.txt", [Pair(Path("big.png"), Path("big_labels.png"))])
    feed = feed_of(list="big.txt", patch=[4, 6], mean=[0, 0, 0])
    places = set()
    for _ in range(60):
        batch = feed()
        assert batch["data"].shape == (1, 3, 4, 6)
        np.testing.assert_array_equal(batch["data"][0, 1], batch["label"][0, 0] * 4)
        places.add((int(batch["data"][0, 2, 0, 0]) // 4, int(batch["label"][0, 0, 0, 0])))
    assert len(places) > 40
    assert {0 <= row <= 16 and 0 <= column <= 24 for row, column in places} == {True}


def test_images_smaller_than_the_patch_are_padded() -> None:
    batch = feed_of(patch=[9, 8], randomize=False)()
    height, width = SIZES[0]
    data, label = batch["data"][0].numpy(), batch["label"][0, 0].numpy()
    assert label.shape == (9, 8)
    np.testing.assert_array_equal(data[:, :height, :width], bgr(SIZES[0], 0))
    np.testing.assert_array_equal(label[:height, :width], labels(SIZES[0], 0))
    assert np.count_nonzero(data) <= 3 * height * width
    assert (label == 255).sum() == 9 * 8 - height * width + 1


def test_half_of_the_patches_contain_a_rare_class() -> None:
    values = np.zeros((60, 80), int)
    values[0, 79] = 7
    values[33, 40:42] = 5
    random = np.random.default_rng(0)
    found = {(5, 7): 0, (): 0, (9,): 0}
    corner = 0
    for rare in found:
        for _ in range(400):
            top, left = patch_place(values[None], (6, 8), [rare], random)
            assert 0 <= top <= 54
            assert 0 <= left <= 72
            patch = values[top : top + 6, left : left + 8]
            found[rare] += bool(patch.any())
            corner += bool((patch == 7).any())
    assert 170 < found[5, 7] < 250
    # Each class that the image has in half of them, however few its pixels are.
    assert 70 < corner < 140
    assert found[()] < 30
    assert found[9,] < 30


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", Augmentation()),
        ("mirror, color", Augmentation(mirror=True, color=True)),
        ("scale:.5-2", Augmentation(scale=(0.5, 2))),
    ],
)
def test_texts_of_augmentations(text: str, changes: Augmentation) -> None:
    assert Augmentation.parse(text) == changes


@pytest.mark.parametrize("text", ["rotate", "scale", "scale:2", "mirror,mirror", "scale:-1-2", "scale:1-2,scale:1-3"])
def test_augmentations_that_are_unknown(text: str) -> None:
    with pytest.raises(FcnkitError, match=r"give mirror, scale:0.5-2 and color, each once at most$"):
        Augmentation.parse(text)


@pytest.mark.parametrize("text", ["scale:0-2", "scale:2-0.5", "scale:1-101"])
def test_factors_that_are_out_of_range(text: str) -> None:
    with pytest.raises(FcnkitError, match=rf"`augment` has '{text}'; give factors from above 0 to 100, the"):
        Augmentation.parse(text)


def test_colour_masks_and_ignored_labels() -> None:
    image, label = pair("mask", (2, 3), 0)
    Path("palette.txt").write_text("9 9 9\n0 0 9\n200 0 0\n")
    colours = [[[9, 9, 9], [0, 0, 9], [200, 0, 0]], [[1, 1, 1], [200, 0, 0], [9, 9, 9]]]
    Image.fromarray(np.array(colours, np.uint8)).save(label)
    write_list("mask.txt", [Pair(image, label)])
    batch = feed_of(list="mask.txt", palette="palette.txt", classes=3)()
    assert batch["label"][0, 0].tolist() == [[0, 1, 2], [255, 2, 0]]
    batch = feed_of(list="mask.txt", palette="palette.txt", ignore=2, classes=2)()
    assert batch["label"][0, 0].tolist() == [[0, 1, 255], [255, 255, 0]]


def test_labels_of_sbd_and_grey_photos() -> None:
    image, _ = pair("grey", (2, 3), 0)
    Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8)).save(image)
    savemat("grey.mat", {"GTcls": {"Segmentation": np.array([[0, 1, 2], [3, 255, 0]], np.uint8)}})
    write_list("grey.txt", [Pair(image, Path("grey.mat"))])
    batch = feed_of(list="grey.txt", classes=4, mean=[1, 2, 3])()
    assert batch["label"][0, 0].tolist() == [[0, 1, 2], [3, 255, 0]]
    assert batch["data"][0, :, 0, 0].tolist() == [0, -1, -2]


def test_a_label_out_of_range_is_named() -> None:
    with pytest.raises(FcnkitError) as raised:
        feed_of(classes=5, randomize=False, batch_size=5)()
    path = Path("4_labels.png").resolve()
    assert str(raised.value) == (
        f"{path}: has label 5; 3 of its pixels are out of range: the classes are 0 to 4, and 255 is ignored"
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"patch": 3}, "param_str: patch must be a list of whole numbers, not 3"),
        ({"patch": [3]}, "param_str: patch must be height and width, not [3]"),
        ({"patch": [0, 3]}, "param_str: patch must be a whole number from 1 up, not 0"),
        ({"batch_size": 0}, "param_str: batch_size must be a whole number from 1 up, not 0"),
        ({"classes": "x"}, "param_str: classes must be a whole number from 1 up, not 'x'"),
        ({"rare": [1.5]}, "param_str: rare must be a whole number from 0 up, not 1.5"),
        ({"mean": ("a", 1, 2)}, "param_str: mean must be three numbers, not ('a', 1, 2)"),
        ({"crop": 3, "b": 1}, "param_str: b, crop: not a setting of fcnkit.SegmentationData; the settings are augment, batch_size, classes, ignore, list, mean, palette, patch, randomize, rare, seed"),  # noqa: E501
    ],
)  # fmt: skip
def test_settings_that_are_wrong(params: dict[str, Any], message: str) -> None:
    with pytest.raises(FcnkitError) as raised:
        layer_feed(params)
    assert str(raised.value) == f"layer 'data': {message}"


def test_settings_that_are_missing() -> None:
    net = prototxt.parse(LAYER)
    net.layer[0].python_param.param_str = "{}"
    with pytest.raises(FcnkitError, match=r"^layer 'data': param_str has no 'list' and no 'mean'$"):
        Sources().feeds(net)
    net.layer[0].python_param.param_str = str({"list": "list.txt", "mean": MEAN})
    del net.layer[0].top[1]
    with pytest.raises(
        FcnkitError,
        match=r"^layer 'data': the layer has 1 tops; it makes 2: data, label, or a label top for each head$",
    ):
        Sources().feeds(net)


NET = """
layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 6 kernel_size: 3
  pad: 1 weight_filler { type: "gaussian" std: 0.001 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_param {
  ignore_label: 255 } }
"""
SOLVER = """net: "net.prototxt" base_lr: 1e-5 lr_policy: "fixed" momentum: 0.9 max_iter: 8 snapshot: 4 display: 1
  snapshot_prefix: "snap" """


def test_training_resumes_exactly(trained: Callable[[str], list[dict[str, Any]]]) -> None:
    """With every random change, images of different sizes in a batch, and without a seed of the solver's."""
    params = {"list": "list.txt", "mean": MEAN, "classes": 6} | RANDOM
    del params["patch"], params["rare"]
    layer = LAYER.replace('param_str: ""', f'param_str: "{params}"')
    Path("net.prototxt").write_text(layer + NET)
    Path("solver.prototxt").write_text(SOLVER)
    whole = {record["iteration"]: record["loss"] for record in trained("solver.prototxt")}
    assert len(set(whole.values())) == len(whole) >= 8
    Path("snap_iter_8.caffemodel").rename("whole.caffemodel")
    resumed = trained("solver.prototxt --snapshot snap_iter_4.solverstate --workers 1")
    assert {record["iteration"]: record["loss"] for record in resumed} == {
        iteration: loss for iteration, loss in whole.items() if iteration >= 4
    }
    assert Path("snap_iter_8.caffemodel").read_bytes() == Path("whole.caffemodel").read_bytes()


def test_files_that_do_not_match() -> None:
    image, label = pair("odd", (4, 5), 0)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(label)
    write_list("odd.txt", [Pair(image, label)])
    with pytest.raises(FcnkitError) as raised:
        feed_of(list="odd.txt")
    expected = f"{label.resolve()}: is 4 x 6 pixels, and '{image.resolve()}' is 4 x 5; they must be equal"
    assert str(raised.value) == expected


TWO = LAYER.replace('top: "label"', 'top: "sem" top: "geo"')


def two_maps(params: dict[str, Any]) -> Feed:
    """The layer of a net with two heads. The second label map of each image is 1 where the first is odd."""
    pairs = []
    for number, size in enumerate(SIZES):
        image, label = pair(f"two{number}", size, number)
        second = Path(f"two{number}_geo.png")
        values = labels(size, number)
        label_image(np.where(values == 255, 255, values % 2).astype(np.uint8)).save(second)
        pairs.append(Pair(image, label, second))
    write_list("two.txt", pairs, force=True)
    net = prototxt.parse(TWO)
    net.layer[0].python_param.param_str = str({"list": "two.txt", "mean": MEAN, **params})
    net.layer[0].phase = TRAIN
    (feed,) = Sources().feeds(net)
    return feed


def test_label_maps_of_heads_change_together() -> None:
    params = {"augment": "mirror,scale:0.5-2,color", "patch": [5, 6], "rare": [[1, 3], [0]], "batch_size": 2}
    feed = two_maps({**params, "classes": [6, 2]})
    assert feed.tops == ("data", "sem", "geo")
    mirrored = 0
    for _ in range(20):
        batch = feed()
        first, second = batch["sem"], batch["geo"]
        assert first.shape == second.shape == (2, 1, 5, 6)
        assert torch.equal(torch.where(first == 255, 255, first % 2), second)
        mirrored += int((first[:, 0, 0, -1] != first[:, 0, 0, 0]).sum())
    assert mirrored


def test_patches_around_a_class_that_is_rare_in_the_second_map() -> None:
    first, second = np.zeros((2, 60, 80), int)
    second[59, 0] = 1
    random = np.random.default_rng(0)
    places = [patch_place(np.stack([first, second]), (6, 8), [(), (1,)], random) for _ in range(400)]
    assert 170 < sum(place == (54, 0) for place in places) < 250


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"classes": [6]}, "param_str: classes has 1 items for 2 label maps: [6]"),
        ({"rare": [[1], 2]}, "param_str: rare must be a list of whole numbers, not 2"),
        ({"list": "list.txt"}, "list.txt: has 1 label map for each image, and the layer has 2 tops for labels"),
    ],
)
def test_settings_that_do_not_fit_two_label_maps(params: dict[str, Any], message: str) -> None:
    with pytest.raises(FcnkitError) as raised:
        two_maps(params)
    assert str(raised.value).endswith(message)


def test_a_label_out_of_range_of_its_head_is_named() -> None:
    with pytest.raises(FcnkitError) as raised:
        two_maps({"classes": [6, 1], "randomize": False})()
    assert str(raised.value) == (
        f"{Path('two0_geo.png').resolve()}: has label 1; 3 of its pixels are out of range: the classes are 0 to 0, "
        "and 255 is ignored"
    )
