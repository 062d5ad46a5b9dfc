"""fc2conv: the shapes it finds, the values it leaves alone, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.errors import FcnkitError, FileFormatError, OutputError
from fcnkit.surgery import Cast, CastError, cast_state, conv_weight_from_fc

# torchvision's VGG16: index in features and channels; classifier.0, .3 and .6 are fully connected.
VGG16 = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 17: 512, 19: 512, 21: 512, 24: 512, 26: 512, 28: 512}


def vgg16_state() -> dict[str, Tensor]:
    """A state dict with torchvision's names and shapes; expanded zeros, so that it costs no memory."""
    state = {}
    before = 3
    for index, channels in VGG16.items():
        state[f"features.{index}.weight"] = torch.zeros(()).expand(channels, before, 3, 3)
        state[f"features.{index}.bias"] = torch.zeros(()).expand(channels)
        before = channels
    for index, shape in {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}.items():
        state[f"classifier.{index}.weight"] = torch.zeros(()).expand(shape)
        state[f"classifier.{index}.bias"] = torch.zeros(()).expand(shape[0])
    return state


def test_torchvisions_vgg16() -> None:
    state = vgg16_state()
    before = dict(state)
    assert cast_state(state) == [
        Cast("classifier.0", (4096, 25088), (4096, 512, 7, 7)),
        Cast("classifier.3", (4096, 4096), (4096, 4096, 1, 1)),
        Cast("classifier.6", (1000, 4096), (1000, 4096, 1, 1)),
    ]
    assert list(state) == list(before)
    assert all(state[name] is before[name] for name in state if "classifier" not in name or "bias" in name)


def small_state(inputs: int = 54) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "features.0.weight": torch.randn(6, 3, 3, 3),
        "features.0.bias": torch.randn(6),
        "classifier.1.weight": torch.randn(10, inputs),
        "classifier.1.bias": torch.randn(10),
        "classifier.4.weight": torch.randn(4, 10),
        "classifier.4.bias": torch.randn(4),
    }


def test_a_cast_classifier_computes_the_same(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "net.pth")
    fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "net-conv.pth")
    old, new = small_state(), torch.load(tmp_path / "net-conv.pth", weights_only=True)
    assert all(torch.equal(old[name].reshape(-1), new[name].reshape(-1)) for name in old)
    x = torch.randn(2, 6, 3, 3)
    hidden = nn.functional.linear(x.flatten(1), old["classifier.1.weight"], old["classifier.1.bias"])
    expected = nn.functional.linear(hidden, old["classifier.4.weight"], old["classifier.4.bias"])
    hidden = nn.functional.conv2d(x, new["classifier.1.weight"], new["classifier.1.bias"])
    found = nn.functional.conv2d(hidden, new["classifier.4.weight"], new["classifier.4.bias"])
    assert torch.allclose(found[..., 0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("kernel", [(1, 1), (7, 7), (2, 3)])
def test_inner_product_equals_its_convolution(kernel: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *kernel)
    weight = torch.randn(5, x[0].numel())
    filters = conv_weight_from_fc(weight, 3, kernel)
    found = nn.functional.conv2d(x, filters)[..., 0, 0]
    assert torch.allclose(found, x.flatten(1) @ weight.t(), atol=1e-5)


CLASSIFIER = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "a" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "b" type: "Convolution" bottom: "data" top: "b" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "ab" type: "Concat" bottom: "a" bottom: "b" top: "ab" }
layer { name: "pool" type: "Pooling" bottom: "ab" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "fc6" type: "InnerProduct" bottom: "pool" top: "fc6" param { lr_mult: 1 }
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } bias_filler { value: 1 } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "fc7" type: "InnerProduct" bottom: "fc6" top: "fc7"
        inner_product_param { num_output: 5 bias_term: false transpose: true } }
"""


def write_classifier(path: Path, text: str = CLASSIFIER, inputs: int = 54, old_shapes: bool = False) -> Path:
    random = np.random.default_rng(0)

    def blobs(*shapes: Sequence[int]) -> list[np.ndarray]:
        return [random.standard_normal(shape, np.float32) for shape in shapes]

    lead = (1, 1) if old_shapes else ()
    stored = {
        "a": blobs((2, 3, 3, 3), (2,)),
        "b": blobs((4, 3, 3, 3), (4,)),
        "fc6": blobs((*lead, 10, inputs), (*lead, *lead[:1], 10)),
        "fc7": blobs((10, 5)),
    }
    caffemodel.write(path, prototxt.parse(text), stored)
    return path


@pytest.mark.parametrize("old_shapes", [False, True])
def test_a_caffemodels_net_is_cast_too(tmp_path: Path, old_shapes: bool) -> None:
    """Channels that a Concat joins, a bias that is missing, weights stored transposed."""
    path = write_classifier(tmp_path / "net.caffemodel", old_shapes=old_shapes)
    casts = fcnkit.fc2conv(path, tmp_path / "conv.caffemodel")
    assert casts == [Cast("fc6", (10, 54), (10, 6, 3, 3)), Cast("fc7", (5, 10), (5, 10, 1, 1))]
    net, dense = fcnkit.convert(path), fcnkit.convert(tmp_path / "conv.caffemodel")
    fc6 = next(layer for layer in dense.definition().layer if layer.name == "fc6")
    assert fc6 == prototxt.parse("""
        layer { name: "fc6" type: "Convolution" bottom: "pool" top: "fc6" param { lr_mult: 1 }
                convolution_param { num_output: 10 kernel_size: 3
                                    weight_filler { type: "xavier" } bias_filler { value: 1 } } }
    """).layer[0]
    x = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        assert torch.allclose(dense(x)[..., 0, 0], net(x), atol=1e-5)
        assert dense(torch.zeros(1, 3, 20, 31)).shape == (1, 5, 7, 12)


def test_what_cannot_be_cast(tmp_path: Path) -> None:
    def cast(state: dict[str, Tensor]) -> None:
        torch.save(state, tmp_path / "net.pth")
        fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth")

    with pytest.raises(CastError, match=r"net.pth: layer 'classifier.1' has 55 inputs, .* kernel over the 6 chan"):
        cast(small_state(55))
    with pytest.raises(CastError, match="layer 'classifier.1' has 60 inputs"):
        cast(small_state(60))
    with pytest.raises(CastError, match="holds no fully connected layer, so there is nothing to cast"):
        cast({"a.weight": torch.zeros(1, 1, 3, 3)})
    with pytest.raises(CastError, match="layer 'a' is fully connected, but no convolution stands before it"):
        cast({"a.weight": torch.zeros(4, 4)})
    path = write_classifier(tmp_path / "net.caffemodel", inputs=55)
    with pytest.raises(CastError, match="layer 'fc6' has 55 inputs"):
        fcnkit.fc2conv(path, tmp_path / "out.caffemodel")
    assert not list(tmp_path.glob("out*"))


def test_no_inner_product_in_a_caffemodel(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(CastError, match="holds no fully connected layer with weights"):
        fcnkit.fc2conv(sample, tmp_path / "out.caffemodel")


def test_files(tmp_path: Path, sample: Path) -> None:
    with pytest.raises(FileFormatError, match=r"net.zip: is not a .pth, .pt or .caffemodel file"):
        fcnkit.fc2conv(tmp_path / "net.zip", tmp_path / "out.zip")
    with pytest.raises(FcnkitError, match=r"out.pth: fc2conv keeps the format of its input: name a .caffemodel file"):
        fcnkit.fc2conv(sample, tmp_path / "out.pth")
    (tmp_path / "out.pth").write_text("mine")
    torch.save(small_state(), tmp_path / "net.pth")
    with pytest.raises(OutputError, match="exists"):
        fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth")
    assert fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth", force=True)
