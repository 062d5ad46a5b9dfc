"""Weights with the definition of a net by name, and torchvision's classifiers in Caffe's nets.

The classifiers are built here as torchvision's vgg.py, alexnet.py and resnet.py wire them, with a fraction of their
channels; the nets have the same fraction.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.errors import FcnkitError
from fcnkit.generation.nets import generate
from fcnkit.segment.segmenter import input_from_image
from tests.surgery.test_from_torchvision import AlexNet, Vgg, assert_close, normalized, picture, trained
from tests.surgery.torchvision_states import alexnet, googlenet, resnet, vgg

MEAN = pytest.approx((103.53, 116.28, 123.675))


def thin(name: str, by: int, classes: int = 10) -> str:
    """A classifier with a fraction of its channels."""
    net = prototxt.parse(generate(name))
    layers = [layer for layer in net.layer if layer.type in ("Convolution", "InnerProduct")]
    for layer in layers:
        p = layer.convolution_param if layer.type == "Convolution" else layer.inner_product_param
        p.num_output = classes if layer is layers[-1] else p.num_output // by
    return prototxt.to_text(net)


class Bottleneck(nn.Module):
    """torchvision's: the stride is that of the 3 x 3 convolution."""

    def __init__(self, reads: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(reads, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or reads != 4 * width:
            projection = nn.Conv2d(reads, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet(nn.Module):
    """torchvision's, with a sixteenth of its channels."""

    def __init__(self, counts: tuple[int, ...]):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(3, 2, 1)
        reads = 4
        for stage, count in enumerate(counts):
            width = 4 * 2**stage
            blocks = []
            for block in range(count):
                blocks.append(Bottleneck(reads, width, 2 if stage and not block else 1))
                reads = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(reads, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.bn1(self.conv1(x)).relu())
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        found: Tensor = self.fc(x.mean((2, 3)))
        return found


def resnet_of(counts: tuple[int, ...]) -> nn.Module:
    """A ResNet with statistics and values that neither grow nor fade."""
    torch.manual_seed(0)
    model = ResNet(counts)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


MODELS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "vgg16": (lambda: trained(Vgg(16)), 32),
    "vgg19": (lambda: trained(Vgg(19)), 32),
    "torchvision-alexnet": (lambda: trained(AlexNet()), 8),
    "torchvision-resnet50": (lambda: resnet_of((3, 4, 6, 3)), 16),
    "torchvision-resnet101": (lambda: resnet_of((3, 4, 23, 3)), 16),
}


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_torchvisions_classifier_computes_the_same_in_caffes_net(name: str, tmp_path: Path) -> None:
    make, by = MODELS[name]
    model = make()
    text = thin(name, by)
    if name == "torchvision-alexnet":
        # The AlexNet built here has 64 features, not 4096 / 8.
        text = text.replace("num_output: 512", "num_output: 64")
    (tmp_path / "net.prototxt").write_text(text)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    net = fcnkit.load(tmp_path / "model.pth", tmp_path / "net.prototxt")
    assert net.preprocessing["data"].mean == MEAN
    image = picture(224, 224)
    expected = model(normalized(image)).softmax(1)
    found = net(input_from_image(image, net.preprocessing["data"]))
    assert isinstance(found, Tensor)
    assert_close(found, expected)
    # The files that it is written to have the mean too.
    fcnkit.save(net, tmp_path / "saved.caffemodel")
    again = fcnkit.load(tmp_path / "saved.caffemodel")
    assert again.preprocessing["data"].mean == MEAN
    assert_close(again(input_from_image(image, again.preprocessing["data"])), expected)


def test_a_net_by_name(tmp_path: Path) -> None:
    """A state dict with torchvision's names, and the same with Caffe's."""
    torch.manual_seed(0)
    state = alexnet(values=True)
    torch.save(dict(state), tmp_path / "alexnet.pth")
    net = fcnkit.load(tmp_path / "alexnet.pth", net="torchvision-alexnet")
    blobs = net.blobs()
    assert torch.equal(blobs["fc6"][0], state["classifier.1.weight"])
    assert torch.equal(blobs["conv2"][0], state["features.3.weight"])
    swapped = state["features.0.weight"].flip(1) / (255 * torch.tensor([0.225, 0.224, 0.229])[:, None, None])
    assert torch.allclose(blobs["conv1"][0], swapped, rtol=1e-6)
    torch.save(net.state_dict(), tmp_path / "caffes.pth")
    same = fcnkit.load(tmp_path / "caffes.pth", net="torchvision-alexnet")
    assert torch.equal(same.blobs()["conv1"][0], blobs["conv1"][0])
    # Weights under Caffe's names do not state the mean of their images.
    assert same.preprocessing["data"].mean == ()


def saved(state: dict[str, Tensor], path: Path) -> Path:
    torch.save({name: tensor.clone() for name, tensor in state.items()}, path)
    return path


@pytest.mark.parametrize(
    ("state", "net", "problem"),
    [
        (lambda: alexnet(thin=8), "alexnet", "is torchvision's AlexNet, which has other filters than Caffe's and no normalization; give the net torchvision-alexnet"),  # noqa: E501
        (lambda: alexnet(thin=8), "caffenet", "is torchvision's AlexNet, which has other filters than Caffe's and no normalization; give the net torchvision-alexnet"),  # noqa: E501
        (googlenet, "googlenet", "is torchvision's GoogLeNet, which has batch normalization and other filters than Caffe's; convert the module itself with fcnkit.from_torch"),  # noqa: E501
        (lambda: vgg(16, norm=True, thin=32), "vgg16", "is torchvision's VGG with batch normalization, and the net has none; convert the module itself with fcnkit.from_torch"),  # noqa: E501
        (lambda: resnet(50), "resnet50", "is torchvision's ResNet, whose strides are in the 3 x 3 convolutions, and the net has them in the 1 x 1; give the net torchvision-resnet50"),  # noqa: E501
        (lambda: resnet(101), "resnet101", "is torchvision's ResNet, whose strides are in the 3 x 3 convolutions, and the net has them in the 1 x 1; give the net torchvision-resnet101"),  # noqa: E501
        (lambda: vgg(16, thin=32), "vgg19", "the state dict lacks 'conv3_4.bias', 'conv3_4.weight', 'conv4_4.bias', 'conv4_4.weight', 'conv5_4.bias', ..."),  # noqa: E501
    ],
)  # fmt: skip
def test_another_architecture_is_refused(
    tmp_path: Path, state: Callable[[], dict[str, Tensor]], net: str, problem: str
) -> None:
    path = saved(state(), tmp_path / "model.pth")
    with pytest.raises(FcnkitError) as raised:
        fcnkit.load(path, net=net)
    assert str(raised.value) == f"{path}: {problem}"


def test_a_prototxt_and_a_name_contradict_each_other(tmp_path: Path) -> None:
    path = saved(vgg(16, thin=32), tmp_path / "model.pth")
    with pytest.raises(FcnkitError, match=r"^give the definition with `prototxt` or with `net`, not with both$"):
        fcnkit.load(path, path, net="vgg16")
    (tmp_path / "net.prototxt").write_text(generate("vgg16"))
    with pytest.raises(FcnkitError, match=r"is a prototxt itself; give weights in its place, or leave `net` out$"):
        fcnkit.load(tmp_path / "net.prototxt", net="vgg16")


def test_the_commands_take_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    state = alexnet(values=True)
    for tensor in state.values():
        tensor *= 0.01
    torch.save(dict(state), "alexnet.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (260, 290, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    name = "--net torchvision-alexnet"
    for line, words in {
        f"convert alexnet.pth {name} -o alexnet.caffemodel": "61,100,840 parameters",
        f"heatmap alexnet.pth photo.png {name} --class 3 -o heat.png": "probability",
        f"summary alexnet.pth {name}": "fc8",
    }.items():
        result = CliRunner().invoke(main, line.split())
        assert result.exit_code == 0, result.output
        assert words in result.output
    with Image.open("heat.png") as heat:
        assert heat.size == (290, 260)
    assert fcnkit.load("alexnet.caffemodel").preprocessing["data"].mean == MEAN
    result = CliRunner().invoke(main, ["fc2conv", "alexnet.caffemodel", "-o", "conv.caffemodel"])
    assert result.exit_code == 0, result.output
    assert "(4096, 9216) -> (4096, 256, 6, 6)" in result.output
