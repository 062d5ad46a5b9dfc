"""Losses that compare numbers with numbers: values and gradients worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net

# Two items of two channels and one row of three pixels, so that no two axes have the same length but the first.
FIRST = np.array([[[[3.0, -1, 0.5]], [[0, 2, 2]]], [[[1, 1, 1]], [[0, 0, -4]]]], np.float32)
SECOND = np.array([[[[1.0, 1, 0]], [[0, 1.5, 2]]], [[[1, 3, 1]], [[0.25, 0, 0]]]], np.float32)
# Their differences: 2 -2 0.5, 0 0.5 0; 0 -2 0, -0.25 0 -4.
INSIDE = np.array([[[[1.0, 0.5, 1]], [[1, 1, 1]]], [[[1, 1, 1]], [[4, 1, 0]]]], np.float32)
OUTSIDE = np.array([[[[1.0, 2, 1]], [[1, 0, 1]]], [[[1, 0.5, 1]], [[2, 1, 1]]]], np.float32)


def test_l1_loss() -> None:
    # (2 + 2 + 0.5 + 0.5 + 2 + 0.25 + 4) / 2 items
    assert apply("L1Loss", "", FIRST, SECOND) == pytest.approx(5.625)


MISSING = np.where(SECOND == 1.5, np.nan, SECOND)


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        # Without its NaN, where the difference is 0.5: 11 of 12 differences, in 2 channels.
        ("", 10.75 / 2),
        ("normalize_by_num_entries: true", 10.75 / 5.5),
        ("plateau: 0.5", 10.5 / 2),
        # Differences of a location: (2, 0), (-2, none), (0.5, 0); (0, -0.25), (-2, 0), (0, -4).
        ("l2_per_location: true epsilon: 0", (2 + 2 + 0.5 + 0.25 + 2 + 4) / 2),
        ("l2_per_location: true epsilon: 0 normalize_by_num_entries: true", 10.75 / 5.5),
        # Squares 4, 4, 1/4, 1/16, 4, 16 are halved; an epsilon of 7 makes 9 of 2 and 15 of 8.
        (
            "l2_per_location: true epsilon: 7 l2_prescale_by_channels: true",
            (3 + 3 + 7.125**0.5 + 7.03125**0.5 + 3 + 15**0.5) / 2,
        ),
        # The locations of 1/4 and 1/16 count as 0, of which the epsilon is left.
        ("l2_per_location: true epsilon: 5 plateau: 0.6", (3 + 3 + 5**0.5 + 5**0.5 + 3 + 21**0.5) / 2),
    ],
)
def test_l1_loss_of_flownet(settings: str, loss: float) -> None:
    found = apply("L1Loss", f"l1_loss_param {{ {settings} }}", FIRST, MISSING)
    assert found == pytest.approx(loss)
    difference = (FIRST - MISSING).astype(np.float32)
    assert apply("L1Loss", f"l1_loss_param {{ {settings} }}", difference) == pytest.approx(loss)


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        # Sums 2, 2, 0.5, 0.25, 2, 4 at the locations, squared.
        ("p: 1 q: 2 q_epsilon: 0", (4 + 4 + 0.25 + 0.0625 + 4 + 16) / 2),
        ("p: 1 q: 2 q_epsilon: 1", (9 + 9 + 2.25 + 1.5625 + 9 + 25) / 2),
        ("p: 2 q: 1 q_epsilon: 0 l2_prescale_by_channels: true", (4 + 4 + 0.25 + 0.0625 + 4 + 16) / 4),
        # A difference of 0 costs the square of the shift, and so does the missing one.
        ("p: 2 q: 1 p_epsilon: 1 q_epsilon: 0", (10 + 10 + 3.25 + 2.5625 + 10 + 26) / 2),
        ("p: 1 q: 1 q_epsilon: 0 normalize_by_num_entries: true pq_episode_starts_at_iter: 0", 10.75 / 5.5),
    ],
)
def test_lpq_loss(settings: str, loss: float) -> None:
    assert apply("LpqLoss", f"lpq_loss_param {{ {settings} }}", FIRST, MISSING) == pytest.approx(loss)


def test_missing_values_have_no_gradient() -> None:
    """Differences (2, -0.5) at one location and (2, none) at the other, whose sums are 2.5 and 2."""
    first = torch.tensor([2.0, 2, -0.5, 7]).reshape(1, 2, 2, 1).requires_grad_()
    second = torch.tensor([0.0, 0, 0, float("nan")]).reshape(1, 2, 2, 1)
    layer_net("LpqLoss", "lpq_loss_param { p: 1 q: 0.2 }", [(1, 2, 2, 1)] * 2)(first, second).backward()
    assert first.grad is not None
    near, far = 0.2 * 2.51**-0.8, 0.2 * 2.01**-0.8
    assert first.grad.flatten().tolist() == pytest.approx([near, far, -near, 0])
    first.grad = None
    layer_net("L1Loss", "l1_loss_param {}", [(1, 2, 2, 1)] * 2)(first, second).backward()
    assert first.grad is not None
    assert first.grad.flatten().tolist() == [1, 1, -1, 0]


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        # Beyond 1: 1.5 for a difference of 2, 3.5 for one of 4; below: half the square.
        ("", (1.5 + 1.5 + 0.125 + 0.125 + 1.5 + 0.03125 + 3.5) / 2),
        # sigma 2: beyond 1/4 the difference less 1/8; 2 d^2 below; at 1/4 both are 1/8.
        ("smooth_l1_loss_param { sigma: 2 }", (1.875 + 1.875 + 0.375 + 0.375 + 1.875 + 0.125 + 3.875) / 2),
        # sigma 0.5: below 4 an eighth of the square, at 4 both forms are 2.
        ("smooth_l1_loss_param { sigma: 0.5 }", (0.5 + 0.5 + 0.03125 + 0.03125 + 0.5 + 0.0078125 + 2) / 2),
    ],
)
def test_smooth_l1_loss(settings: str, loss: float) -> None:
    assert apply("SmoothL1Loss", settings, FIRST, SECOND) == pytest.approx(loss)


def test_smooth_l1_loss_with_weights() -> None:
    # Inside, the differences become 2 -1 0.5, 0 0.5 0; 0 -2 0, -1 0 0. Outside, the losses
    # 1.5 0.5 0.125, 0 0.125 0; 0 1.5 0, 0.5 0 0 count 1 2 1, 1 0 1; 1 0.5 1, 2 1 1 times.
    found = apply("SmoothL1Loss", "", FIRST, SECOND, INSIDE, OUTSIDE)
    assert found == pytest.approx((1.5 + 1.0 + 0.125 + 0 + 0.75 + 1.0) / 2)


@pytest.mark.parametrize(
    ("kind", "more", "slopes"),
    [
        # The sign of each difference over 2 items.
        ("L1Loss", [], [[1, -1, 1, 0, 1, 0], [0, -1, 0, -1, 0, -1]]),
        # The difference itself where it is below 1, else its sign.
        ("SmoothL1Loss", [], [[1, -1, 0.5, 0, 0.5, 0], [0, -1, 0, -0.25, 0, -1]]),
        # The same of the weighted difference, times both weights.
        ("SmoothL1Loss", [INSIDE, OUTSIDE], [[1, -1, 0.5, 0, 0, 0], [0, -0.5, 0, -8, 0, 0]]),
    ],
)
def test_gradients(kind: str, more: Sequence[np.ndarray], slopes: list[list[float]]) -> None:
    blobs = [torch.from_numpy(blob) for blob in (FIRST, SECOND, *more)]
    net = layer_net(kind, "", [blob.shape for blob in blobs]).train()
    first, second = (blob.clone().requires_grad_() for blob in blobs[:2])
    loss = net(first, second, *blobs[2:])
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    assert first.grad is not None
    assert second.grad is not None
    assert torch.allclose(first.grad.flatten(), torch.tensor(slopes).flatten() / 2)
    assert torch.equal(second.grad, -first.grad)


@pytest.mark.parametrize(
    ("kind", "settings", "shapes", "words"),
    [
        ("SmoothL1Loss", "", [(2, 3)] * 3, "layer 'l': SmoothL1Loss needs both inside and outside weights, or none"),
        (
            "SmoothL1Loss",
            "smooth_l1_loss_param { sigma: 0 }",
            [(2, 3)] * 2,
            "sigma is 0; it must be above 0",
        ),
        (
            "LpqLoss",
            "lpq_loss_param { p: [1, 2] q: [1, 1] pq_episode_starts_at_iter: [0, 9] }",
            [(2, 3)] * 2,
            "layer 'l': LpqLoss needs one p and one q",
        ),
        ("L1Loss", "", [(2, 3), (2, 4)], "both bottoms need the same number of elements"),
        ("SmoothL1Loss", "", [(2, 3), (3, 2)], "both bottoms need the same number of items"),
    ],
)
def test_errors(kind: str, settings: str, shapes: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, settings, shapes)


def test_a_detector_in_training_runs_with_its_losses() -> None:
    """The heads of rbgirshick/fast-rcnn models/VGG16/train.prototxt, thin."""
    net = fcnkit.CaffeNet("""
        layer { name: "i" type: "Input" top: "data" top: "labels" top: "targets" top: "inside" top: "outside"
          input_param { shape { dim: [4, 6] } shape { dim: 4 } shape { dim: [4, 8] } shape { dim: [4, 8] }
                        shape { dim: [4, 8] } } }
        layer { name: "cls_score" type: "InnerProduct" bottom: "data" top: "cls_score"
          inner_product_param { num_output: 2 weight_filler { type: "gaussian" std: 0.01 } } }
        layer { name: "bbox_pred" type: "InnerProduct" bottom: "data" top: "bbox_pred"
          inner_product_param { num_output: 8 weight_filler { type: "gaussian" std: 0.001 } } }
        layer { name: "loss_cls" type: "SoftmaxWithLoss" bottom: "cls_score" bottom: "labels" top: "loss_cls" }
        layer { name: "loss_bbox" type: "SmoothL1Loss" bottom: "bbox_pred" bottom: "targets" bottom: "inside"
          bottom: "outside" top: "loss_bbox" }
        """).train()
    data, ones = torch.randn(4, 6), torch.ones(4, 8)
    losses = net(data, torch.tensor([0.0, 1, 1, 0]), 2 * ones, ones, ones)
    assert isinstance(losses, dict)
    assert losses["loss_bbox"].item() == pytest.approx(8 * 1.5, rel=0.05)
    losses["loss_bbox"].backward()
    assert torch.allclose(net.bbox_pred.bias.grad, -torch.ones(8))
