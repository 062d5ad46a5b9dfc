"""Classifiers made dense: one pass scores what a window slid over the image scores, padding aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.net import CaffeNet
from fcnkit.surgery import CastError
from fcnkit.surgery.net_casting import cast_net_back
from tests.surgery.thin import thin_net

SMALL = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 24 dim: 24 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 8 kernel_size: 5 pad: PAD weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
        convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "fc3" type: "InnerProduct" bottom: "pool2" top: "fc3"
        inner_product_param { num_output: 8 weight_filler { type: "msra" } } }
layer { name: "relu3" type: "ReLU" bottom: "fc3" top: "fc3" }
layer { name: "fc4" type: "InnerProduct" bottom: "fc3" top: "fc4"
        inner_product_param { num_output: 5 weight_filler { type: "msra" } } }
"""


def small(pad: int = 0) -> CaffeNet:
    torch.manual_seed(0)
    net = CaffeNet(prototxt.parse(SMALL.replace("PAD", str(pad)))).eval()
    return net.requires_grad_(False)


def slid(net: Callable[[Tensor], Tensor], image: Tensor, window: int, stride: int) -> Tensor:
    """The scores of every window, (1, classes, rows, columns)."""
    patches = image.unfold(2, window, stride).unfold(3, window, stride)
    rows, columns = patches.shape[2:4]
    scores = net(patches[0].permute(1, 2, 0, 3, 4).reshape(-1, 3, window, window))
    return scores.reshape(1, rows, columns, -1).permute(0, 3, 1, 2)


def test_a_net_without_padding_scores_as_its_window_does() -> None:
    net = small()
    dense = fcnkit.fc2conv(net)
    image = torch.randn(1, 3, 40, 52)
    found, expected = dense(image), slid(net, image, 24, 4)
    assert found.shape == expected.shape == (1, 5, 5, 8)
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert [layer.type for layer in net.definition().layer].count("InnerProduct") == 2  # the net itself is as it was
    assert dense.preprocessing == net.preprocessing
    assert dense is not net


@pytest.fixture(scope="module")
def vgg16() -> CaffeNet:
    """VGG16 as a classifier with a 32nd of its channels, random weights that keep the size of what goes through."""
    net = prototxt.parse(thin_net("voc-fcn32s", "deploy"))
    del net.layer[next(i for i, layer in enumerate(net.layer) if layer.name == "upscore") :]
    net.layer[0].input_param.shape[0].dim[2:] = [224, 224]
    for layer in net.layer:
        if layer.type == "Convolution":
            layer.convolution_param.weight_filler.type = "msra"
            if layer.name == "conv1_1":
                layer.convolution_param.pad[0] = 1
    torch.manual_seed(0)
    dense = CaffeNet(net)
    blobs = {name: [tensor.numpy() for tensor in tensors] for name, tensors in dense.blobs().items()}
    assert len(cast_net_back(net, blobs, layers=["fc6", "fc7", "score_fr"])) == 3
    return CaffeNet(net, blobs).eval().requires_grad_(False)


def test_padding_is_all_that_differs(vgg16: CaffeNet) -> None:
    """A crop sees zeros where the dense net sees the crop's neighbours; give it those, and it scores the same.

    VGG16's receptive field is 404 pixels, 90 more on each side than its window.
    """
    dense = fcnkit.fc2conv(vgg16).requires_grad_(False)
    image = torch.randn(1, 3, 480, 480)
    scores = dense(image)
    assert scores.shape == (1, 21, 9, 9)
    row, column = 4, 3
    top, left = 32 * row, 32 * column
    windows = []
    for margin in (0, 32, 64, 96):
        crop = image[..., top - margin : top + 224 + margin, left - margin : left + 224 + margin]
        middle = margin // 32
        found = dense(crop)[0, :, middle, middle] if margin else vgg16(crop)[0]
        windows.append(float((found - scores[0, :, row, column]).abs().max() / scores.abs().max()))
    assert windows[0] > 0.01
    assert windows[3] < 1e-5
    assert windows[0] > windows[1] > windows[2] > windows[3]


@pytest.mark.parametrize("size", [(384, 384, 6, 6), (224, 224, 1, 1), (225, 300, 2, 4)])
def test_the_sizes_of_vgg16s_scores(vgg16: CaffeNet, size: tuple[int, int, int, int]) -> None:
    """Pools round up: one pixel more than a window is a second window, cut off."""
    height, width, *expected = size
    assert fcnkit.fc2conv(vgg16)(torch.zeros(1, 3, height, width)).shape[2:] == tuple(expected)


def test_it_keeps_type_device_and_mode() -> None:
    net = small().half().train()
    dense = fcnkit.fc2conv(net)
    assert dense.conv1.weight.dtype == torch.float16
    assert dense.training
    assert torch.equal(dense.fc3.weight.flatten(1), net.fc3.weight)
    dense.fc3.weight.data.zero_()
    assert net.fc3.weight.any()


class Classifier(nn.Module):
    """torchvision's shape of a VGG or AlexNet."""

    def __init__(self, pooled: object = (3, 4), norm: bool = False):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2))
        self.avgpool = nn.AdaptiveAvgPool2d(pooled)  # type: ignore[arg-type]
        area = 1 if pooled == 1 else 12
        between = nn.BatchNorm1d(10) if norm else nn.ReLU()
        self.classifier = nn.Sequential(nn.Linear(6 * area, 10), between, nn.Dropout(), nn.Linear(10, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


@pytest.mark.parametrize("norm", [False, True])
def test_a_module_of_features_and_classifier(norm: bool) -> None:
    torch.manual_seed(0)
    net = Classifier(norm=norm)
    net(torch.randn(8, 3, 8, 10))  # some statistics to normalize by
    net.eval().requires_grad_(False)
    dense = fcnkit.fc2conv(net)
    assert not dense.training
    assert not any(isinstance(layer, nn.Linear) for layer in dense.modules())
    image = torch.randn(1, 3, 12, 18)
    found = dense(image)
    assert found.shape == (1, 4, 3, 5)
    crop = image[..., 2:10, 4:14]
    assert torch.allclose(found[..., 1, 2], net(crop), atol=1e-5)


def test_the_mean_of_dense_scores_is_the_score_behind_a_global_pool() -> None:
    """For one linear layer behind it."""
    net = Classifier(1)
    net.classifier = nn.Sequential(nn.Linear(6, 4))
    net.eval().requires_grad_(False)
    image = torch.randn(1, 3, 16, 22)
    assert torch.allclose(fcnkit.fc2conv(net)(image).mean((2, 3)), net(image), atol=1e-5)


def test_a_sequential() -> None:
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU()), nn.Flatten(), nn.Linear(6 * 10, 4, bias=False)
    ).requires_grad_(False)
    with pytest.raises(CastError, match=r"layer '2' has 60 inputs, 10 for each of the 6 channels .*; choose one"):
        fcnkit.fc2conv(net)
    dense = fcnkit.fc2conv(net, kernel=(2, 5))
    image = torch.randn(1, 3, 4, 7)
    assert torch.allclose(dense(image)[..., 0, 0], net(image), atol=1e-5)
    assert dense(torch.randn(2, 3, 9, 9)).shape == (2, 4, 6, 3)


def test_what_has_no_dense_form() -> None:
    with pytest.raises(CastError, match="a Linear is neither a CaffeNet nor a Sequential, and has no features and cl"):
        fcnkit.fc2conv(nn.Linear(3, 4))
    with pytest.raises(CastError, match="the net has no Flatten followed by a Linear to cast"):
        fcnkit.fc2conv(nn.Sequential(nn.Linear(3, 4), nn.Flatten()))
    with pytest.raises(CastError, match="no fully connected layer is called 'fc', whose kernel is given"):
        fcnkit.fc2conv(Classifier(), kernel={"fc": (1, 1)})
    with pytest.raises(CastError, match="has no fully connected layer with weights"):
        fcnkit.fc2conv(fcnkit.fc2conv(small()))


def test_a_cast_file_loads_into_the_cast_module(tmp_path: Path) -> None:
    net = Classifier().requires_grad_(False)
    torch.save(net.state_dict(), tmp_path / "vgg16.pth")
    fcnkit.fc2conv(tmp_path / "vgg16.pth", tmp_path / "vgg16-conv.pth", kernel={"classifier.0": (3, 4)})
    file, dense = torch.load(tmp_path / "vgg16-conv.pth"), fcnkit.fc2conv(net)
    state = dense.state_dict()
    assert list(state) == list(file) == list(net.state_dict())
    assert state["classifier.0.weight"].shape == (10, 6, 3, 4)
    assert all(torch.equal(tensor, file[name]) for name, tensor in state.items())
    dense.load_state_dict(file)


def test_a_nested_sequential_keeps_its_names() -> None:
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU()), nn.Flatten(), nn.Linear(60, 4))
    dense = fcnkit.fc2conv(net, kernel=(2, 5))
    assert list(dense.state_dict()) == list(net.state_dict()) == ["0.0.weight", "0.0.bias", "2.weight", "2.bias"]
