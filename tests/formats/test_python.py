"""Nets as Python source: what every golden net's file computes, how it reads, and that it needs torch alone."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

import fcnkit
from fcnkit.errors import OutputError
from fcnkit.formats.python_construction import construction
from fcnkit.nn import (
    activation,
    affine,
    captioning,
    cascade,
    clustering,
    combine,
    convlstm,
    detection,
    dropout,
    linear,
    loss,
    multibox,
    normalization,
    pooling,
    priors,
    proposals,
    recurrent,
    reduction,
    regions,
    resizing,
    routing,
    scanning,
    scripted,
    shape,
    shuffling,
    source,
    transformer,
    yolo,
)
from tests.paths import LAYERS

CASES = sorted(path.name for path in LAYERS.iterdir())


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_net(path: Path) -> nn.Module:
    """The net of a written file, built with no arguments."""
    module = imported(path)
    net: nn.Module = list(vars(module).values())[-1]()
    return net


def lint(*arguments: str | Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check"], ["check", "--select", "B,E,F,I,UP,W"]):
        done = subprocess.run(
            [*ruff, *command, "--isolated", "--line-length", "120", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source and the weights of every golden net."""
    folder = tmp_path_factory.mktemp("python")
    for index, case in enumerate(CASES):
        weights = LAYERS / case / "net.caffemodel"
        net = fcnkit.convert(
            weights if weights.exists() else None, prototxt=LAYERS / case / "net.prototxt", deploy=False
        )
        fcnkit.save(net, folder / f"{case}.py", folder / f"{case}{['.safetensors', '.pth'][index % 2]}")
    return folder


@pytest.mark.parametrize("case", CASES)
def test_the_source_computes_what_caffe_computed(case: str, written: Path) -> None:
    net = own_net(written / f"{case}.py")
    weights = LAYERS / case / "net.caffemodel"
    original = fcnkit.convert(
        weights if weights.exists() else None, prototxt=LAYERS / case / "net.prototxt", deploy=False
    )
    with np.load(LAYERS / case / "blobs.npz") as golden:
        inputs = [torch.from_numpy(golden[f"in/{name}"]) for name in original.inputs]
    with torch.no_grad():
        expected, found = original(*inputs), net(*inputs)
    if isinstance(expected, torch.Tensor):
        expected, found = {"": expected}, {"": found}
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name])


def test_the_source_is_formatted_and_lint_clean(written: Path) -> None:
    lint(written)


# Thin, for speed; the published wiring.
NETS = ["voc-fcn8s", "voc-fcn8s-atonce", "voc-fcn-alexnet"]


@pytest.mark.parametrize("name", NETS)
def test_fcns_run_where_fcnkit_is_not(name: str, tmp_path: Path) -> None:
    prototxt = tmp_path / "deploy.prototxt"
    prototxt.write_text(thin(fcnkit.generate(name, "deploy")))
    torch.manual_seed(0)
    net = fcnkit.convert(None, prototxt=prototxt)
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(0, (2 / max(weight[0].numel(), 1)) ** 0.5 if weight.dim() > 1 else 0.1)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    fcnkit.save(net, folder / "net.py", folder / "net.pth")
    lint(folder)
    image = torch.randn(1, 3, 83, 131)
    with torch.no_grad():
        torch.save({"image": image, "scores": net(image)}, folder / "expected.pt")
    code = (
        "import sys; sys.modules.update(fcnkit=None, safetensors=None, numpy=None, google=None)\n"
        "import torch, net\n"
        "expected = torch.load('expected.pt')\n"
        "model = [value for value in vars(net).values() if isinstance(value, type)][-1]()\n"
        "with torch.no_grad(): assert torch.equal(model(expected['image']), expected['scores'])\n"
        "assert expected['scores'].std() > 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore:Failed to initialize NumPy", "-c", code], cwd=folder, check=True)


def thin(text: str) -> str:
    """A net's prototxt at a sixteenth of its width; the classes stay."""
    return re.sub(
        r"num_output: (\d+)", lambda m: f"num_output: {int(m[1]) // 16 if int(m[1]) % 16 == 0 else m[1]}", text
    )


def test_the_docstring_says_where_the_net_comes_from(sample: Path, tmp_path: Path) -> None:
    fcnkit.save(fcnkit.convert(sample), tmp_path / "net.py")
    assert (
        (tmp_path / "net.py")
        .read_text()
        .startswith('''\
"""ShapesFcn8s, the Caffe net 'shapes-fcn8s'.

Written by fcnkit from shapes-fcn8s.caffemodel
(SHA-256 e8353d24d749793bc7b6a88f4b421515f7af18a7d27f3959b6c2216a38e178bc).

Input data: (1, 3, 500, 500) (BGR, 0..255, minus 104.007, 116.669, 122.679; data layer 'data').
Output score: (1, 4, 500, 500).

ShapesFcn8s() has the weights of the .safetensors or .pth file of the same name beside this file.
"""
''')
    )
    with pytest.warns(UserWarning, match=r"there is no net.safetensors or .pth: the weights are random"):
        assert not own_net(tmp_path / "net.py").training


HOSTILE = r"""
name: "quote\"\"\" \\N nn" input: "in put" input_dim: [1, 2, 5, 5]
layer { name: "a/b" type: "Convolution" bottom: "in put" top: "l" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "forward" type: "PReLU" bottom: "l" top: "self" }
layer { name: "a b" type: "PReLU" bottom: "self" top: "lambda" }
layer { name: "3x3.q" type: "PReLU" bottom: "lambda" top: "1\"x'" param { lr_mult: 0 } }
layer { name: "__p" type: "PReLU" bottom: "lambda" top: "\\" }
layer { name: "\351\225\277" type: "ReLU" bottom: "\\" top: "\\" }
"""


def test_names_of_any_kind(tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(HOSTILE)
    for suffix in (".safetensors", ".pth"):
        fcnkit.save(net, tmp_path / f"net{suffix}", tmp_path / "net.py")
        lint(tmp_path / "net.py")
        image = torch.randn(1, 2, 5, 5)
        again = own_net(tmp_path / "net.py")
        found, expected = again(image), net(image)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in found)
        assert sorted(weight.requires_grad for weight in again.parameters()) == [False] + [True] * 5
        (tmp_path / f"net{suffix}").unlink()


def test_long_lines_are_broken(tmp_path: Path) -> None:
    names = [f"branch_number_{i}_of_a_very_wide_module" for i in range(9)]
    text = 'input: "x" input_dim: [1, 2, 3, 3]'
    text += "".join(f'layer {{ name: "{name}" type: "Power" bottom: "x" top: "{name}" }}' for name in names)
    for count in (4, 9):
        bottoms = " ".join(f'bottom: "{name}"' for name in names[:count])
        text += f'layer {{ name: "cat{count}" type: "Concat" {bottoms} top: "a_concatenation_of_{count}_branches" }}'
    text += "".join(f'layer {{ name: "{n}2" type: "ReLU" bottom: "{n}" top: "{n}_rectified" }}' for n in names)
    net = fcnkit.CaffeNet(text)
    fcnkit.save(net, tmp_path / "net.py", tmp_path / "net.pth")
    lint(tmp_path / "net.py")
    assert own_net(tmp_path / "net.py")(torch.zeros(1, 2, 3, 3)).keys() == set(net.outputs)


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        ('type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 } data_filler { type: "uniform" } }',
         r"\(DummyData\) cannot be written as Python: its values are random"),
        ('type: "InnerProduct" bottom: "x" top: "d" param { name: "w" } inner_product_param { num_output: 4'
         ' bias_term: false } } layer { name: "m" type: "InnerProduct" bottom: "x" top: "e" param { name: "w" }'
         ' inner_product_param { num_output: 4 bias_term: false transpose: true }',
         r"'m' \(InnerProduct\) cannot be written as Python: its weight is another layer's in another shape"),
    ],
)  # fmt: skip
def test_layers_that_cannot_be_written_are_named(layer: str, problem: str, tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(f'input: "x" input_dim: [1, 4, 1, 1] layer {{ name: "l" {layer} }}')
    with pytest.raises(OutputError, match=rf"^{tmp_path}/net.py: layer .*{problem}"):
        fcnkit.save(net, tmp_path / "net.py")
    assert not list(tmp_path.iterdir())


class Own(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_modules_of_others_cannot_be_written(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    net.relu1_1 = Own()
    with pytest.raises(OutputError, match=r"layer 'relu1_1' \(ReLU\) cannot be written as Python: its module is .*Own"):
        fcnkit.save(net, tmp_path / "net.py")


MODULES = [
    linear.InnerProduct(3, 4, bias=False, axis=2),
    affine.Bias((3, 1)),
    linear.Embed(3, 4, bias=False),
    linear.EmbedOfNumbers(3, 4),
    affine.Scale((3,), 2, (3,)),
    affine.Scale(None, bias=(2, 2)),
    cascade.FieldBoxes([[(40, 60)], [(80, 120)]], [8, 16], 0.25, 4, stds=(0.1, 0.1, 0.2, 0.2), before=9, scores=True),
    cascade.GroupedFieldBoxes([[(40, 60), (80, 120)]], [8], over="SMALLER"),
    cascade.RefineBoxes((0, 0, 0.5, 0.5)),
    cascade.RegionDetections(aware=False, keep=3),
    clustering.ClusterDetections(352, 1248, 16, 1, 0.6, 3, 0.02, 22),
    captioning.BeamSearchNode(5, 0, False, (2, 4), True),
    captioning.LSTMNode(3, 4, False),
    combine.Crop(1, (0, 2, 3)),
    convlstm.ConvLSTM(nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.Conv2d(2, 8, 1), (1, 2, 3, 4), (2,), 2),
    convlstm.ConvLSTM(None, nn.Conv2d(2, 8, 1), (3, 2, 3, 4), None, expose_hidden=True),
    combine.Eltwise("SUM", (1, -0.5)),
    combine.Slice(3, 2, (1, 2)),
    combine.Split(2),
    priors.PriorBox([(3, 4), (5, 6)], [0.1, 0.1, 0.2, 0.2], step=(8, 8), clip=True),
    priors.PriorBox([priors.Box(31, 31, -8, 8)], [0.1, 0.1, 0.2, 0.2], image=(64, 96), rows_first=True),
    detection.DetectionOutput(21, keep=100, best=400),
    proposals.Proposals([(-8, -8, 23, 23)], 16, after=None, drop=False, empty=(0, 0, 16, 16), scores=True, axes=1),
    regions.RegionPool(6, 7, 0.0625),
    regions.PositionSensitivePool(21, 7, 0.0625),
    regions.PositionSensitiveAlign(21, 7, 0.0625),
    regions.RegionAlign(6, 7, 0.0625, 2),
    regions.RegionGrid(6, 7, margin=0.25),
    dropout.UnscaledDropout(0.25),
    dropout.OutputDecay(0.5, True),
    activation.Clip(-1, 1.5),
    activation.Exp(2, 3, 4),
    activation.Log(None, 3),
    activation.SoftmaxOfFirst(1),
    loss.SoftmaxWithLoss(ignore_label=255, normalization="NONE"),
    loss.InfogainLoss(None, tops=2),
    loss.BalancedSigmoidCrossEntropyLoss(),
    loss.ContrastiveLoss(2, legacy=True),
    multibox.MultiBoxLoss(21, threshold=None, mining="NONE"),
    normalization.BatchNorm(5, 1e-3, 0.9, False),
    normalization.BatchStatisticsNorm(5, tops=3),
    normalization.FrozenBatchNorm2d(5, momentum=0.25),
    normalization.L2Norm(None, False),
    normalization.L2Norm(7),
    normalization.MeanVarianceNorm(True, eps=1e-5),
    pooling.Pool2d("MAX", (2, 3), (1, 1), (2, 2), mask=True),
    pooling.Pool2d("STOCHASTIC", None),
    pooling.SpatialPyramid(3),
    recurrent.LSTM(3, 2, 1, 4, expose_hidden=True),
    recurrent.LSTM(3, 2, 1, 4, forget_bias=1.5, static_once=True),
    recurrent.LSTMOfOneBottom(3, 2, 4),
    recurrent.RNN(3, None, 2, 4),
    reduction.ArgMax(5, None, True),
    reduction.Reduction("ASUM", 1, 0.5),
    resizing.Interp(2, 3, (8, 9), (1, 1)),
    resizing.Unpool(size=(4, 6)),
    routing.ScaleRoute(None, 112),
    scanning.RowsToSequences(),
    scanning.SequencesToRows(),
    scripted.GuidedDetail(3, 0.25),
    scripted.JoinedAtOneSize(),
    scripted.RaisedSoftmax(0.0001),
    scripted.Spread((2, 3)),
    shape.Im2col((3, 2), (1, 1), (0, 0), (1, 1)),
    shape.Permute((0, 2, 1)),
    shape.Reorg(2, True),
    shape.Reshape((0, -1), 1),
    shape.Tile(3),
    shuffling.Interleave(),
    source.Parameter((1, 2)),
    transformer.RightAngles(True, 1, False),
    yolo.YoloDetections(2, [[(1.5, 2)], [(3, 4)]], [32, 16], softmax=True),
    yolo.YoloRegions(2, [[(1.5, 2)]], [1], softmax=True),
    detection.MapDetections(2, True, 21, keep=100),
    detection.PlacedDetections(2, best=400),
]


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_modules_can_be_built_anew_from_what_is_written(module: nn.Module) -> None:
    built = construction(module)
    again = eval(f"{built.name}({', '.join(built.arguments)})", vars(sys.modules[type(module).__module__]))
    assert repr(again) == repr(module)
    assert {name: value.shape for name, value in again.state_dict().items()} == {
        name: value.shape for name, value in module.state_dict().items()
    }
