"""fcnkit's own data layer for segmentation, on images drawn here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcnkit import generate
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TEST, TRAIN
from fcnkit.errors import FcnkitError
from fcnkit.palette import label_image
from fcnkit.train.data.feeding import ALONE, Feed, Share
from fcnkit.train.data.pairing import Pair, write_list
from fcnkit.train.data.sources import Sources

MEAN = (104.0, 117.0, 123.0)
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


def feed_of(workers: int = 0, share: Share = ALONE, seed: int = 0, phase: int = TRAIN, **params: Any) -> Feed:
    net = prototxt.parse(
        'layer { name: "data" type: "Python" top: "data" top: "label" python_param { module: "fcnkit" layer: "SegmentationData" } }'  # noqa: E501
    )
    net.layer[0].python_param.param_str = str({"list": "list.txt", "mean": MEAN, **params})
    net.layer[0].phase = phase
    (feed,) = Sources(seed, workers, share).feeds(net)
    return feed


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
    again, other = feed_of(seed=5), feed_of(**{"seed": 8})
    assert [number(again()) for _ in SIZES] == epochs[0]
    del other


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


def test_files_that_do_not_match() -> None:
    image, label = pair("odd", (4, 5), 0)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(label)
    write_list("odd.txt", [Pair(image, label)])
    with pytest.raises(FcnkitError) as raised:
        feed_of(list="odd.txt")
    expected = f"{label.resolve()}: is 4 x 6 pixels, and '{image.resolve()}' is 4 x 5; they must be equal"
    assert str(raised.value) == expected
