"""fc2conv: the shapes it finds, the values it leaves alone, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import caffemodel, hdf5, prototxt
from fcnkit.errors import FcnkitError, FileFormatError, OutputError
from fcnkit.surgery import Cast, CastError, cast_state, cast_state_back, conv_weight_from_fc
from fcnkit.surgery.kernels import Kernels


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
    assert (
        fc6
        == prototxt.parse("""
        layer { name: "fc6" type: "Convolution" bottom: "pool" top: "fc6" param { lr_mult: 1 }
                convolution_param { num_output: 10 kernel_size: 3
                                    weight_filler { type: "xavier" } bias_filler { value: 1 } } }
    """).layer[0]
    )
    x = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        assert torch.allclose(dense(x)[..., 0, 0], net(x), atol=1e-5)
        assert dense(torch.zeros(1, 3, 20, 31)).shape == (1, 5, 7, 12)


def test_what_cannot_be_cast(tmp_path: Path) -> None:
    def cast(state: dict[str, Tensor]) -> None:
        torch.save(state, tmp_path / "net.pth")
        fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth")

    with pytest.raises(
        CastError,
        match=r"net.pth: layer 'classifier.1' has 55 inputs, which fit no kernel over the 6 channels before it; "
        r"give its kernel with `kernel`",
    ):
        cast(small_state(55))
    with pytest.raises(
        CastError,
        match=r"layer 'classifier.1' has 60 inputs, 10 for each of the 6 channels before it, which may be "
        r"1 x 10, 2 x 5, 5 x 2, 10 x 1; choose one with `kernel`",
    ):
        cast(small_state(60))
    with pytest.raises(CastError, match="has no fully connected layer to cast"):
        cast({"a.weight": torch.zeros(1, 1, 3, 3)})
    with pytest.raises(
        CastError,
        match="layer 'a' is fully connected, but no convolution stands before it; give its kernel with `kernel`",
    ):
        cast({"a.weight": torch.zeros(4, 4)})
    path = write_classifier(tmp_path / "net.caffemodel", inputs=55)
    with pytest.raises(CastError, match="layer 'fc6' has 55 inputs"):
        fcnkit.fc2conv(path, tmp_path / "out.caffemodel")
    with pytest.raises(CastError, match="order is 'whc'; give one of chw, hwc"):
        cast_state(small_state(), order="whc")
    with pytest.raises(CastError, match=r"a kernel cannot be \(0, 3\)"):
        cast_state(small_state(), kernel=(0, 3))
    with pytest.raises(CastError, match="no fully connected layer is called 'fc6', whose kernel is given"):
        cast_state(small_state(), kernel={"fc6": (3, 3)})
    with pytest.raises(CastError, match=r"layer 'classifier.1' has 54 inputs, which no kernel of 2 x 2 has"):
        cast_state(small_state(), kernel={"classifier.1": (2, 2)})
    with pytest.raises(
        CastError,
        match=r"has 54 inputs, 9 for each .* which is not 2 x 2; give the kernel of this layer alone with `kernel`",
    ):
        cast_state(small_state(), kernel=(2, 2))
    with pytest.raises(TypeError, match="fc2conv of a file needs an output"):
        fcnkit.fc2conv(path)  # type: ignore[call-overload]
    assert not list(tmp_path.glob("out*"))


def test_an_order_that_names_do_not_tell() -> None:
    """Without an order the last layer of the backbone is guessed, so another one that fits is not passed over."""
    state = {
        "blocks.weight": torch.zeros(36, 4, 3, 3),
        "stem.weight": torch.zeros(4, 3, 3, 3),
        "head.weight": torch.zeros(5, 36),
    }
    message = "layer 'head' has 36 inputs: 3 x 3 over 4 channels, or 1 x 1 over those of 'blocks'; the file does"
    message += " not store the order of its layers; choose with `kernel`"
    with pytest.raises(CastError, match=message):
        cast_state(dict(state), ordered=False)
    assert cast_state(dict(state), ordered=False, kernel={"head": (1, 1)})[0].after == (5, 36, 1, 1)


@pytest.mark.parametrize("kernel", [(2, 5), {"classifier.1": (2, 5)}, {"": (5, 2), "classifier.1": (2, 5)}])
def test_a_kernel_that_is_said(kernel: Kernels) -> None:
    state = small_state(60)
    assert cast_state(state, kernel=kernel)[0].after == (10, 6, 2, 5)


def test_weights_of_maps_stored_with_channels_last() -> None:
    """The casts of both orders compute the same on a map that each flattens its own way."""
    x = torch.randn(2, 6, 3, 3)
    state = small_state()
    weight = state["classifier.1.weight"]
    expected = x.permute(0, 2, 3, 1).flatten(1) @ weight.t()
    cast_state(state, order="hwc")
    found = nn.functional.conv2d(x, state["classifier.1.weight"])[..., 0, 0]
    assert torch.allclose(found, expected, atol=1e-5)
    cast_state_back(state, order="hwc")
    assert torch.equal(state["classifier.1.weight"], weight)


def test_what_cannot_be_cast_back(tmp_path: Path) -> None:
    with pytest.raises(
        CastError, match="has no filters of layers called fc, classifier or head; name the layers to cast with `layers`"
    ):
        cast_state_back({"a.weight": torch.zeros(2, 2, 3, 3), "fc.weight": torch.zeros(2, 2)})
    with pytest.raises(CastError, match="has no filters of a layer 'b'"):
        cast_state_back({"a.weight": torch.zeros(2, 2, 3, 3)}, layers=["a", "b"])
    text = """layer { name: "fc6" type: "Convolution" bottom: "data" top: "fc6"
                      convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }"""
    caffemodel.write(tmp_path / "net.caffemodel", prototxt.parse(text), {"fc6": [np.ones((2, 3, 3, 3))]})
    with pytest.raises(CastError, match=r"'fc6' has a stride, pad, dilation or group, so .*; name the fully"):
        fcnkit.fc2conv(tmp_path / "net.caffemodel", tmp_path / "out.caffemodel", back=True)


def test_a_caffemodel_goes_back(tmp_path: Path) -> None:
    """All but the transposition of what was stored transposed, whose values are the same."""
    path = write_classifier(tmp_path / "net.caffemodel")
    fcnkit.fc2conv(path, tmp_path / "conv.caffemodel")
    fcnkit.fc2conv(tmp_path / "conv.caffemodel", tmp_path / "fc.caffemodel", back=True)
    fcnkit.fc2conv(tmp_path / "fc.caffemodel", tmp_path / "conv2.caffemodel")
    fcnkit.fc2conv(tmp_path / "conv2.caffemodel", tmp_path / "fc2.caffemodel", back=True, layers=["fc6", "fc7"])
    assert (tmp_path / "fc2.caffemodel").read_bytes() == (tmp_path / "fc.caffemodel").read_bytes()
    x = torch.randn(2, 3, 9, 9)
    assert torch.equal(fcnkit.convert(path)(x), fcnkit.convert(tmp_path / "fc.caffemodel")(x))
    assert prototxt.read(tmp_path / "fc.prototxt") == caffemodel.read(tmp_path / "fc.caffemodel").net


OBLONG = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 7 dim: 14 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "flat" type: "Flatten" bottom: "c" top: "flat" }
layer { name: "drop" type: "Dropout" bottom: "flat" top: "flat" }
layer { name: "fc" type: "InnerProduct" bottom: "flat" top: "fc" inner_product_param { num_output: 2 } }
"""


@pytest.mark.parametrize("suffix", [".caffemodel", ".h5", ".caffemodel.h5"])
def test_a_definition_tells_oblong_kernels(tmp_path: Path, suffix: str) -> None:
    """The map is 5 x 12; a Flatten before the layer goes, and the definition lies beside the weights."""
    random = np.random.default_rng(0)
    shapes = {"c": [(4, 3, 3, 3), (4,)], "fc": [(2, 240), (2,)]}
    blobs = {name: [random.standard_normal(s, np.float32) for s in found] for name, found in shapes.items()}
    (tmp_path / "net.prototxt").write_text(OBLONG)
    weights, output = tmp_path / f"net{suffix}", tmp_path / f"conv{suffix}"
    if suffix == ".caffemodel":
        caffemodel.write(weights, prototxt.parse(OBLONG.replace("14", "28")), blobs)
    else:
        hdf5.write(weights, blobs)
    casts = fcnkit.fc2conv(weights, output, prototxt=tmp_path / "net.prototxt")
    assert casts == [Cast("fc", (2, 240), (2, 4, 5, 12))]
    lines = [line.replace('"flat"', '"c"') for line in OBLONG.splitlines() if 'top: "flat"' not in line]
    (tmp_path / "plain.prototxt").write_text("\n".join(lines))
    net = fcnkit.convert(weights, tmp_path / "plain.prototxt")
    dense = fcnkit.convert(output, tmp_path / "conv.prototxt")
    assert [layer.type for layer in dense.definition().layer] == ["Input", "Convolution", "Dropout", "Convolution"]
    x = torch.randn(2, 3, 7, 14)
    with torch.no_grad():
        assert torch.allclose(dense(x)[..., 0, 0], net(x), atol=1e-5)
    fcnkit.fc2conv(output, tmp_path / f"back{suffix}", back=True, prototxt=tmp_path / "conv.prototxt")
    back = fcnkit.convert(tmp_path / f"back{suffix}", tmp_path / "back.prototxt").state_dict()
    assert all(torch.equal(back[name], tensor) for name, tensor in net.state_dict().items())


def test_hdf5_without_a_definition(tmp_path: Path) -> None:
    """The order of its layers is that of their names, in which numbers count."""
    blobs = {"conv2": [np.ones((3, 3, 3, 3)), np.ones(3)], "conv10": [np.ones((4, 3, 3, 3))], "fc": [np.ones((2, 36))]}
    hdf5.write(tmp_path / "net.h5", blobs)
    assert fcnkit.fc2conv(tmp_path / "net.h5", tmp_path / "conv.h5") == [Cast("fc", (2, 36), (2, 4, 3, 3))]
    assert hdf5.read(tmp_path / "conv.h5")["fc"][0].shape == (2, 4, 3, 3)
    assert not list(tmp_path.glob("*.prototxt"))
    fcnkit.fc2conv(tmp_path / "conv.h5", tmp_path / "back.h5", back=True)
    assert hdf5.read(tmp_path / "back.h5")["fc"][0].shape == (2, 36)


def test_a_net_of_fcnkits_own(tmp_path: Path) -> None:
    """A .safetensors file that holds its definition is cast with it, and keeps what it says of images."""
    net = fcnkit.convert(write_classifier(tmp_path / "net.caffemodel"))
    fcnkit.save(net, tmp_path / "net.safetensors")
    casts = fcnkit.fc2conv(tmp_path / "net.safetensors", tmp_path / "conv.safetensors")
    assert casts[0] == Cast("fc6", (10, 54), (10, 6, 3, 3))
    dense = fcnkit.load(tmp_path / "conv.safetensors")
    assert dense.preprocessing == net.preprocessing
    x = torch.randn(1, 3, 9, 9)
    with torch.no_grad():
        assert torch.allclose(dense(x)[..., 0, 0], net(x), atol=1e-5)
    fcnkit.fc2conv(tmp_path / "conv.safetensors", tmp_path / "back.safetensors", back=True)
    back = fcnkit.load(tmp_path / "back.safetensors").state_dict()
    assert all(torch.equal(back[name], tensor) for name, tensor in net.state_dict().items())
    with pytest.raises(FcnkitError, match=r"net.safetensors: has Caffe's names already"):
        fcnkit.fc2conv(tmp_path / "net.safetensors", tmp_path / "out.safetensors", names="caffe")


def test_no_inner_product_in_a_caffemodel(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(CastError, match="has no fully connected layer with weights"):
        fcnkit.fc2conv(sample, tmp_path / "out.caffemodel")


def test_files(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "net.zip").write_text("x")
    with pytest.raises(FileFormatError, match=r"net.zip: is a text file; nets are loaded from .safetensors, .pth, .pt"):
        fcnkit.fc2conv(tmp_path / "net.zip", tmp_path / "out.zip")
    with pytest.raises(FcnkitError, match=r"out.pth: fc2conv keeps the format of its input; choose a .caffemodel file"):
        fcnkit.fc2conv(sample, tmp_path / "out.pth")
    torch.save(small_state(), tmp_path / "net.pth")
    with pytest.raises(FcnkitError, match=r"net.pth: is a .pth file, which is cast without a definition; leave"):
        fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth", prototxt=sample)
    torch.save({"epoch": 3, "model": [1]}, tmp_path / "odd.pth")
    with pytest.raises(
        FileFormatError, match=r"odd.pth: contains no state dict, tensors by name, neither itself nor as"
    ):
        fcnkit.fc2conv(tmp_path / "odd.pth", tmp_path / "out.pth")
    (tmp_path / "odd.safetensors").write_text("no")
    with pytest.raises(FileFormatError, match=r"odd.safetensors: is not a safetensors file, or is damaged"):
        fcnkit.fc2conv(tmp_path / "odd.safetensors", tmp_path / "out.safetensors")
    (tmp_path / "out.prototxt").write_text("mine")
    path = write_classifier(tmp_path / "net.caffemodel")
    with pytest.raises(OutputError, match=r"out.prototxt: exists"):
        fcnkit.fc2conv(path, tmp_path / "out.caffemodel")
    (tmp_path / "out.pth").write_text("mine")
    torch.save(small_state(), tmp_path / "net.pth")
    with pytest.raises(OutputError, match="exists"):
        fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth")
    assert fcnkit.fc2conv(tmp_path / "net.pth", tmp_path / "out.pth", force=True)
