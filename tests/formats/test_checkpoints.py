"""State dicts of training: of an exported .py, of wrapped nets, inside checkpoints; read by every door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import fcnkit
from fcnkit.cli import main
from fcnkit.errors import FileFormatError, MissingBlobsError
from fcnkit.formats.checkpoint import unwrapped
from fcnkit.formats.names import rename
from fcnkit.surgery.weight_files import read_layer_weights
from tests.formats.test_python import own_net

# Names as in MobileNet-SSD, ResNet and OpenPose models, and names that collide once they are identifiers.
NET = """
name: "names" input: "data" input_dim: [1, 2, 9, 9]
layer { name: "conv4-1" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 3 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "conv4_1" type: "Convolution" bottom: "a" top: "b" convolution_param { num_output: 3 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "conv0/bn" type: "BatchNorm" bottom: "b" top: "b" }
layer { name: "245" type: "Scale" bottom: "b" top: "b" scale_param { bias_term: true } }
layer { name: "l" type: "PReLU" bottom: "b" top: "b" }
layer { name: "l_" type: "PReLU" bottom: "b" top: "b" }
layer { name: "load_weights" type: "PReLU" bottom: "b" top: "b" }
layer { name: "stage.1/x" type: "InnerProduct" bottom: "b" top: "c" param { name: "w" } param { name: "v" }
        inner_product_param { num_output: 75 weight_filler { type: "xavier" } } }
layer { name: "stage.2/x" type: "InnerProduct" bottom: "c" top: "d" param { name: "w" } param { name: "v" }
        inner_product_param { num_output: 75 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def exported(tmp_path: Path) -> nn.Module:
    """The exported .py of NET, with its weights, trained by one step."""
    net = fcnkit.CaffeNet(NET)
    fcnkit.save(net, tmp_path / "net.py", tmp_path / "net.safetensors", tmp_path / "net.prototxt")
    own = own_net(tmp_path / "net.py").train()
    optimizer = torch.optim.SGD(own.parameters(), 0.1)
    own(torch.ones(2, 2, 9, 9)).square().mean().backward()
    optimizer.step()
    return own.eval()


def test_a_trained_python_file_has_its_way_back(exported: nn.Module, tmp_path: Path) -> None:
    state = exported.state_dict()
    assert set(state) == set(fcnkit.CaffeNet(NET).state_dict())
    torch.save(state, tmp_path / "trained.pth")
    files = [str(tmp_path / name) for name in ("trained.pth", "net.prototxt", "back.caffemodel")]
    done = CliRunner().invoke(main, ["convert", files[0], "--prototxt", files[1], "-o", files[2]])
    assert done.exit_code == 0, done.output
    image = torch.randn(1, 2, 9, 9)
    with torch.no_grad():
        assert torch.equal(fcnkit.load(files[2])(image), exported(image))
        assert not torch.equal(fcnkit.load(tmp_path / "net.safetensors")(image), exported(image))


def test_the_python_file_reads_its_own_state_dict_also_inside_a_wrapper(exported: nn.Module, tmp_path: Path) -> None:
    class Task(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.DataParallel(own_net(tmp_path / "net.py"))
            self.other = nn.Linear(2, 2)

    state, other = exported.state_dict(), own_net(tmp_path / "net.py")
    other.load_state_dict(state)
    task = Task()
    outer: dict[str, Any] = {f"net.module.{name}": tensor for name, tensor in state.items()}
    task.load_state_dict(outer | {"other.weight": torch.zeros(2, 2), "other.bias": torch.zeros(2)})
    assert list(task.state_dict()) == [*outer, "other.weight", "other.bias"]
    own_names = dict(exported.named_parameters()) | dict(exported.named_buffers())
    assert set(own_names) != set(state)
    third = own_net(tmp_path / "net.py")
    third.load_state_dict(own_names, strict=False)
    for each in (other, task.net.module, third):
        assert all(torch.equal(tensor, each.state_dict()[name]) for name, tensor in state.items())
    with pytest.raises(RuntimeError, match=r"Unexpected key.*nothing"):
        other.load_state_dict({**state, "nothing": torch.zeros(1)})


class Wrapped(nn.Module):
    def __init__(self, module: nn.Module):
        super().__init__()
        self._orig_mod = module


WRAPPERS = {
    "plain": lambda net: net,
    "DataParallel": nn.DataParallel,
    "compile": lambda net: torch.compile(net, backend="eager"),
    "both": lambda net: nn.DataParallel(Wrapped(net)),
    "averaged": torch.optim.swa_utils.AveragedModel,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "net", "weights"])
def test_checkpoints_of_wrapped_nets(wrapper: str, key: str | None, tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(NET)
    fcnkit.save(net, tmp_path / "net.prototxt")
    state = WRAPPERS[wrapper](net).state_dict()
    assert wrapper == "plain" or set(state) != set(net.state_dict())
    torch.save(state if key is None else {"epoch": 3, key: state, "optimizer": {}}, tmp_path / "net.pth")
    back = fcnkit.load(tmp_path / "net.pth", tmp_path / "net.prototxt")
    assert all(torch.equal(tensor, back.state_dict()[name]) for name, tensor in net.state_dict().items())
    layers = read_layer_weights(tmp_path / "net.pth").layers
    assert set(layers) == {name.rpartition(".")[0] for name in net.state_dict()}


def test_a_wrapped_net_in_every_file_of_tensors(tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(NET)
    fcnkit.save(net, tmp_path / "net.prototxt", tmp_path / "net.npz")
    state = {f"module._orig_mod.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "wrapped.safetensors")
    import numpy as np

    np.savez(tmp_path / "wrapped.npz", **{name: tensor.numpy() for name, tensor in state.items()})
    for suffix in (".safetensors", ".npz"):
        back = fcnkit.load(tmp_path / f"wrapped{suffix}", tmp_path / "net.prototxt")
        assert torch.equal(back.state_dict()["245.bias"], net.state_dict()["245.bias"])


def test_layers_that_are_called_like_wrappers_keep_their_names(tmp_path: Path) -> None:
    text = NET.replace('name: "', 'name: "module.').replace('"module.w"', '"w"').replace('"module.v"', '"v"')
    net = fcnkit.CaffeNet(text)
    for suffix in (".pth", ".safetensors", ".npz"):
        fcnkit.save(net, tmp_path / f"net{suffix}", tmp_path / "net.prototxt")
        back = fcnkit.load(tmp_path / f"net{suffix}", tmp_path / "net.prototxt")
        assert back.state_dict().keys() == net.state_dict().keys()
    assert "module.245" in read_layer_weights(tmp_path / "net.safetensors").layers
    outer = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    torch.save(outer, tmp_path / "outer.pth")
    assert "module.245.bias" in fcnkit.load(tmp_path / "outer.pth", tmp_path / "net.prototxt").state_dict()


def test_files_without_a_state_dict_are_refused(tmp_path: Path) -> None:
    fcnkit.save(fcnkit.CaffeNet(NET), tmp_path / "net.prototxt")
    for content in ([1, 2], {"epoch": 3}, {"model": {"a": 1}}, {1: torch.ones(1)}):
        torch.save(content, tmp_path / "net.pth")
        with pytest.raises(FileFormatError, match=r"net.pth: contains no state dict, tensors by name, neither itself"):
            fcnkit.load(tmp_path / "net.pth", tmp_path / "net.prototxt")
    states: list[dict[str, Tensor]] = [{}, {"module.other.weight": torch.ones(1)}]
    for state in states:
        torch.save(state, tmp_path / "net.pth")
        with pytest.raises(MissingBlobsError, match=r"lacks '245\.bias'"):
            fcnkit.load(tmp_path / "net.pth", tmp_path / "net.prototxt")


def test_names_of_parts_are_unwrapped() -> None:
    state: dict[str, Tensor] = {name: torch.zeros(1) for name in ("module.a._orig_mod.weight", "module.b.module.bias")}
    assert list(unwrapped(state)) == ["a.weight", "b.module.bias"]
    assert list(unwrapped({"n_averaged": 1, "a.weight": 2})) == ["n_averaged", "a.weight"]
    assert list(unwrapped({})) == []
    assert list(rename({"module._orig_mod.features.0.weight": 1}, "caffe")) == ["conv1_1.weight"]
