"""ConvLSTM, against loops over steps and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import layer, layer_net, tops_of, values

STEPS, STREAMS, CHANNELS, MADE, HEIGHT, WIDTH = 3, 2, 2, 2, 3, 4
X = values(STEPS, STREAMS, CHANNELS, HEIGHT, WIDTH)
# 0.5 shows where the marks are factors.
CONT = np.array([[0, 1], [1, 0.5], [1, 0]], np.float32)
STATE = values(1, STREAMS, MADE, HEIGHT, WIDTH, seed=3), values(1, STREAMS, MADE, HEIGHT, WIDTH, seed=4)
FILTERS = """lstm_conv_param { %s num_output: 2 kernel_size: 3 pad: 2 dilation: 2
    weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "uniform" min: 0.1 max: 1 } }"""


def convolution(image: np.ndarray, filters: np.ndarray, reach: int) -> np.ndarray:
    """Filters of odd sides over an image (channels, height, width), which keep its size."""
    made = np.zeros((len(filters), *image.shape[1:]))
    middle = filters.shape[2] // 2, filters.shape[3] // 2
    for o, y, x in np.ndindex(*made.shape):
        for c, i, j in np.ndindex(*filters.shape[1:]):
            row, column = y + reach * (i - middle[0]), x + reach * (j - middle[1])
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                made[o, y, x] += filters[o, c, i, j] * image[c, row, column]
    return made


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def convlstm(
    blobs: Sequence[np.ndarray | None], cont: np.ndarray, h: np.ndarray, c: np.ndarray, reach: int = 2
) -> list[np.ndarray]:
    """All h, the last h and the last c; gates i, f, o, g. The blobs are W_x, W_h, b, W_ci, W_cf and W_co."""
    inputs, hidden, bias, *cells = blobs
    h, c, tops = h[0].copy(), c[0].copy(), []
    assert hidden is not None
    for t in range(STEPS):
        for n in range(STREAMS):
            gates = convolution(cont[t, n] * h[n], hidden, reach)
            if inputs is not None:
                gates += convolution(X[t, n], inputs, reach)
            if bias is not None:
                gates += bias[:, None, None]
            i, f, o, g = np.split(gates, 4)
            # Each gate reads the cell state before the step, whatever the mark.
            i, f, o = (gate + (0 if w is None else w * c[n]) for gate, w in zip((i, f, o), cells, strict=True))
            c[n] = cont[t, n] * sigmoid(f) * c[n] + sigmoid(i) * np.tanh(g)
            h[n] = sigmoid(o) * np.tanh(c[n])
        tops.append(h.copy())
    return [np.stack(tops), h[None], c[None]]


def arrays(net: fcnkit.CaffeNet) -> list[np.ndarray]:
    return [blob.detach().numpy().copy() for blob in net.blobs()["l"]]


def random(net: fcnkit.CaffeNet) -> None:
    """Other weights of the cell state than 1."""
    for name in ("W_ci", "W_cf", "W_co"):
        torch.nn.init.normal_(getattr(net.l, name))


@pytest.mark.parametrize("exposed", [False, True])
def test_steps(exposed: bool) -> None:
    torch.manual_seed(0)
    bottoms = [X, CONT, *(STATE if exposed else ())]
    settings = FILTERS % "" + f" recurrent_param {{ expose_hidden: {str(exposed).lower()} }}"
    net = layer_net("ConvLSTM", settings, [bottom.shape for bottom in bottoms], 1 + 2 * exposed)
    random(net)
    W_x, one, two, W_h, b, W_ci, W_cf, W_co, *others = arrays(net)
    assert (W_x.shape, W_h.shape, b.shape) == ((8, 2, 3, 3), (8, 2, 3, 3), (8,))
    assert W_ci.shape == W_cf.shape == W_co.shape == (HEIGHT, WIDTH)
    assert [blob.tolist() for blob in (one, two, *others)] == [[0]] * 4
    assert (b >= 0.1).all()
    zeros = np.zeros_like(STATE[0])
    expected = convlstm([W_x, W_h, b, W_ci, W_cf, W_co], CONT, *(STATE if exposed else (zeros, zeros)))
    tops = tops_of(net, *bottoms)
    assert len(tops) == 1 + 2 * exposed
    for found, wanted in zip(tops, expected, strict=False):
        assert found.shape == wanted.shape
        assert np.allclose(found, wanted, atol=1e-5)


def test_filters_of_their_own_without_cell_weights() -> None:
    """For the hidden state the first, by its type; without a bias."""
    settings = """
        lstm_conv_param { type: "hidden" num_output: 2 kernel_size: 1 bias_term: false weight_filler { value: 0.5 } }
        lstm_conv_param { type: "input" num_output: 2 kernel_size: 3 kernel_size: 1 pad: 1 pad: 0
                          weight_filler { type: "uniform" min: -1 } }
        lstm_debug_param { disable_hadamard: true } """
    net = layer_net("ConvLSTM", settings, [X.shape, CONT.shape])
    W_x, _, _, W_h, _, _ = arrays(net)
    assert (W_x.shape, W_h.shape) == ((8, 2, 3, 1), (8, 2, 1, 1))
    zeros = np.zeros_like(STATE[0])
    expected = convlstm([W_x, W_h, None, None, None, None], CONT, zeros, zeros, reach=1)
    assert np.allclose(tops_of(net, X, CONT)[0], expected[0], atol=1e-5)


@pytest.mark.parametrize(("axes", "shape"), [((2, 1), (2, 1, 1)), ((2, 3), (2, 3, 4)), ((4, 1), (4,))])
def test_a_decoder_reads_no_bottom(axes: tuple[int, int], shape: tuple[int, ...]) -> None:
    settings = FILTERS % "" + "recurrent_param { expose_hidden: true } lstm_debug_param { ignore_x: true "
    settings += f"axis_hadamard: {axes[0]} num_axes_hadamard: {axes[1]} }}"
    net = layer_net("ConvLSTM", settings, [X.shape, CONT.shape, STATE[0].shape, STATE[1].shape], 3)
    random(net)
    _, _, W_h, b, *cells = arrays(net)[:7]
    expected = convlstm([None, W_h, b, *(cell.reshape(shape) for cell in cells)], CONT, *STATE)
    for found, wanted in zip(tops_of(net, X, CONT, *STATE), expected, strict=True):
        assert np.allclose(found, wanted, atol=1e-5)


def test_state_and_gradients(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = layer_net("ConvLSTM", FILTERS % "", [X.shape, CONT.shape])
    (whole,) = tops_of(net, X, CONT)
    # The gates would read the cells that it ended with.
    net.l.reset()
    pieces = [tops_of(net, X[part], CONT[part])[0] for part in (slice(0, 1), slice(1, 3))]
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-6)
    fcnkit.save(net, tmp_path / "net.safetensors")
    again = fcnkit.load(tmp_path / "net.safetensors")
    assert np.allclose(tops_of(again, X, CONT)[0], whole, atol=1e-6)
    double = net.double()
    x = torch.from_numpy(X[:2]).double().requires_grad_()

    def forward(x: torch.Tensor) -> torch.Tensor:
        double.l.reset()
        top: torch.Tensor = double(x, torch.from_numpy(CONT[:2]).double())
        return top

    assert torch.autograd.gradcheck(forward, (x,))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "give lstm_conv_param once, or for input and hidden"),
        (FILTERS % "group: 3", "group 3 must divide 2 channels, and 4 times num_output 2"),
        ("lstm_conv_param { num_output: 2 kernel_size: 3 }", "its filters must keep height and width"),
        ("lstm_conv_param { num_output: 2 kernel_size: 1 stride: 2 }", "its filters must keep height and width"),
        (FILTERS % "" + 'lstm_debug_param { expose: "c_t=2" }', "no tops can be made of blobs inside: c_t=2"),
        (FILTERS % "" + "lstm_debug_param { axis_hadamard: 4 }", "num_axes_hadamard must lie within 1 to 4"),
        (FILTERS % "" + "recurrent_param { expose_hidden: true }", "needs 4 bottoms, it has 2"),
        (FILTERS % "" + "lstm_conv_param { num_output: 3 }", "num_output 2 and 3 of its filters differ"),
    ],
)
def test_refused(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        layer_net("ConvLSTM", settings, [X.shape, CONT.shape])


def test_bottoms_without_channels_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"ConvLSTM reads \(steps, streams, channels, height, width\), not"):
        layer_net("ConvLSTM", FILTERS % "", [X.shape[1:], CONT.shape])


def test_a_clip_has_as_many_images_as_its_reshape_states(tmp_path: Path) -> None:
    """The wiring of shenjianbing/PDB-ConvLSTM and of DengPingFan/DAVSOD."""
    clip = """layer { name: "d" type: "ImageData" top: "data" top: "label"
            image_data_param { new_height: 3 new_width: 4 batch_size: 3 } }
        layer { name: "s" type: "HDF5Data" top: "cont" }
        layer { name: "z" type: "DummyData" top: "z"
            dummy_data_param { shape { dim: 1 dim: 1 dim: 2 dim: 3 dim: 4 } } }"""
    text = clip + layer("Convolution", ["data"], "convolution_param { num_output: 3 kernel_size: 1 }", "maps", "maps")
    text += layer("Reshape", ["maps"], "reshape_param { shape { dim: 3 dim: 1 dim: 3 dim: 3 dim: 4 } }", "clip", "clip")
    text += layer(
        "ConvLSTM", ["clip", "cont", "z", "z"], FILTERS % "" + "recurrent_param { expose_hidden: true }", "a h c"
    )
    text += layer("Silence", ["h", "c", "label"], tops="", name="silence")
    (tmp_path / "net.prototxt").write_text(text)
    net = fcnkit.load(tmp_path / "net.prototxt")
    assert {name: net.shapes[name] for name in net.inputs} == {"data": (3, 3, 3, 4), "cont": (3, 1)}
    assert net.shapes["a"] == (3, 1, 2, 3, 4)
    assert list(net.outputs) == ["a"]
    assert "'data', 'cont': 3 items, because layer 'clip' reads 3 at once" in net.remarks
