"""Names that end strings, lines and statements: in no format do they become code, neither written nor loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit import formats
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.caffe.messages import NetParameter
from fcnkit.cli import main
from fcnkit.errors import OutputError

MARK = "ran"
# What a name would run if it reached code: within a string, after each of the ends that a string or line can have.
CODE = f"exec(\"import pathlib; pathlib\\x2ePath('{MARK}')\\x2etouch()\")"
NAMES = {
    "carriage return": f'x")\r{CODE}\rdef f(self):\r    return str("x',
    "line feed": f'x")\n{CODE}\ndef f(self):\n    return str("x',
    "line feed, single quote": f"x')\n{CODE}\ndef f(self):\n    return str('x",
    "three quotes": f'x"""\n{CODE}\n"""x',
    "three single quotes": f"x'''\n{CODE}\n'''x",
    "line separator": f'x")\u2028{CODE}\u2028str("x',
    "form feed": f'x")\f{CODE}\f("x',
    "next line": f'x")\x85{CODE}\x85("x',
    "semicolon": f'x"); {CODE}; str("x',
    "expression": f'x" + str({CODE}) + "x',
    "braces": "{" + CODE + "}{{" + CODE + "}}{%" + CODE + "%}",
    "NUL": f'x\0")\n{CODE}',
    "backslash at the end": "x\\",
    "backslashes": f"\\x22)\\n{CODE}\\",
    "quotes": "\"'`",
    "keyword": "class",
    "keywords": "lambda.None.import",
    "attribute of modules": "forward",
    "private": "__init__",
    "number": "0",
    "dots": "..",
    "spaces": "a layer/with a path",
    "escape": "\x1b[2J",
    "letters of another script": "слой_层",
    "70,000 characters": "x" * 70_000,
    "70,000 statements": f'")\r{CODE}\rstr("' * 700,
}


@pytest.fixture(scope="module")
def net() -> fcnkit.CaffeNet:
    """A net with a layer, an input and an output of each of the names, all of them in one chain."""
    definition = prototxt.parse("")
    definition.name = NAMES["carriage return"]
    before: list[str] = []
    for name in NAMES.values():
        definition.input.append(f"in {name}")
        definition.input_dim.extend((1, 2, 3, 4))
        layer = definition.layer.add(name=name, type="Convolution", bottom=[f"in {name}"], top=[name])
        layer.convolution_param.num_output = 2
        layer.convolution_param.kernel_size.append(1)
        definition.layer.add(name=f"{name} sum", type="Eltwise", bottom=[name, *before], top=[f"{name} sum"])
        definition.layer[-1].eltwise_param.operation = 1
        before = [f"{name} sum"]
        definition.layer.add(name=f"{name} out", type="TanH", bottom=before, top=[f"out {name}"])
        if len(definition.input) == 1:
            del definition.layer[1]
            definition.layer[-1].bottom[0] = before[0] = name
    result = fcnkit.CaffeNet(definition).eval()
    generator = torch.Generator().manual_seed(0)
    for weight in result.parameters():
        weight.data = torch.randn(weight.shape, generator=generator)
    return result


@pytest.fixture
def inputs(net: fcnkit.CaffeNet) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.standard_normal(net.shapes[name], np.float32) for name in net.inputs]


@pytest.fixture
def expected(net: fcnkit.CaffeNet, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    with torch.no_grad():
        found = net(*map(torch.from_numpy, inputs))
    assert isinstance(found, dict)
    return {name: value.numpy() for name, value in found.items()}


# What runs the file elsewhere: a program without fcnkit.
PT2 = """
import json, sys, numpy, torch
with numpy.load("inputs.npz") as stored, torch.no_grad():
    found = torch.export.load("net.pt2").module()(*[torch.from_numpy(stored[key]) for key in stored])
torch.save(found, "found.pth")
"""
PYTHON = """
import sys, numpy, torch
sys.path.insert(0, ".")
import net
built = [each for each in vars(net).values() if isinstance(each, type) and hasattr(each, "load_weights")][0]()
with numpy.load("inputs.npz") as stored, torch.no_grad():
    found = built(*[torch.from_numpy(stored[key]) for key in stored])
torch.save(found, "found.pth")
"""


def found_elsewhere(program: str, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    np.savez("inputs.npz", *inputs)
    subprocess.run([sys.executable, "-c", program], check=True)
    return {name: value.numpy() for name, value in torch.load("found.pth", weights_only=True).items()}


def require_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert not Path(MARK).exists()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() < 1e-5, name


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".caffemodel"])
def test_weights(
    suffix: str,
    net: fcnkit.CaffeNet,
    inputs: list[np.ndarray],
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fcnkit.save(net, f"net{suffix}", *(["net.prototxt"] if suffix != ".caffemodel" else []))
    loaded = fcnkit.load(f"net{suffix}", "net.prototxt" if suffix == ".pth" else None)
    with torch.no_grad():
        found = loaded(*map(torch.from_numpy, inputs))
    require_equal({name: value.numpy() for name, value in found.items()}, expected)


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_formats_without_a_place_for_some_names(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net = fcnkit.CaffeNet(definition_of(name))
    try:
        fcnkit.save(net, f"net{suffix}", "net.prototxt")
    except OutputError as error:
        assert str(error).endswith((" HDF5 files cannot store", ".npz files cannot store; write another format"))
        assert name in [NAMES["NUL"], NAMES["dots"], NAMES["70,000 characters"], NAMES["70,000 statements"]]
    else:
        assert fcnkit.load(f"net{suffix}", "net.prototxt").state_dict().keys() == net.state_dict().keys()
    assert not Path(MARK).exists()


def definition_of(name: str) -> NetParameter:
    """A net of one layer with weights."""
    definition = prototxt.parse('input: "x" input_dim: [1, 2, 3, 4]')
    definition.layer.add(name=name, type="Scale", bottom=["x"], top=[name])
    return definition


def test_onnx(
    net: fcnkit.CaffeNet,
    inputs: list[np.ndarray],
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fcnkit.save(net, "net.onnx")
    onnx.checker.check_model("net.onnx")
    model = onnx.load("net.onnx")
    assert net.state_dict().keys() <= {tensor.name for tensor in model.graph.initializer}
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    values = session.run(list(net.outputs), dict(zip(net.inputs, inputs, strict=True)))
    require_equal(dict(zip(net.outputs, values, strict=True)), expected)


def test_pt2(
    net: fcnkit.CaffeNet,
    inputs: list[np.ndarray],
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fcnkit.save(net, "net.pt2")
    require_equal(found_elsewhere(PT2, inputs), expected)
    extra = {"names": ""}
    weights = torch.export.load("net.pt2", extra_files=extra).state_dict
    # A weight has its own name there, or one whose layer has its own name in the extra file.
    names = json.loads(extra["names"])
    own = set()
    for weight in weights:
        module, _, part = weight.rpartition(".")
        own.add(f"{names.get(module, module)}.{part}")
    assert own == net.state_dict().keys()
    assert {"0.weight", "forward_.weight"} <= weights.keys()


def test_python(
    net: fcnkit.CaffeNet,
    inputs: list[np.ndarray],
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fcnkit.save(net, "net.py", "net.safetensors")
    require_equal(found_elsewhere(PYTHON, inputs), expected)


@pytest.mark.parametrize("suffix", formats.suffixes())
def test_the_command(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that a stranger sends, as Caffe would have written it."""
    monkeypatch.chdir(tmp_path)
    name = NAMES["carriage return"]
    caffemodel.write("evil.caffemodel", definition_of(name), {name: [np.ones(2, np.float32)]})
    done = CliRunner().invoke(main, ["convert", "evil.caffemodel", "-o", f"x{suffix}"])
    assert done.exit_code == 0, done.output
    assert Path(f"x{suffix}").exists()
    assert not Path(MARK).exists()
