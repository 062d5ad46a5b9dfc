"""Recursive filters along rows and columns, pixel by pixel and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, tops_of, values


def along_rows(
    x: np.ndarray, gate: np.ndarray, weights: list[np.ndarray], uses: tuple[bool, bool, bool], share: float
) -> np.ndarray:
    """Forward_cpu from the left to the right, (images, outputs, height, width)."""
    of_x, of_h, bias = weights[0][0, 0], weights[1][0, 0], weights[2][0, 0, 0]
    top = np.zeros((len(x), of_h.shape[0], *x.shape[2:]))
    gate = gate * min(share, 1)
    for image, row, column in np.ndindex(len(x), *x.shape[2:]):
        values = x[image, :, row, column].astype(float)
        values = of_x.T @ values if uses[0] else values
        inner = (bias if uses[2] else 0) - values
        if column:
            before = top[image, :, row, column - 1]
            inner = inner + (of_h @ before if uses[1] else before)
        top[image, :, row, column] = np.tanh(gate[image, :, row, column] * inner + share * values)
    return top


@pytest.mark.parametrize("horizontal", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize(
    ("uses", "share"), [((True, True, True), 1), ((False, False, False), 1), ((True, True, False), 0.6)]
)
def test_a_gated_filter_is_its_loop(
    horizontal: bool, reverse: bool, uses: tuple[bool, bool, bool], share: float
) -> None:
    outputs = 2 if uses[0] else 3
    x, gate = values(2, 3, 4, 5), np.abs(values(2, outputs, 4, 5, seed=1)) / 4
    weights = [
        values(1, 1, *shape, seed=seed)
        for seed, shape in ((2, (3, outputs)), (3, (outputs, outputs)), (4, (1, outputs)))
    ]
    settings = f"num_output: {outputs} horizontal: {horizontal} reverse: {reverse} active: TANH restrict_g: {share}"
    for name, used in zip(("use_wx", "use_wh", "use_bias"), uses, strict=True):
        settings += f" {name}: {used}"
    it = layer(
        "GateRecurrent", "ab", f"gaterecurrent_param {{ {settings.replace('True', 'true').replace('False', 'false')} }}"
    )
    found = run(it, [x, gate], {"it": weights})

    def turned(blob: np.ndarray) -> np.ndarray:
        blob = blob if horizontal else blob.swapaxes(2, 3)
        return blob[..., ::-1] if reverse else blob

    expected = along_rows(turned(x), turned(gate), weights, uses, share)
    expected = expected[..., ::-1] if reverse else expected
    assert np.allclose(found, expected if horizontal else expected.swapaxes(2, 3), atol=1e-5)


def test_a_gate_by_hand() -> None:
    """In LRNN (Liusifei/caffe-lowlevel matlab/caffe/models/LRNN_v1.prototxt) a pixel is a mean: (1 - g) x + g h."""
    x = np.array([4, 8, 0], np.float32).reshape(1, 1, 1, 3)
    gate = np.array([0.5, 0.25, 1], np.float32).reshape(1, 1, 1, 3)
    it = layer(
        "GateRecurrent", "ab", "gaterecurrent_param { num_output: 1 use_wx: false use_wh: false use_bias: false }"
    )
    # 4 - 0.5 * 4 at first, as there is no pixel before; 8 - 0.25 * 8 + 0.25 * 2; the last one is the one before.
    assert run(it, [x, gate]).flatten().tolist() == [2, 6.5, 6.5]
    # W_h = 3 is cut to 2: 8 - 0.25 * 8 + 0.25 * 2 * 2.
    it = layer(
        "GateRecurrent",
        "ab",
        "gaterecurrent_param { num_output: 1 use_wx: false use_bias: false restrict_w: 2 active: RELU }",
    )
    blobs = [np.full((1, 1, 1, 1), value, np.float32) for value in (1, 3, 5)]
    assert run(it, [x, gate], {"it": blobs}).flatten().tolist() == [2, 7, 14]


def test_gradients_of_a_gated_filter() -> None:
    bottoms = [torch.from_numpy(values(1, 2, 3, 4, seed=seed)).double().requires_grad_() for seed in (1, 2)]
    it = layer("GateRecurrent", "ab", "gaterecurrent_param { num_output: 2 active: SIGMOID reverse: true }")
    whole = net(it, [each.detach().numpy() for each in bottoms]).double()
    assert torch.autograd.gradcheck(whole, tuple(bottoms))


def test_refused_gates() -> None:
    with pytest.raises(DefinitionError, match=r"a bottom of 4 axes and num_output are needed, as many as its channels"):
        net(
            layer("GateRecurrent", "ab", "gaterecurrent_param { num_output: 3 use_wx: false }"),
            [values(1, 2, 3, 4)] * 2,
        )
    with pytest.raises(DefinitionError, match="the gate must have 3 channels, and the bottom's height and width"):
        net(layer("GateRecurrent", "ab", "gaterecurrent_param { num_output: 3 }"), [values(1, 2, 3, 4)] * 2)


def test_the_wiring_of_lrnn() -> None:
    """A map of gates at half the size is enlarged and split; filters of two directions are joined by their maximum."""
    text = """
        layer { name: "pool" type: "Pooling" bottom: "a" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
        layer { name: "gates" type: "Convolution" bottom: "pool" top: "gates"
          convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
        layer { name: "up" type: "Resize" bottom: "gates" top: "up"
          resize_param { is_pyramid_test: true out_height_scale: 2.0 out_width_scale: 2.0 } }
        layer { name: "tanh" type: "TanH" bottom: "up" top: "up" }
        layer { name: "slice" type: "Slice" bottom: "up" top: "g1" top: "g2" }
        layer { name: "r1" type: "GateRecurrent" bottom: "a" bottom: "g1" top: "r1"
          gaterecurrent_param { num_output: 3 use_wx: false use_wh: false use_bias: false } }
        layer { name: "r2" type: "GateRecurrent" bottom: "a" bottom: "g2" top: "r2"
          gaterecurrent_param { num_output: 3 use_wx: false use_wh: false use_bias: false horizontal: false } }
        layer { name: "max" type: "Eltwise" bottom: "r1" bottom: "r2" top: "max" eltwise_param { operation: MAX } }
    """
    bottom = values(1, 3, 6, 8)
    lrnn = net(text, [bottom])
    assert lrnn.shapes["up"] == (1, 6, 6, 8)
    (top,) = tops_of(lrnn, bottom)
    assert top.shape == (1, 3, 6, 8)
    lrnn.train()(torch.from_numpy(bottom)).square().sum().backward()
    assert all(each.grad is not None for name, each in lrnn.named_parameters() if "gates" in name)
