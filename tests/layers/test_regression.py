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
