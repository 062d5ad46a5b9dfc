"""Starting FCNs from classifiers and from each other: what becomes of each layer, and what the nets then compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.generation.nets import generate
from fcnkit.layers.fillers import bilinear_kernel
from fcnkit.surgery import start as starting
from fcnkit.surgery.start import Start, start
from fcnkit.surgery.transplant import TransplantError, regroup, score_layers
from tests.surgery.thin import thin, thin_net
from tests.surgery.torchvision_states import vgg


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A thin VGG16 of torchvision's, with values that neither grow nor fade on their way."""
    torch.manual_seed(0)
    found = {}
    for name, tensor in vgg(16, thin=32, classes=6, values=True).items():
        fan = tensor[0].numel() if tensor.dim() > 1 else 100
        found[name] = tensor * (2 / fan) ** 0.5
    torch.save(found, tmp_path / "vgg16.pth")
    return tmp_path / "vgg16.pth"


@pytest.fixture
def begin(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Start]:
    """start, with thin nets in place of the published ones."""
    monkeypatch.setattr(starting, "generate", lambda net: thin(generate(net)))
    return lambda net, weights=state, **options: start(net, weights, **options)


def kinds(started: Start) -> dict[str, str]:
    return {row.layer: row.what for row in started.rows}


def test_32s_from_a_classifier(begin: Callable[..., Start], state: Path) -> None:
    started = begin("voc-fcn32s")
    rows = {row.layer: row for row in started.rows}
    convolutions = [name for name in rows if name.startswith("conv")]
    assert len(convolutions) == 13
    assert {rows[name].what for name in convolutions[1:]} == {"copied"}
    assert rows["conv1_1"][1:] == ("converted", (2, 3, 3, 3), (2, 3, 3, 3), "RGB to BGR 0..255")
    assert rows["fc6"][1:] == ("cast", (128, 784), (128, 16, 7, 7), "")
    assert rows["fc7"][1:] == ("cast", (128, 128), (128, 128, 1, 1), "")
    assert rows["score_fr"][1:] == ("new", None, (21, 128, 1, 1), "zero")
    assert rows["upscore"][1:] == ("new", None, (21, 21, 64, 64), "bilinear")
    assert rows["fc8"][1:] == ("dropped", (6, 128), None, "")
    assert started.notes == [
        "data is read minus 103.53, 116.28, 123.675, as torchvision's filters expect in conv1_1;"
        " a data layer that trains the net must subtract this"
    ]
    kernel = bilinear_kernel(64)
    weight = started.net.upscore.weight
    assert torch.equal(weight[3, 3], kernel)
    assert weight.sum() == 21 * kernel.sum()
    stored = torch.load(state)
    assert torch.equal(started.net.conv5_3.weight, stored["features.28.weight"])
    assert torch.equal(started.net.fc6.weight.flatten(1), stored["classifier.0.weight"])


def test_32s_scores_as_its_classifier_does(begin: Callable[..., Start], state: Path) -> None:
    """With the classifier's last layer in place of the zero scores, at an image that its padding makes one window."""
    net = begin("fcn", classes=6).net
    stored = torch.load(state)
    net.score_fr.weight.data = stored["classifier.6.weight"].reshape(6, 128, 1, 1)
    net.score_fr.bias.data = stored["classifier.6.bias"]
    # The net pads images by 100: the classifier sees the padded image, without the padding of its own first layer.
    x = torch.randn(1, 3, 26, 26)
    pixels = x.flip(1) * 255 * torch.tensor([0.225, 0.224, 0.229])[:, None, None]
    features, layers = nn.functional.pad(x, (100,) * 4), list(stored)
    for name in layers[:26:2]:
        bias = stored[name.replace("weight", "bias")]
        features = nn.functional.conv2d(features, stored[name], bias, padding=int(name != "features.0.weight")).relu()
        if int(name.split(".")[1]) in (2, 7, 14, 21, 28):
            features = nn.functional.max_pool2d(features, 2)
    hidden = features.flatten(1)
    for index in (0, 3, 6):
        hidden = nn.functional.linear(hidden, stored[f"classifier.{index}.weight"], stored[f"classifier.{index}.bias"])
        hidden = hidden.relu() if index < 6 else hidden
    with torch.no_grad():
        found = net.forward_blobs(pixels)["score_fr"]
    assert found.shape == (1, 6, 1, 1)
    assert torch.allclose(found[..., 0, 0], hidden, rtol=1e-4, atol=1e-6)


def twice(values: Tensor, *factors: int) -> Tensor:
    """Interpolated bilinearly, one factor after the other."""
    for factor in factors:
        values = nn.functional.interpolate(values, scale_factor=factor, mode="bilinear", align_corners=False)
    return values


def test_the_chain_from_32s_to_8s(begin: Callable[..., Start], tmp_path: Path) -> None:
    """16s and 8s right after the start upsample the scores of 32s in steps: their own skips add zero."""
    first = begin("voc-fcn32s").net
    torch.manual_seed(1)
    first.score_fr.weight.data.normal_()
    first.score_fr.bias.data.normal_()
    fcnkit.save(first, tmp_path / "32s.caffemodel")
    second = begin("voc-fcn16s", tmp_path / "32s.caffemodel")
    assert {name: kind for name, kind in kinds(second).items() if kind != "copied"} == {
        "upscore2": "new",
        "score_pool4": "new",
        "upscore16": "new",
        "upscore": "dropped",
    }
    fcnkit.save(second.net, tmp_path / "16s.safetensors")
    third = begin("voc-fcn8s", tmp_path / "16s.safetensors")
    assert {name: kind for name, kind in kinds(third).items() if kind != "copied"} == {
        "upscore_pool4": "new",
        "score_pool3": "new",
        "upscore8": "new",
        "upscore16": "dropped",
    }
    x = torch.randn(1, 3, 250, 250) * 50
    with torch.no_grad():
        blobs = first.forward_blobs(x)
        scores = blobs["score_fr"]
        # A deconvolution without pad starts half a kernel outside, each step anew; crops take the rest.
        for net, factors, shift in [
            (first, (32,), 19 - 16),
            (second.net, (2, 16), 27 - 8 - 16),
            (third.net, (2, 2, 8), 31 - 4 - 8 - 16),
        ]:
            found = net(x)
            expected = twice(scores, *factors)[..., shift : shift + 250, shift : shift + 250]
            inside = (..., slice(48, 202), slice(48, 202))  # where no step has felt the map's edge
            assert torch.allclose(found[inside], expected[inside], rtol=1e-4, atol=1e-4), factors
        # Two steps round the corners that one step has, and are nowhere further off than the scores' own bends.
        coarse, fine = first(x)[inside], second.net(x)[inside]
    assert not torch.equal(coarse, fine)
    assert (coarse - fine).abs().max() < 0.25 * (scores.max() - scores.min())


def test_steps_agree_where_scores_are_linear(begin: Callable[..., Start]) -> None:
    """A plane has no bends, so that one step of 32 and steps of 2 and 16 give the same plane."""
    down, across = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    plane = (2 * down - across + 3)[None, None]
    assert torch.allclose(twice(plane, 32)[..., 32:-32, 32:-32], twice(plane, 2, 16)[..., 32:-32, 32:-32], atol=1e-4)


def test_other_class_counts(begin: Callable[..., Start], tmp_path: Path) -> None:
    first = begin("voc-fcn32s").net
    first.score_fr.weight.data.normal_()
    first.score_fr.bias.data.normal_()
    fcnkit.save(first, tmp_path / "32s.pth")
    plain = begin("pascalcontext-fcn32s", tmp_path / "32s.pth")
    rows = {row.layer: row for row in plain.rows}
    assert rows["score_fr"].what == "new"
    assert not plain.net.score_fr.weight.any()
    assert rows["score_fr"].note == "zero; other classes; `expand_score` keeps those that both nets have"
    more = begin("pascalcontext-fcn32s", tmp_path / "32s.pth", expand_score=True)
    rows = {row.layer: row for row in more.rows}
    assert rows["score_fr"][1:] == ("expanded", (21, 128, 1, 1), (60, 128, 1, 1), "21 of 21 classes")
    assert rows["upscore"][1:] == ("new", (21, 21, 64, 64), (60, 60, 64, 64), "bilinear")
    assert torch.equal(more.net.score_fr.weight[:21], first.score_fr.weight)
    assert torch.equal(more.net.score_fr.bias[:21], first.score_fr.bias)
    assert not more.net.score_fr.weight[21:].any()
    assert not more.net.score_fr.bias[21:].any()
    fewer = begin("fcn", tmp_path / "32s.pth", expand_score=True, classes=4)
    assert torch.equal(fewer.net.score_fr.weight, first.score_fr.weight[:4])


def test_dense_kernels_and_groups(begin: Callable[..., Start], tmp_path: Path) -> None:
    """voc-fcn16s's upscore2 is dense, and so is the same layer of the other net but for its groups."""
    text = thin_net("voc-fcn16s")
    (tmp_path / "grouped.prototxt").write_text(text.replace("kernel_size: 4\n", "kernel_size: 4\n    group: 21\n"))
    first = begin("voc-fcn16s").net
    first.upscore2.weight.data[torch.arange(21), torch.arange(21)] *= torch.rand(21, 1, 1)
    fcnkit.save(first, tmp_path / "dense.pth")
    second = begin(tmp_path / "grouped.prototxt", tmp_path / "dense.pth")
    row = next(row for row in second.rows if row.layer == "upscore2")
    assert row[1:] == ("converted", (21, 21, 4, 4), (21, 1, 4, 4), "to groups")
    x = torch.randn(1, 21, 5, 6)
    assert torch.allclose(first.upscore2(x), second.net.upscore2(x), atol=1e-6)
    fcnkit.save(second.net, tmp_path / "grouped.pth")
    third = begin("voc-fcn16s", tmp_path / "grouped.pth")
    row = next(row for row in third.rows if row.layer == "upscore2")
    assert row.what == "converted"
    assert row.note == "to dense"
    assert torch.equal(third.net.upscore2.weight, first.upscore2.weight)
    first.upscore2.weight.data[0, 1] = 1
    fcnkit.save(first, tmp_path / "mixed.pth")
    message = (
        r"mixed.pth: layer 'upscore2': blob 0 has shape \(21, 21, 4, 4\), the net's is \(21, 1, 4, 4\); "
        "its filters mix channels, which groups cannot; start it anew with `new`"
    )
    with pytest.raises(TransplantError, match=message):
        begin(tmp_path / "grouped.prototxt", tmp_path / "mixed.pth")
    fresh = begin(tmp_path / "grouped.prototxt", tmp_path / "mixed.pth", new=["upscore2"])
    assert kinds(fresh)["upscore2"] == "new"
    assert torch.equal(fresh.net.upscore2.weight[0, 0], bilinear_kernel(4))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("given", "group"), [(1, 2), (2, 1), (4, 2), (2, 4)])
def test_regrouped_filters_compute_the_same(given: int, group: int, transposed: bool) -> None:
    """Of a Convolution and of a Deconvolution, with 8 channels in and 12 out."""
    module = nn.ConvTranspose2d if transposed else nn.Conv2d
    finest = module(8, 12, (3, 2), groups=4, bias=False)
    before = module(8, 12, (3, 2), groups=given, bias=False)
    after = module(8, 12, (3, 2), groups=group, bias=False)
    filters = regroup(finest.weight.detach(), before.weight.shape, given)
    assert filters is not None
    before.weight.data = filters
    regrouped = regroup(filters, after.weight.shape, group)
    assert regrouped is not None
    after.weight.data = regrouped
    x = torch.randn(1, 8, 6, 7)
    assert torch.allclose(after(x), before(x), atol=1e-6)
    assert torch.allclose(after(x), finest(x), atol=1e-6)
    assert regroup(torch.ones(12, 8, 3, 2), (12, 4, 3, 2), 2) is None
    assert regroup(torch.ones(12, 3, 3, 2), (12, 4, 3, 2), 2) is None


def test_a_kernel_that_was_never_set_becomes_bilinear(begin: Callable[..., Start], tmp_path: Path) -> None:
    first = begin("voc-fcn32s").net
    first.upscore.weight.data.zero_()
    fcnkit.save(first, tmp_path / "32s.pth")
    row = next(row for row in begin("voc-fcn32s", tmp_path / "32s.pth").rows if row.layer == "upscore")
    assert row.what == "new"
    assert row.note == "bilinear; the source's is zero"


def test_early_fusion(begin: Callable[..., Start], state: Path) -> None:
    started = begin("nyud-fcn32s-color-d")
    row = started.rows[0]
    assert row[:2] == ("conv1_1_bgrd", "expanded")
    assert row.note == "RGB to BGR 0..255; from conv1_1; 1 channel the mean of the others"
    assert "conv1_1" not in kinds(started)
    assert started.net.inputs == ("color", "depth")


def test_late_fusion(begin: Callable[..., Start], tmp_path: Path) -> None:
    """Both streams from one source, or each from its own."""
    started = begin("nyud-fcn32s-color-hha")
    assert torch.equal(started.net.conv3_2color.weight, started.net.conv3_2hha.weight)
    assert kinds(started)["score_frcolor"] == "new"
    sources = {}
    for name, stream in [("nyud-fcn32s-color", "color"), ("nyud-fcn32s-hha", "hha")]:
        net = begin(name).net
        for parameter in net.parameters():
            parameter.data.add_(torch.rand_like(parameter))
        sources[stream] = tmp_path / f"{stream}.pth"
        fcnkit.save(net, sources[stream])
    started = begin("nyud-fcn32s-color-hha", sources)
    color, hha = (torch.load(sources[stream]) for stream in ("color", "hha"))
    assert torch.equal(started.net.fc6color.weight, color["fc6.weight"])
    assert torch.equal(started.net.score_frhha.bias, hha["score_fr.bias"])
    assert kinds(started)["score_frhha"] == "copied"
    assert [row.layer for row in started.rows if row.what == "dropped"] == ["upscore"]  # of the second source
    with pytest.raises(TransplantError, match="weights are given for 'depth', but the net's inputs are 'color', 'hha'"):
        begin("nyud-fcn32s-color-hha", {"depth": sources["color"]})


def test_at_once_scales_as_published(begin: Callable[..., Start]) -> None:
    started = begin("voc-fcn8s-atonce")
    rows = {row.layer: row for row in started.rows}
    assert rows["scale_pool4"].note == "0.01"
    assert rows["scale_pool3"].note == "0.0001"
    assert started.net.scale_pool4.weight.tolist() == pytest.approx([0.01] * 16)


def test_from_a_caffemodel_of_old_shapes(begin: Callable[..., Start], tmp_path: Path) -> None:
    """Four axes for everything, as Caffe wrote them until 2015; a bias too many is dropped, one too few stays."""
    random = np.random.default_rng(0)
    shapes = {
        "conv1_1": [(2, 3, 3, 3), (1, 1, 1, 2), (1, 1, 1, 2)],
        "conv1_2": [(2, 2, 3, 3)],
        "fc6": [(1, 1, 128, 784), (1, 1, 1, 128)],
        "fc8": [(1, 1, 6, 128)],
    }
    blobs = {name: [random.standard_normal(s, np.float32) for s in found] for name, found in shapes.items()}
    text = "".join(f'layer {{ name: "{name}" type: "InnerProduct" bottom: "data" top: "{name}" }}' for name in shapes)
    caffemodel.write(tmp_path / "old.caffemodel", prototxt.parse(text), blobs)
    started = begin("voc-fcn32s", tmp_path / "old.caffemodel")
    rows = {row.layer: row for row in started.rows}
    assert rows["conv1_1"][1:] == ("copied", (2, 3, 3, 3), (2, 3, 3, 3), "1 blobs dropped")
    assert rows["conv1_2"].note == "1 blobs new"
    assert rows["fc6"][1:] == ("cast", (1, 1, 128, 784), (128, 16, 7, 7), "")
    assert np.array_equal(started.net.fc6.weight.detach().numpy().ravel(), blobs["fc6"][0].ravel())
    assert np.array_equal(started.net.fc6.bias.detach().numpy(), blobs["fc6"][1].ravel())


def test_what_does_not_fit(begin: Callable[..., Start], tmp_path: Path) -> None:
    torch.save({"conv1_1.weight": torch.ones(4, 3, 3, 3)}, tmp_path / "wide.pth")
    message = (
        r"wide.pth: layer 'conv1_1': blob 0 has shape \(4, 3, 3, 3\), the net's is \(2, 3, 3, 3\); "
        "start it anew with `new`"
    )
    with pytest.raises(TransplantError, match=message):
        begin("voc-fcn32s", tmp_path / "wide.pth")
    with pytest.raises(TransplantError, match="the net has no layer 'relu6' with weights to start anew"):
        begin("voc-fcn32s", tmp_path / "wide.pth", new=["conv1_1", "relu6"])
    torch.save(dict(vgg(16, norm=True, thin=32, values=True)), tmp_path / "bn.pth")
    with pytest.raises(TransplantError, match=r"bn.pth: has batch normalization, such as 'bn1_1', which the net"):
        begin("voc-fcn32s", tmp_path / "bn.pth")
    with pytest.raises(fcnkit.FcnkitError, match=r"weights.zip: cannot be read: No such file"):
        begin("voc-fcn32s", tmp_path / "weights.zip")
    with pytest.raises(fcnkit.FcnkitError, match=r"none.prototxt: cannot be read"):
        begin(tmp_path / "none.prototxt")


def test_score_layers() -> None:
    def found(text: str) -> set[str]:
        return score_layers(prototxt.parse(text))

    assert found(generate("voc-fcn8s", "deploy")) == {"score_fr", "score_pool4", "score_pool3"}
    assert found(generate("siftflow-fcn32s", "deploy")) == {"score_fr_sem", "score_fr_geo"}
    assert found(generate("nyud-fcn32s-color-hha", "deploy")) == {"score_frcolor", "score_frhha"}
    in_place = """
        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" }
        layer { name: "prob" type: "Softmax" bottom: "fc" top: "fc" }
    """
    assert found(in_place) == {"fc"}
