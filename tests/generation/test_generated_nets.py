"""Every net that the templates write runs in PyTorch, at any size, and scores as OpenCV does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.caffe.messages import TRAIN, NetParameter, NetState
from fcnkit.generation import nets as generation
from fcnkit.generation import published as zoo
from fcnkit.net import CaffeNet, conversion

OWN = [
    {"backbone": backbone, "stride": stride, "upsampling": upsampling}
    for backbone in ("vgg16", "vgg19", "alexnet", "googlenet")
    for stride in (32, 16, 8, 4)
    for upsampling in ("dense", "bilinear")
]


def thin(text: str) -> NetParameter:
    """A net with a sixteenth of its features, its classes as they are."""
    net = prototxt.parse(text)
    scored = {bottom for layer in net.layer if layer.type == "Crop" for bottom in layer.bottom}
    for layer in net.layer:
        p = layer.convolution_param
        classes = layer.name.startswith("score") or layer.type == "Deconvolution" or layer.top[0] in scored
        if layer.type == "Convolution" and not classes:
            p.num_output = max(p.num_output // 16 // p.group, 1) * p.group
    return net


@cache
def built(name: str, phase: str) -> CaffeNet:
    torch.manual_seed(0)
    definition = conversion.prepare(thin(generation.generate(name, phase)), None).definition
    return CaffeNet(definition).eval()


def inputs(net: CaffeNet, size: tuple[int, int]) -> list[torch.Tensor]:
    return [torch.zeros(1, net.shapes[name][1], *size) for name in net.inputs]


@pytest.mark.parametrize("name", zoo.PUBLISHED)
@pytest.mark.parametrize("size", [(1, 1), (31, 57), (500, 500)])
def test_published_nets_run_at_any_size(name: str, size: tuple[int, int]) -> None:
    net = built(name, "deploy")
    with torch.inference_mode():
        scores = net(*inputs(net, size))
    heads = zoo.PUBLISHED[name].net.heads
    found = [scores] if isinstance(scores, torch.Tensor) else list(scores.values())
    assert [tuple(score.shape) for score in found] == [(1, classes, *size) for classes in heads.values()]


@pytest.mark.parametrize("name", zoo.PUBLISHED)
@pytest.mark.parametrize("phase", ["train", "val"])
def test_nets_for_training_are_cut_down_to_the_same(name: str, phase: str) -> None:
    deploy, cut = built(name, "deploy"), built(name, phase)
    assert cut.inputs == deploy.inputs
    shapes, expected = ({key: t.shape for key, t in net.state_dict().items()} for net in (cut, deploy))
    assert shapes == expected
    assert [step for step in cut.definition().layer if step.type not in ("Dropout", "Input")] == [
        step for step in deploy.definition().layer if step.type != "Input"
    ]


@pytest.mark.parametrize("options", OWN, ids=lambda options: "-".join(map(str, options.values())))
def test_own_nets_run_at_any_size(options: dict) -> None:
    net = CaffeNet(thin(generation.generate("fcn", "deploy", classes=5, **options))).eval()
    for size in ((1, 1), (31, 57), (96, 33)):
        with torch.inference_mode():
            assert net(torch.zeros(1, 3, *size)).shape == (1, 5, *size)


def test_a_training_net_learns() -> None:
    """Losses of both heads, from one input, through shared features."""
    definition = thin(generation.generate("siftflow-fcn8s", "train"))
    options = conversion.NetOptions(input_shape=(1, 3, 40, 50), state=NetState(phase=TRAIN))
    net = CaffeNet(conversion.prepare(definition, None, options).definition).train()
    for name, parameter in net.named_parameters():
        torch.nn.init.normal_(parameter, std=0.05)
        assert parameter.requires_grad == ("up" not in name)
    losses = net(torch.randn(1, 3, 40, 50), torch.zeros(1, 1, 40, 50), torch.ones(1, 1, 40, 50))
    assert list(losses) == ["loss", "loss_geo"]
    sum(losses.values()).backward()
    assert net.conv1_1.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", zoo.PUBLISHED)
def test_scores_equal_opencvs(name: str, tmp_path: Path) -> None:
    net = built(name, "deploy")
    random = np.random.default_rng(0)
    blobs = {}
    for layer, tensors in net.blobs().items():
        arrays = [random.normal(0, (2 / max(t[0].numel(), 1)) ** 0.5, tuple(t.shape)) for t in tensors]
        blobs[layer] = [array.astype(np.float32) for array in arrays]
    definition = net.definition()
    size = (70, 53)
    for layer in definition.layer:
        for shape in layer.input_param.shape:
            shape.dim[2:] = size
    text, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    text.write_text(prototxt.to_text(definition))
    caffemodel.write(weights, definition, blobs)
    net = fcnkit.convert(weights)
    images = [random.normal(0, 50, net.shapes[each]).astype(np.float32) for each in net.inputs]
    other = cv2.dnn.readNetFromCaffe(str(text), str(weights))
    for each, image in zip(net.inputs, images, strict=True):
        other.setInput(image, each)
    expected = other.forward(list(net.outputs))
    with torch.inference_mode():
        scores = net(*map(torch.from_numpy, images))
    found = {net.outputs[0]: scores} if isinstance(scores, torch.Tensor) else scores
    for output, score in zip(net.outputs, expected, strict=True):
        assert found[output].shape == score.shape
        assert score.std() > 0
        assert np.abs(found[output].numpy() - score).max() <= 1e-4 * np.abs(score).max()
