"""Programs in .pt2 files: read like any other net, and never run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import Dim

import fcnkit
from fcnkit.errors import FileFormatError
from tests.export.proving import randomized


@pytest.fixture
def module() -> nn.Module:
    return randomized(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(80, 2)))


@pytest.fixture
def path(module: nn.Module, tmp_path: Path) -> Path:
    torch.export.save(torch.export.export(module, (torch.randn(2, 3, 7, 6),)), tmp_path / "net.pt2")
    return tmp_path / "net.pt2"


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A copy of a .pt2 with its members changed."""
    found = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(found, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return found


def test_a_program_is_loaded_as_a_net(path: Path, module: nn.Module, tmp_path: Path) -> None:
    net = fcnkit.load(path)
    image = torch.randn(2, 3, 7, 6)
    assert net(image).allclose(module(image), atol=1e-6)
    assert net.source == path
    assert net.state_dict()["0.weight"].equal(module[0].weight)
    path.rename(tmp_path / "net.bin")
    assert fcnkit.load(tmp_path / "net.bin").outputs == net.outputs


def test_open_sizes_are_those_of_the_example(module: nn.Module, tmp_path: Path) -> None:
    program = torch.export.export(module, (torch.randn(2, 3, 7, 6),), dynamic_shapes=({0: Dim("batch")},))
    torch.export.save(program, tmp_path / "net.pt2")
    net = fcnkit.load(tmp_path / "net.pt2")
    assert net.shapes["x" if "x" in net.inputs else net.inputs[0]] == (2, 3, 7, 6)
    assert net.state_dict()["0.weight"].equal(module[0].weight)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
def test_a_decomposed_program(tmp_path: Path) -> None:
    module = randomized(
        nn.Sequential(
            *(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ConvTranspose2d(4, 2, 3, 2, output_padding=1), nn.SiLU()),
            *(nn.LayerNorm(10), nn.Flatten(), nn.Linear(240, 2), nn.Softmax(1)),
        )
    )
    image = torch.randn(2, 3, 7, 6)
    program = torch.export.export(module, (image,)).run_decompositions()
    assert torch.ops.aten.convolution.default in {node.target for node in program.graph.nodes}
    torch.export.save(program, tmp_path / "net.pt2")
    assert fcnkit.load(tmp_path / "net.pt2")(image).allclose(module(image), atol=1e-6)


def test_a_net_that_fcnkit_wrote_comes_back(path: Path, tmp_path: Path) -> None:
    net = fcnkit.load(path)
    fcnkit.save(net, tmp_path / "again.pt2")
    image = torch.randn(2, 3, 7, 6)
    assert fcnkit.load(tmp_path / "again.pt2")(image).allclose(net(image), atol=1e-6)


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


def test_no_pickled_code_is_run(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save((Malicious(),), buffer)
    changed = rewritten(path, lambda name, content: buffer.getvalue() if name.endswith("model.pt") else content)
    with pytest.raises(
        FileFormatError, match=r"contains pickled code in '.*sample_inputs/model\.pt', which is not run"
    ):
        fcnkit.load(changed)

    def pickled(name: str, content: bytes) -> bytes:
        if name.endswith("weights_config.json"):
            config = json.loads(content)
            config["config"]["0.bias"]["use_pickle"] = True
            return json.dumps(config).encode()
        return pickle.dumps(Malicious()) if name.endswith("weight_1") else content

    with pytest.raises(FileFormatError, match="contains pickled objects, which are not read; export the module with"):
        fcnkit.load(rewritten(path, pickled))
    assert not Path("ran").exists()


def test_no_library_is_loaded(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{archive.namelist()[0].partition('/')[0]}/data/aotinductor/model/model.so", b"code")
    with pytest.raises(FileFormatError, match=r"contains '.*/data/aotinductor/model/model\.so', which is not read"):
        fcnkit.load(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"name": "input"', '"name": "x):\\n import os;os.system(\'touch ran\')#"', "has the name .x"),
        ("torch.ops.aten.relu.default", "torch.ops.other.run.default", "which is not an ATen operation"),
        ("torch.ops.aten.relu.default", "os.system", "contains 'os.system', which is not an ATen operation"),
        ('"parameter_name": "0.weight"', '"parameter_name": "0.weight;import os"', "has the name '0.weight;import os'"),
        ('{"graph_module"', '{"graph_', "cannot be read as an exported program: "),
    ],
)
def test_names_and_operations_are_checked(
    old: str, new: str, message: str, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return content
        assert old in content.decode()
        return content.decode().replace(old, new).encode()

    with pytest.raises(FileFormatError, match=message) as caught:
        fcnkit.load(rewritten(path, change))
    assert str(caught.value).startswith(str(path.with_name("changed.pt2")))
    assert not Path("ran").exists()


def test_a_cut_file_and_a_definition_beside_it_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="leave `prototxt` out"):
        fcnkit.load(path, prototxt="deploy.prototxt")
    cut = tmp_path / "cut.pt2"
    cut.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FileFormatError, match=r"cut\.pt2: "):
        fcnkit.load(cut)
