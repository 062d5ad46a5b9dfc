"""Nets are recognized by the content of their files, alike in every command and in Python."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

import fcnkit
from fcnkit.caffe import caffemodel
from fcnkit.cli import main
from fcnkit.errors import FileFormatError, OutputError
from fcnkit.formats.format import FORMATS, Holds
from fcnkit.surgery.start import start
from fcnkit.surgery.weight_files import read_layer_weights

CLASSIFIER = """
name: "classifier"
input: "data" input_dim: [1, 3, 8, 8]
layer { name: "fc6" type: "InnerProduct" bottom: "data" top: "fc6" inner_product_param { num_output: 4
        weight_filler { type: "xavier" } } }
"""
# The commands that take a net, and whether a definition is enough for them.
COMMANDS = [
    ("summary {}", True),
    ("draw {} -o net.svg --force", True),
    ("diff {} {}", True),
    ("convert {} -o out.safetensors --force", False),
    ("predict {} image.png -o labels --force", False),
    ("score {} --images images --labels labels-true", False),
    ("heatmap {} image.png --class 1 --force", False),
    ("verify {} --against opencv --input-shape 1,3,40,48", False),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sample: Path, examples: Path) -> Callable[[str], Result]:
    monkeypatch.chdir(tmp_path)
    shutil.copy(sample, "net.bin")
    image = Image.open(examples / "image0.png").convert("RGB").resize((48, 40))
    image.save("image.png")
    for folder in ("images", "labels-true"):
        Path(folder).mkdir()
        (image if folder == "images" else Image.new("L", image.size)).save(f"{folder}/a.png")
    return lambda line: CliRunner().invoke(main, shlex.split(line))


@pytest.mark.parametrize("command", [command for command, _ in COMMANDS])
def test_a_caffemodel_of_any_name_works_in_every_command(run: Callable[[str], Result], command: str) -> None:
    result = run(command.format("net.bin", "net.bin"))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("suffix", [".bin", ".pth", ".npz", ".safetensors", ""])
@pytest.mark.parametrize("written", [".caffemodel", ".safetensors", ".h5", ".pth", ".npz"])
def test_files_of_any_name_are_loaded_by_their_content(sample: Path, tmp_path: Path, written: str, suffix: str) -> None:
    net = fcnkit.load(sample)
    fcnkit.save(net, tmp_path / f"right{written}", tmp_path / "net.prototxt")
    other = tmp_path / f"other{suffix}"
    (tmp_path / f"right{written}").rename(other)
    weights_alone = written in (".h5", ".pth", ".npz")
    for definition in (tmp_path / "net.prototxt", None):
        if weights_alone and definition is None:
            with pytest.raises(FileFormatError, match=rf"{other}: contains weights alone; give the net's definition"):
                fcnkit.load(other)
            continue
        again = fcnkit.load(other, definition)
        assert again.source == other
        assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in net.state_dict().items())


def test_a_definition_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("constant").write_text(CLASSIFIER.replace('type: "xavier"', 'type: "constant" value: 3'))
    for name in ("deploy.prototxt", "deploy.bin", "deploy.caffemodel"):
        shutil.copy("constant", name)
        net = fcnkit.load(name)
        assert (net.fc6.weight == 3).all()  # as its filler states
        with pytest.raises(FileFormatError, match=rf"{name}: is a prototxt itself; give weights in its place"):
            fcnkit.load(name, name)
        with pytest.raises(FileFormatError, match=rf"{name}: has no weights; give a file of weights"):
            fcnkit.convert(name)
        assert fcnkit.convert(None, name).prototxt == net.prototxt


@pytest.mark.parametrize(("command", "enough"), COMMANDS)
def test_a_definition_alone_is_enough_where_no_weights_are_needed(
    run: Callable[[str], Result], data: Path, command: str, enough: bool
) -> None:
    shutil.copy(data / "shapes" / "deploy.prototxt", "deploy.bin")
    result = run(command.format("deploy.bin", "deploy.bin"))
    if enough:
        assert result.exit_code == 0, result.output
    else:
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: deploy.bin: has no weights; give a file of weights")


def test_fc2conv_recognizes_its_input_and_keeps_its_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = fcnkit.CaffeNet(CLASSIFIER)
    fcnkit.save(net, "net.caffemodel", "weights.h5", "weights.pth")
    shutil.copy("net.caffemodel", "net.bin")
    shutil.copy("net.caffemodel", "misnamed.pth")
    shutil.copy("weights.pth", "weights.bin")
    result = CliRunner().invoke(main, ["fc2conv", "net.bin"])
    assert result.output.startswith("net.bin -> net-conv.bin and net-conv.prototxt\n")
    assert caffemodel.read("net-conv.bin").blobs["fc6"][0].shape == (4, 3, 8, 8)
    assert fcnkit.load("net-conv.bin")(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 1, 1)
    result = CliRunner().invoke(main, ["fc2conv", "misnamed.pth"])
    assert result.output.startswith("misnamed.pth -> misnamed-conv.caffemodel and misnamed-conv.prototxt\n")
    with pytest.raises(
        OutputError, match=r"out.pth: fc2conv keeps the format of its input; choose a .caffemodel file as output"
    ):
        fcnkit.fc2conv("misnamed.pth", "out.pth")
    fcnkit.fc2conv("weights.bin", "out.pt", kernel={"fc6": (8, 8)})
    assert torch.load("out.pt")["fc6.weight"].shape == (4, 3, 8, 8)
    fcnkit.save(net, "weights.npz")
    with pytest.raises(FileFormatError, match=r"weights.npz: is a .npz file; fc2conv casts .pth, .pt, .safetensors, "):
        fcnkit.fc2conv("weights.npz", "out.npz")


@pytest.mark.parametrize("written", [".caffemodel", ".safetensors", ".h5", ".pth", ".npz"])
def test_init_recognizes_its_weights(tmp_path: Path, written: str) -> None:
    net = fcnkit.CaffeNet(CLASSIFIER)
    fcnkit.save(net, tmp_path / f"net{written}", tmp_path / "net.prototxt")
    (tmp_path / f"net{written}").rename(tmp_path / "net.bin")
    started = start(tmp_path / "net.prototxt", tmp_path / "net.bin")
    assert torch.equal(started.net.fc6.weight, net.fc6.weight)
    assert [row.what for row in started.rows] == ["copied"]
    with pytest.raises(FileFormatError, match=r"net.prototxt: is a prototxt, the definition alone; give a file of wei"):
        read_layer_weights(tmp_path / "net.prototxt")


def test_phases_and_rules_in_every_format(sample: Path, tmp_path: Path) -> None:
    fcnkit.save(fcnkit.load(sample), tmp_path / "net.safetensors")
    assert fcnkit.load(tmp_path / "net.safetensors", phase="train").training
    assert not fcnkit.load(tmp_path / "net.safetensors").training
    with pytest.raises(ValueError, match="phase must be 'test' or 'train', not 'deploy'"):
        fcnkit.load(sample, phase="deploy")


def test_every_format_is_recorded_once() -> None:
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for each in FORMATS:
        module = each.implementation()
        assert callable(module.save)
        assert hasattr(module, "load") == (each.holds is not None)


@pytest.mark.parametrize("each", [each for each in FORMATS if each.module not in ("onnx", "pt2")])
def test_the_lines_of_python_that_load_a_file_work(
    sample: Path, tmp_path: Path, each: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = Path(f"loaded_{each.module}{each.suffixes[0]}")
    fcnkit.save(fcnkit.load(sample), path, Path("definition.prototxt"), path.with_suffix(".safetensors"))
    names: dict[str, object] = {}
    exec("\n".join(each.loading(path, Path("definition.prototxt"))), names)
    assert names["net"](torch.zeros(1, 3, 32, 32)).shape == (1, 4, 32, 32)
    if each.holds is Holds.WEIGHTS:
        assert each.loading(path, None)[-1].endswith("prototxt=...)  # the net's definition")
