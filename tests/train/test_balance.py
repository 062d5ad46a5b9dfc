"""The frequencies of classes, and losses weighted by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from fcnkit import generate
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import FcnkitError
from fcnkit.net import CaffeNet
from fcnkit.palette import colours_from_labels
from fcnkit.train.data.balance import ClassCounts, count, inverse_weights, median_weights, rare, read_weights
from fcnkit.train.data.segmentation import Truth

NAMES = ["sky", "tall tree", "road"]


def save(path: Path, labels: list[list[int]]) -> Path:
    Image.fromarray(np.array(labels, np.uint8)).save(path)
    return path


@pytest.fixture
def counts(tmp_path: Path) -> ClassCounts:
    """Four classes: 0 in both images, 1 and 2 in one each, 3 in none; 3 pixels are ignored."""
    first = save(tmp_path / "a.png", [[0, 0, 0, 1], [0, 0, 0, 255]])
    second = save(tmp_path / "b.png", [[0, 2, 2], [2, 255, 255]])
    return count([first, second], Truth(4))


def test_counts(counts: ClassCounts) -> None:
    assert counts.pixels.tolist() == [7, 1, 3, 0]
    assert counts.images.tolist() == [2, 1, 1, 0]
    assert counts.around.tolist() == [11, 7, 4, 0]
    assert (counts.ignored, counts.unknown, counts.absent) == (3, 0, [3])


def test_weights(counts: ClassCounts) -> None:
    # The frequencies are 7/11, 1/7 and 3/4, and their median is 7/11.
    assert median_weights(counts) == pytest.approx([1, 49 / 11, 28 / 33, 0])
    # 11/7, 11 and 11/3, over their mean 341/63.
    assert inverse_weights(counts) == pytest.approx([9 / 31, 63 / 31, 21 / 31, 0])


@pytest.mark.parametrize(
    ("pixels", "classes"),
    [([7, 1, 3, 0], [1]), ([98, 2], [1]), ([900, 50, 50, 0], [1, 2]), ([5, 5, 5], []), ([0, 9], []), ([6, 2, 4], [])],
)
def test_rare_classes(pixels: list[int], classes: list[int]) -> None:
    each = np.array(pixels)
    assert rare(ClassCounts(each, each > 0, each, 0, 0)) == classes


def test_counting_reports_each_file_and_works_on_threads(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{number}.png", [[number % 3] * 5]) for number in range(9)]
    seen: list[int] = []
    found = count(paths, Truth(3), lambda: seen.append(1), workers=3)
    assert (found.pixels.tolist(), len(seen)) == ([15, 15, 15], 9)


def test_unknown_colours_are_ignored_and_counted(tmp_path: Path) -> None:
    colours = colours_from_labels(np.array([[0, 1, 2, 1]]))
    colours[0, 0] = 1, 2, 3
    Image.fromarray(colours).save(tmp_path / "a.png")
    found = count([tmp_path / "a.png"], Truth(3))
    assert (found.pixels.tolist(), found.ignored, found.unknown) == ([0, 2, 1], 1, 1)


def test_the_file_of_a_label_out_of_range_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", [[0, 4, 255]])
    with pytest.raises(FcnkitError) as raised:
        count([path], Truth(4))
    assert str(raised.value) == (
        f"{path}: has label 4; 1 of its pixels are out of range: the classes are 0 to 3, and 255 is ignored"
    )


def test_labels_that_are_all_ignored(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", [[255, 9]])
    with pytest.raises(FcnkitError, match=r"^no label map has a pixel that is not ignored; check the palette and"):
        count([path], Truth(4, ignore=9))


@pytest.mark.parametrize("text", ["1\n0.5\n2e1\n", "road 20\nsky 1.0\ntall  tree\t0.5\n", "0 1\n2 20\n1 0.5\n"])
def test_weights_in_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "weights.txt").write_text(text)
    assert read_weights(tmp_path / "weights.txt", NAMES) == [1, 0.5, 20]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n2\n", "has 2 weights for 3 classes"),
        ("1\n2\n3\n4\n", "has 4 weights for 3 classes"),
        ("sky 1\nroad 2\n", "has 2 weights for 3 classes: 'tall tree' has none"),
        ("sky 1\nroad 2\nriver 3\n", "there is no class 'river'; the classes are sky, tall tree, road, or 0 to 2"),
        ("sky 1\nroad 2\nsky 3\n", "has class 'sky' twice"),
        ("1\n-2\n3\n", "has the line '-2'; give a number from 0 up on each line, or `name number`"),
        ("sky 1\nroad nan\n", "has the line 'road nan'; give a number from 0 up on each line, or `name number`"),
        ("sky 1\n2\n", "has the line '2'; give a number from 0 up on each line, or `name number`"),
        ("0\n0\n0\n", "has only weights of 0"),
        ("", "has 0 weights for 3 classes"),
    ],
)
def test_files_of_weights_that_are_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "weights.txt"
    path.write_text(text)
    with pytest.raises(FcnkitError) as raised:
        read_weights(path, NAMES)
    assert str(raised.value) == f"{path}: {message}"


@pytest.mark.parametrize("normalize", [False, True])
def test_the_generated_loss_is_the_weighted_cross_entropy(normalize: bool) -> None:
    """The value and the gradient, against torch's own loss."""
    weights = [0.5, 2.0, 0.0, 1.25]
    text = generate("fcn", classes=4, weights={"": weights}, data="images", normalize=normalize)
    loss = [layer for layer in prototxt.parse(text).layer if layer.name.startswith("loss")]
    inputs = prototxt.parse(
        'layer { name: "in" type: "Input" top: "score" top: "label" input_param {'
        " shape { dim: 2 dim: 4 dim: 5 dim: 3 } shape { dim: 2 dim: 1 dim: 5 dim: 3 } } }"
    )
    for layer in loss:
        layer.ClearField("include")
    net = CaffeNet(NetParameter(layer=[*inputs.layer, *loss]))
    random = np.random.default_rng(1)
    score = torch.from_numpy(random.normal(size=(2, 4, 5, 3)).astype(np.float32)).requires_grad_()
    label = torch.from_numpy(random.choice([0, 1, 2, 3, 255], (2, 1, 5, 3)))
    found = net.forward_blobs(score=score, label=label.float())["loss"]
    (gradient,) = torch.autograd.grad(found, score)
    summed = cross_entropy(score, label[:, 0], torch.tensor(weights), ignore_index=255, reduction="sum")
    # The sum over the pixels is that of an image, of a batch its mean.
    expected = summed / ((label != 255).sum() if normalize else 2)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, score)[0])
    assert gradient.abs().max() > 0
