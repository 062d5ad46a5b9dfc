"""Losses: values by loops over the definition, gradients by finite differences, and Caffe's own where it differs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe.schema import message_class
from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values

NORMALIZATIONS = [
    ("", "VALID"),
    ("normalization: FULL", "FULL"),
    ("normalization: VALID", "VALID"),
    ("normalization: BATCH_SIZE", "BATCH_SIZE"),
    ("normalization: NONE", "NONE"),
    ("normalize: true", "VALID"),
    ("normalize: false", "BATCH_SIZE"),
    ("normalize: false normalization: FULL", "FULL"),
]
FLT_MIN, THRESHOLD = 1.17549435e-38, 1e-20
MATRIX = np.abs(values(4, 4, seed=9))


def labels(*shape: int, classes: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, classes, shape).astype(np.float32)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = np.exp(x.astype(float) - x.max(axis, keepdims=True))
    return shifted / shifted.sum(axis, keepdims=True)


def divisor(mode: str, outer: int, inner: int, valid: int) -> int:
    return max({"FULL": outer * inner, "VALID": valid, "BATCH_SIZE": outer, "NONE": 1}[mode], 1)


def softmax_loss(
    scores: np.ndarray, label: np.ndarray, axis: int, ignore: int | None, mode: str, matrix: np.ndarray | None = None
) -> float:
    outer, inner = math.prod(scores.shape[:axis]), math.prod(scores.shape[axis + 1 :])
    probabilities = softmax(scores, axis).reshape(outer, -1, inner)
    total, valid = 0.0, 0
    for i, row in enumerate(label.reshape(outer, inner)):
        for j, number in enumerate(row.astype(int)):
            if number == ignore:
                continue
            valid += 1
            if matrix is None:
                total -= math.log(max(probabilities[i, number, j], FLT_MIN))
            else:
                for weight, probability in zip(matrix[number], probabilities[i, :, j], strict=True):
                    total -= weight * math.log(max(probability, THRESHOLD))
    return total / divisor(mode, outer, inner, valid)


@pytest.mark.parametrize(("field", "mode"), NORMALIZATIONS)
@pytest.mark.parametrize("ignore", [None, 2, 9])
@pytest.mark.parametrize(
    ("shape", "label_shape", "axis"),
    [((3, 4, 2, 5), (3, 1, 2, 5), 1), ((3, 4, 2, 5), (3, 2, 5), 1), ((3, 4), (3,), -1), ((3, 2, 4), (3, 2), 2)],
)
def test_softmax_with_loss(
    shape: tuple[int, ...], label_shape: tuple[int, ...], axis: int, ignore: int | None, field: str, mode: str
) -> None:
    scores, label = 3 * values(*shape), labels(*label_shape)
    label.flat[0] = 2
    settings = field + (f" ignore_label: {ignore}" if ignore is not None else "")
    net = layer_net(
        "SoftmaxWithLoss", f"loss_param {{ {settings} }} softmax_param {{ axis: {axis} }}", [shape, label_shape], tops=2
    )
    loss, probabilities = tops_of(net, scores, label)
    assert loss.shape == net.shapes["t0"] == ()
    assert loss == pytest.approx(softmax_loss(scores, label, axis % len(shape), ignore, mode), rel=1e-5)
    assert np.allclose(probabilities, softmax(scores, axis), atol=1e-6)


@pytest.mark.parametrize(("field", "mode"), [pair for pair in NORMALIZATIONS if "normalize:" not in pair[0]])
@pytest.mark.parametrize("ignore", [None, 2])
@pytest.mark.parametrize("axis", [1, -1])
def test_infogain_loss(axis: int, ignore: int | None, field: str, mode: str) -> None:
    shape, label_shape = ((3, 4, 5), (3, 5)) if axis == 1 else ((3, 5, 4), (3, 5))
    scores, label = 3 * values(*shape), labels(*label_shape)
    settings = f"infogain_loss_param {{ axis: {axis} }} loss_param {{ {field} "
    settings += f"ignore_label: {ignore} }}" if ignore is not None else "}"
    net = layer_net("InfogainLoss", settings, [shape, label_shape, (1, 1, 4, 4)], tops=2)
    loss, probabilities = tops_of(net, scores, label, MATRIX.reshape(1, 1, 4, 4))
    assert loss == pytest.approx(softmax_loss(scores, label, axis % 3, ignore, mode, MATRIX), rel=1e-5)
    assert np.allclose(probabilities, softmax(scores, axis), atol=1e-6)


@pytest.mark.parametrize("legacy", [False, True])
def test_infogain_loss_with_a_matrix_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, legacy: bool) -> None:
    monkeypatch.chdir(tmp_path)
    blob = message_class("BlobProto")(data=MATRIX.flatten().tolist())
    if legacy:
        blob.num, blob.channels, blob.height, blob.width = 1, 1, 4, 4
    else:
        blob.shape.dim.extend([4, 4])
    Path("h.binaryproto").write_bytes(blob.SerializeToString())
    scores, label = values(3, 4), labels(3)
    net = layer_net("InfogainLoss", 'infogain_loss_param { source: "h.binaryproto" }', [(3, 4), (3,)])
    expected = softmax_loss(scores, label, 1, None, "VALID", MATRIX)
    assert tops_of(net, scores, label)[0] == pytest.approx(expected, rel=1e-5)
    assert not net.state_dict()
    assert net.double()(torch.from_numpy(scores).double(), torch.from_numpy(label)).dtype == torch.float64


@pytest.mark.parametrize(("field", "mode"), [("", "BATCH_SIZE"), *NORMALIZATIONS[1:]])
@pytest.mark.parametrize("ignore", [None, 0, 1, 7])
def test_sigmoid_cross_entropy_loss(ignore: int | None, field: str, mode: str) -> None:
    scores = 3 * values(3, 4, 2)
    # Whole numbers and fractions; Caffe compares the label to ignore with what is before the point.
    target = np.random.default_rng(2).choice([0, 0.25, 0.75, 1, 1.5], (3, 8)).astype(np.float32)
    total, valid = 0.0, 0
    for x, t in zip(scores.flat, target.flat, strict=True):
        if ignore is not None and int(t) == ignore:
            continue
        p = 1 / (1 + math.exp(-float(x)))
        total -= float(t) * math.log(p) + (1 - float(t)) * math.log(1 - p)
        valid += 1
    settings = field + (f" ignore_label: {ignore}" if ignore is not None else "")
    loss = apply("SigmoidCrossEntropyLoss", f"loss_param {{ {settings} }}", scores, target)
    assert loss == pytest.approx(total / divisor(mode, 3, 8, valid), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("shape", [(3, 4, 2), (3, 8), (3, 2, 2, 2)])
def test_euclidean_loss(shape: tuple[int, ...]) -> None:
    x, y = values(3, 4, 2), values(*shape, seed=1)
    assert apply("EuclideanLoss", "", x, y) == pytest.approx(((x.flatten() - y.flatten()) ** 2).sum() / 6, rel=1e-5)


@pytest.mark.parametrize(("settings", "power"), [("", 1), ("hinge_loss_param { norm: L2 }", 2)])
def test_hinge_loss(settings: str, power: int) -> None:
    scores, label = values(5, 4), labels(5, 1)
    total = 0.0
    for row, number in zip(scores, label[:, 0].astype(int), strict=True):
        for k, score in enumerate(row):
            total += max(0.0, 1 + (-1 if k == number else 1) * float(score)) ** power
    assert apply("HingeLoss", settings, scores, label) == pytest.approx(total / 5, rel=1e-5)


def test_multinomial_logistic_loss() -> None:
    probabilities, label = softmax(values(5, 4), 1).astype(np.float32), labels(5, 1, 1, 1)
    probabilities[0] = 0
    picked = [max(float(row[int(number)]), THRESHOLD) for row, number in zip(probabilities, label.flat, strict=True)]
    loss = apply("MultinomialLogisticLoss", "", probabilities, label)
    assert loss == pytest.approx(-sum(map(math.log, picked)) / 5, rel=1e-5)


def contrastive(
    a: np.ndarray, b: np.ndarray, similar: np.ndarray, margin: float, legacy: bool
) -> tuple[float, np.ndarray]:
    """Caffe's value, and its gradient with respect to the first bottom."""
    total, gradient = 0.0, np.zeros_like(a)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        squared = ((x - y) ** 2).sum()
        if int(similar[i]):
            total += squared
            gradient[i] = x - y
        elif legacy:
            total += max(margin - squared, 0)
            gradient[i] = -(x - y) if margin > squared else 0
        else:
            lack = max(margin - math.sqrt(squared), 0)
            total += lack**2
            gradient[i] = -lack / (math.sqrt(squared) + 1e-4) * (x - y)
    return total / len(a) / 2, gradient / len(a)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("axes", [(), (1, 1)])
def test_contrastive_loss(axes: tuple[int, ...], legacy: bool) -> None:
    a, b = values(6, 3).astype(float), values(6, 3, seed=1).astype(float)
    b[1] = a[1]  # no distance at all
    b[2] = a[2] + 0.1
    similar = np.array([0, 0, 0, 1, -1, 0.5])
    settings = f"contrastive_loss_param {{ margin: 2 legacy_version: {str(legacy).lower()} }}"
    net = layer_net("ContrastiveLoss", settings, [(6, 3, *axes), (6, 3, *axes), (6,)]).double()
    first, second = (torch.from_numpy(array.reshape(6, 3, *axes)).requires_grad_() for array in (a, b))
    loss = net(first, second, torch.from_numpy(similar))
    value, gradient = contrastive(a, b, similar, 2, legacy)
    assert loss.item() == pytest.approx(value, rel=1e-12)
    loss.backward()
    assert first.grad is not None
    assert second.grad is not None
    assert np.allclose(first.grad.numpy().reshape(6, 3), gradient, atol=1e-12)
    assert np.allclose(second.grad.numpy().reshape(6, 3), -gradient, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "settings", "others"),
    [
        ("SoftmaxWithLoss", "", [labels(3, 5)]),
        ("SoftmaxWithLoss", "loss_param { ignore_label: 1 normalization: FULL }", [labels(3, 5)]),
        ("InfogainLoss", "loss_param { ignore_label: 1 }", [labels(3, 5), MATRIX]),
        ("SigmoidCrossEntropyLoss", "loss_param { ignore_label: 1 }", [np.abs(values(3, 4, 5, seed=1))]),
        ("EuclideanLoss", "", [values(3, 4, 5, seed=1)]),
        ("HingeLoss", "", [labels(3)]),
        ("HingeLoss", "hinge_loss_param { norm: L2 }", [labels(3)]),
    ],
)
def test_gradients_by_finite_differences(kind: str, settings: str, others: list[np.ndarray]) -> None:
    scores = torch.from_numpy(values(3, 4, 5)).double().requires_grad_()
    net = layer_net(kind, settings, [(3, 4, 5), *(other.shape for other in others)]).double().train()
    assert torch.autograd.gradcheck(lambda x: net(x, *(torch.from_numpy(other).double() for other in others)), scores)


def test_gradient_below_the_floors() -> None:
    """The value stops at the floor; the gradient is the plain softmax's, and for given probabilities the floor's."""
    scores = torch.tensor([[0.0, 200]], requires_grad=True)
    loss = layer_net("SoftmaxWithLoss", "", [(1, 2), (1,)])(scores, torch.zeros(1))
    assert loss.item() == pytest.approx(-math.log(FLT_MIN), rel=1e-6)
    loss.backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[-1, 1]]

    scores.grad = None
    loss = layer_net("InfogainLoss", "", [(1, 2), (1,), (2, 2)])(scores, torch.zeros(1), torch.eye(2))
    assert loss.item() == pytest.approx(-math.log(THRESHOLD), rel=1e-6)
    loss.backward()
    assert scores.grad.tolist() == [[-1, 1]]

    probabilities = torch.tensor([[0.0, 1]], requires_grad=True)
    layer_net("MultinomialLogisticLoss", "", [(1, 2), (1,)])(probabilities, torch.zeros(1)).backward()
    assert probabilities.grad is not None
    assert probabilities.grad.tolist() == [[pytest.approx(-1e20), 0]]


def test_gradient_of_the_multinomial_loss() -> None:
    probabilities = torch.from_numpy(softmax(values(3, 4), 1)).requires_grad_()
    label = torch.from_numpy(labels(3))
    net = layer_net("MultinomialLogisticLoss", "", [(3, 4), (3,)]).double()
    assert torch.autograd.gradcheck(lambda x: net(x, label), probabilities)


def test_losses_without_a_top_are_outputs() -> None:
    text = 'layer { name: "i" type: "Input" top: "x" top: "y" input_param { shape { dim: [2, 3] } } }' + "".join(
        f'layer {{ name: "{name}" type: "{kind}" bottom: "x" bottom: "y" }}'
        for name, kind in (("one", "EuclideanLoss"), ("two", "SigmoidCrossEntropyLoss"))
    )
    net = fcnkit.CaffeNet(text)
    assert net.outputs == ("(automatic) one", "(automatic) two")
    losses = net(torch.ones(2, 3), torch.zeros(2, 3))
    assert [round(loss.item(), 4) for loss in losses.values()] == [1.5, 3.9398]


@pytest.mark.parametrize("top_k", [1, 2])
def test_accuracy_counts_equal_scores_of_others_against_the_label(top_k: int) -> None:
    scores = np.array([[1, 3, 3, 0], [5, 1, 1, 1], [0, 0, 0, 0], [4, 3, 2, 1]], np.float32)
    label = np.array([1, 0, 2, 1], np.float32)
    net = layer_net("Accuracy", f"accuracy_param {{ top_k: {top_k} }}", [(4, 4), (4,)], tops=2)
    share, per_class = tops_of(net, scores, label)
    assert share == {1: 1 / 4, 2: 3 / 4}[top_k]
    assert per_class.tolist() == {1: [1, 0, 0, 0], 2: [1, 1, 0, 0]}[top_k]


@pytest.mark.parametrize(
    ("kind", "settings", "bottoms", "words"),
    [
        ("SoftmaxWithLoss", "", [(3, 4, 2), (3, 3)], r"layer 'l' \(Softm.*\), .*: 6 labels are needed, 9 are given"),
        ("SoftmaxWithLoss", "", [(3, 4, 2), (2, 3)], "both bottoms need the same number of items"),
        ("SoftmaxWithLoss", "", [(1, 4), ()], "both bottoms need the same number of items"),
        ("SoftmaxWithLoss", "softmax_param { axis: 3 }", [(3, 4), (3,)], "layer 'l': axis 3 is outside the bottom's 2"),
        ("InfogainLoss", "", [(3, 4), (3,), (4, 3)], r"the matrix needs 4 x 4 elements, it has 12"),
        ("InfogainLoss", "", [(3, 4), (3,)], "layer 'l': InfogainLoss needs its matrix: a third bottom, or a source"),
        ("InfogainLoss", "loss_param { normalize: true }", [(3, 4), (3,), (4, 4)], "InfogainLoss has no normalize"),
        ("InfogainLoss", 'infogain_loss_param { source: "no.file" }', [(3, 4), (3,)],
         "^layer 'l': infogain matrix no.file: cannot be read: No such file or directory$"),
        ("InfogainLoss", "infogain_loss_param { axis: 2 }", [(3, 4), (3,), (4, 4)], "axis 2 is outside the bottom's 2"),
        ("EuclideanLoss", "", [(3, 4), (3, 5)], "both bottoms need the same number of elements"),
        ("EuclideanLoss", "", [(3, 4), (4, 3)], "both bottoms need the same number of items"),
        ("SigmoidCrossEntropyLoss", "", [(3, 4), (3, 5)], "both bottoms need the same number of elements"),
        ("HingeLoss", "", [(3, 4), (3, 2)], "3 labels are needed, 6 are given"),
        ("MultinomialLogisticLoss", "", [(3, 4), (3, 2)], "3 labels are needed, 6 are given"),
        ("ContrastiveLoss", "", [(3, 4), (3, 4)], "layer 'l': ContrastiveLoss needs 3 bottoms, it has 2"),
        ("ContrastiveLoss", "", [(3, 4, 2), (3, 4, 2), (3,)], r"pairs of shape \(N, C\) and N marks of similarity"),
        ("ContrastiveLoss", "", [(3, 4), (3, 4), (2,)], r"pairs of shape \(N, C\) and N marks of similarity"),
        ("Accuracy", "", [(3, 4, 2), (3,)], "6 labels are needed, 3 are given"),
        ("Accuracy", "accuracy_param { top_k: 5 }", [(3, 4), (3,)], "top_k 5 is more than the 4 classes"),
    ],
)  # fmt: skip
def test_errors(kind: str, settings: str, bottoms: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, settings, bottoms)


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss"])
def test_labels_of_no_class(kind: str) -> None:
    with pytest.raises(InputError, match=rf"layer 'l' \({kind}\) cannot work with 'b0' .*: index 4 is out of bounds"):
        tops_of(layer_net(kind, "", [(1, 4), (1,)]), values(1, 4), np.array([4], np.float32))


def test_both_classes_weigh_as_much_in_each_image() -> None:
    """kmaninis/OSVOS-caffe: loss and gradient by its loops; 2 is neither class, and has the plain gradient alone."""
    scores = values(2, 1, 2, 3)
    target = np.array([[1, 0, 0, 0, 2, 0], [1, 1, 0, 1, 1, 1]], np.float32).reshape(scores.shape)
    expected, gradient = 0.0, np.zeros((2, 6))
    for n in range(2):
        labels = target[n].ravel()
        positive, negative = (labels == 1).sum(), (labels == 0).sum()
        for j, (score, label) in enumerate(zip(scores[n].ravel().astype(float), labels, strict=True)):
            probability = 1 / (1 + math.exp(-score))
            weight = {0: positive, 1: negative}.get(label, 0) / (positive + negative)
            expected -= weight * math.log(probability if label == 1 else 1 - probability)
            gradient[n, j] = (probability - label) * (weight if label < 2 else 1) / 2
    net = layer_net("SigmoidCrossEntropyBalanceLoss", "", [scores.shape, target.shape])
    x = torch.from_numpy(scores).requires_grad_()
    found = net(x, torch.from_numpy(target))
    assert found.item() == pytest.approx(expected / 2, rel=1e-5)
    found.backward()
    assert x.grad is not None
    assert np.allclose(x.grad.numpy().reshape(2, 6), gradient, atol=1e-6)
