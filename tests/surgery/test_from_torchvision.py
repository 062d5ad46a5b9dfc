"""Nets that start from torchvision's classifiers compute on an image what those compute on their own normalized input.

The classifiers are built here as torchvision's vgg.py and alexnet.py wire them, and images are normalized as
ToTensor and Normalize do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import FcnkitError
from fcnkit.formats.torchvision import ConversionError
from fcnkit.generation.nets import generate
from fcnkit.segment.segmenter import Segmenter, input_from_image
from fcnkit.surgery import start as starting
from fcnkit.surgery.start import start
from tests.paths import ROOT
from tests.surgery.thin import thin, thin_net
from tests.surgery.torchvision_states import VGG

MEAN = pytest.approx((103.53, 116.28, 123.675))


class Vgg(nn.Module):
    """torchvision's VGG with a fraction of its channels."""

    def __init__(self, depth: int, pad: int = 1, by: int = 32):
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, convolutions in zip([64, 128, 256, 512, 512], VGG[depth], strict=True):
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, width // by, 3, padding=1 if layers else pad), nn.ReLU(inplace=True)]
                before = width // by
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(before * 49, 4096 // by), nn.ReLU(True), nn.Dropout(),
            nn.Linear(4096 // by, 4096 // by), nn.ReLU(True), nn.Dropout(),
            nn.Linear(4096 // by, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return found


class AlexNet(nn.Module):
    """torchvision's AlexNet with an eighth of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 11, stride=4, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
            nn.Conv2d(8, 24, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
            nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(True),
            nn.Conv2d(48, 32, 3, padding=1), nn.ReLU(True),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(32 * 36, 64), nn.ReLU(True),
            nn.Dropout(), nn.Linear(64, 64), nn.ReLU(True), nn.Linear(64, 10),
        )  # fmt: skip

    forward = Vgg.forward


def trained(model: nn.Module) -> nn.Module:
    """A classifier whose values neither grow nor fade on their way."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.1)
    return model.eval()


def normalized(image: Image.Image) -> Tensor:
    """ToTensor, then Normalize with the mean and the deviation of ImageNet."""
    values = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((values - mean[:, None, None]) / deviation[:, None, None])[None]


def picture(width: int, height: int) -> Image.Image:
    """A picture with a bright border, so that a wrong value of its padding shows."""
    image = Image.open(ROOT / "examples" / "image0.png").convert("RGB").resize((width, height))
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def classifier_net(text: str, last: str, pad: int = 1) -> str:
    """A net up to its last features, with the pad of the classifier's first convolution."""
    net = prototxt.parse(text)
    names = [layer.name for layer in net.layer]
    del net.layer[names.index(last) + 1 :]
    first = next(layer for layer in net.layer if layer.name == "conv1_1")
    first.convolution_param.pad[0] = pad
    return prototxt.to_text(net)


def assert_close(found: Tensor, expected: Tensor) -> None:
    """float32 of another order of sums; the borders count as the rest."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 2e-5 * expected.abs().max()


@torch.no_grad()
def blobs_of(net: fcnkit.CaffeNet, image: Image.Image) -> dict[str, Tensor]:
    return net.forward_blobs(input_from_image(image, net.preprocessing["data"]))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "generate", lambda net: thin(generate(net)))


@pytest.mark.parametrize("depth", [16, 19])
def test_a_vgg_without_other_padding_is_the_classifier(tmp_path: Path, depth: int) -> None:
    model = trained(Vgg(depth))
    torch.save(model.state_dict(), tmp_path / "vgg.pth")
    text = classifier_net(thin_net(backbone=f"vgg{depth}"), "relu7")
    (tmp_path / "net.prototxt").write_text(text)
    net = start(tmp_path / "net.prototxt", tmp_path / "vgg.pth").net
    image = picture(224, 224)
    with torch.no_grad():
        features = model.features(normalized(image))
        hidden = model.classifier[:6](features.flatten(1))
        found = blobs_of(net, image)
    assert_close(found["pool5"], features)
    assert_close(found["fc7"][..., 0, 0], hidden)


@pytest.mark.parametrize(("name", "depth"), [("voc-fcn32s", 16), ("siftflow-fcn8s", 16), ("fcn", 19)])
def test_a_padded_net_is_the_classifier_with_that_pad(tmp_path: Path, published: None, name: str, depth: int) -> None:
    """The zeros around the image are those around torchvision's normalized input."""
    model = trained(Vgg(depth, pad=100))
    torch.save({"state_dict": model.state_dict()}, tmp_path / "vgg.pth")
    started = start(name, tmp_path / "vgg.pth", **({"backbone": "vgg19"} if depth == 19 else {}))
    image = picture(122, 90)
    with torch.no_grad():
        features = model.features(normalized(image))
    assert features.shape[2:] == (9, 10)
    assert_close(blobs_of(started.net, image)["pool5"], features)
    assert started.net.preprocessing["data"] == Preprocessing("BGR", mean=MEAN, source="torchvision's mean times 255")


def test_a_net_over_other_classes_states_the_mean_of_its_filters(tmp_path: Path, published: None) -> None:
    torch.save(trained(Vgg(16, pad=100)).state_dict(), tmp_path / "vgg.pth")
    net = start("fcn", tmp_path / "vgg.pth", classes=4).net
    assert net.preprocessing["data"] == Preprocessing("BGR", mean=MEAN, source="torchvision's mean times 255")
    assert Segmenter(net).preprocessing.mean == MEAN


@pytest.mark.parametrize("suffix", ["safetensors", "caffemodel"])
def test_files_keep_the_mean_and_finer_nets_inherit_it(tmp_path: Path, published: None, suffix: str) -> None:
    model = trained(Vgg(16, pad=100))
    torch.save(model.state_dict(), tmp_path / "vgg.pth")
    fcnkit.save(start("voc-fcn32s", tmp_path / "vgg.pth").net, tmp_path / f"net.{suffix}")
    net = fcnkit.load(tmp_path / f"net.{suffix}")
    finer = start("voc-fcn16s", tmp_path / f"net.{suffix}")
    finest = start("voc-fcn8s", tmp_path / f"net.{suffix}", new=["conv1_1"])
    image = picture(58, 58)
    for each in (net, finer.net):
        assert each.preprocessing["data"].mean == MEAN
        with torch.no_grad():
            assert_close(blobs_of(each, image)["pool5"], model.features(normalized(image)))
    assert finer.notes == [
        "data is read minus 103.53, 116.28, 123.675, as the weights state in conv1_1;"
        " a data layer that trains the net must subtract this"
    ]
    assert finer.rows[0].what == "copied"
    assert finest.net.preprocessing["data"].mean == (104.00699, 116.66877, 122.67892)


def test_alexnet(tmp_path: Path) -> None:
    model = trained(AlexNet())
    torch.save(model.state_dict(), tmp_path / "alexnet.pth")
    text = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 227, 227] } } }'
    bottom = "data"
    for number, (width, kernel, pad, stride, pool) in enumerate(
        [(8, 11, 2, 4, True), (24, 5, 2, 1, True), (48, 3, 1, 1, False), (32, 3, 1, 1, False), (32, 3, 1, 1, True)], 1
    ):
        text += f"""
            layer {{ name: "conv{number}" type: "Convolution" bottom: "{bottom}" top: "conv{number}"
                     convolution_param {{ num_output: {width} kernel_size: {kernel} pad: {pad} stride: {stride} }} }}
            layer {{ name: "relu{number}" type: "ReLU" bottom: "conv{number}" top: "conv{number}" }}
        """
        bottom = f"conv{number}"
        if pool:
            text += f'layer {{ name: "pool{number}" type: "Pooling" bottom: "{bottom}" top: "pool{number}"'
            text += " pooling_param { kernel_size: 3 stride: 2 } }"
            bottom = f"pool{number}"
    text += """
        layer { name: "fc6" type: "Convolution" bottom: "pool5" top: "fc6"
                convolution_param { num_output: 64 kernel_size: 6 } }
    """
    (tmp_path / "net.prototxt").write_text(text)
    started = start(tmp_path / "net.prototxt", tmp_path / "alexnet.pth")
    image = picture(255, 255)  # its pools end at the last pixel, where Caffe's and torch's sizes agree
    with torch.no_grad():
        features = model.features(normalized(image))
    assert_close(blobs_of(started.net, image)["pool5"], features)
    assert started.rows[0][:2] == ("conv1", "converted")


def test_a_scale_of_the_data_layer_is_kept(tmp_path: Path) -> None:
    """Its mean is replaced, and the filters undo its scale, so that the net still trains on such values."""
    model = trained(Vgg(16))
    torch.save(model.state_dict(), tmp_path / "vgg.pth")
    data = 'layer { name: "d" type: "Data" top: "data" transform_param { scale: 0.0078125 mean_value: 127.5 } }'
    text = classifier_net(thin_net(), "pool5")
    text = data + text[text.index("layer {", 1) :]
    (tmp_path / "net.prototxt").write_text(text)
    started = start(tmp_path / "net.prototxt", tmp_path / "vgg.pth", input_shape=(1, 3, 64, 96))
    net = started.net
    assert (net.preprocessing["data"].scale, net.preprocessing["data"].mean) == (0.0078125, MEAN)
    image = picture(96, 64)
    with torch.no_grad():
        assert_close(blobs_of(net, image)["pool5"], model.features(normalized(image)))
    fcnkit.save(net, tmp_path / "net.caffemodel")
    again = fcnkit.load(tmp_path / "net.caffemodel").preprocessing["data"]
    assert (again.scale, again.mean) == (0.0078125, MEAN)


def test_early_fusion_reads_colour_as_the_classifier_does(tmp_path: Path, published: None) -> None:
    """At a depth of zero, the mean that is taken off it, the net is the classifier."""
    model = trained(Vgg(16, pad=100))
    torch.save(model.state_dict(), tmp_path / "vgg.pth")
    net = start("nyud-fcn32s-color-d", tmp_path / "vgg.pth").net
    assert net.preprocessing["color"].mean == MEAN
    assert net.preprocessing["depth"].mean == ()
    image = picture(58, 90)
    color = input_from_image(image, net.preprocessing["color"])
    with torch.no_grad():
        found = net.forward_blobs(color=color, depth=torch.zeros(1, 1, 90, 58))["pool5"]
        assert_close(found, model.features(normalized(image)))
    filters = net.conv1_1_bgrd.weight
    assert torch.allclose(filters[:, 3], filters[:, :3].mean(1))


def test_late_fusion_reads_each_stream_by_its_own_source(tmp_path: Path, published: None) -> None:
    model = trained(Vgg(16, pad=100))
    torch.save(model.state_dict(), tmp_path / "vgg.pth")
    other = start("nyud-fcn32s-hha", tmp_path / "vgg.pth").net
    fcnkit.save(other, tmp_path / "hha.pth")
    started = start("nyud-fcn32s-color-hha", {"color": tmp_path / "vgg.pth", "hha": tmp_path / "hha.pth"})
    means = {name: each.mean for name, each in started.net.preprocessing.items()}
    assert means == {"color": MEAN, "hha": fcnkit.convert(None, prototxt=hha(tmp_path)).preprocessing["data"].mean}
    assert len(started.notes) == 1
    image = picture(58, 58)
    both = start("nyud-fcn32s-color-hha", tmp_path / "vgg.pth")
    assert {each.mean == MEAN for each in both.net.preprocessing.values()} == {True}
    for net in (started.net, both.net):
        x = input_from_image(image, net.preprocessing["color"])
        with torch.no_grad():
            assert_close(net.forward_blobs(x, x)["pool5color"], model.features(normalized(image)))


def hha(folder: Path) -> Path:
    (folder / "hha.prototxt").write_text(thin_net("nyud-fcn32s-hha", "deploy"))
    return folder / "hha.prototxt"


def test_a_first_layer_that_starts_anew_leaves_the_mean(tmp_path: Path, published: None) -> None:
    torch.save(trained(Vgg(16)).state_dict(), tmp_path / "vgg.pth")
    started = start("voc-fcn32s", tmp_path / "vgg.pth", new=["conv1_1"])
    assert started.net.preprocessing["data"].mean == (104.00699, 116.66877, 122.67892)
    assert started.notes == []


POWER = 'layer { name: "shift" type: "Power" bottom: "data" top: "data" power_param { shift: -1 } }'


@pytest.mark.parametrize(
    ("before", "change", "message"),
    [
        (
            POWER,
            lambda state: None,
            r"vgg.pth: layer 'conv1_1' reads 'data', which is not an image of 3 channels, .*`new`",
        ),
        (
            "",
            lambda state: state.update({"features.0.weight": state["features.0.weight"][:, :1]}),
            r"vgg.pth: 'features.0.weight' has shape \(2, 1, 3, 3\); torchvision's filters read 3 channels",
        ),
        (
            "",
            lambda state: state["classifier.3.bias"].fill_(torch.nan),
            "vgg.pth: 'classifier.3.bias' has values that are not numbers, as in torchvision's IMAGENET1K_FEATURES",
        ),
    ],
)
def test_classifiers_that_cannot_be_converted(
    tmp_path: Path, before: str, change: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    state = dict(trained(Vgg(16)).state_dict())
    change(state)
    torch.save(state, tmp_path / "vgg.pth")
    text = classifier_net(thin_net(phase="deploy"), "relu7")
    at = text.index("layer {", 1)
    (tmp_path / "net.prototxt").write_text(text[:at] + before + "\n" + text[at:])
    with pytest.raises(ConversionError, match=message):
        start(tmp_path / "net.prototxt", tmp_path / "vgg.pth")
    assert issubclass(ConversionError, FcnkitError)
