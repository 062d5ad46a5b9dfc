"""The registry: rules of one's own for Python layers, and the number of bottoms that rules state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fcnkit
import fcnkit.layers
from fcnkit import types
from fcnkit.errors import DefinitionError, UnsupportedLayerError
from fcnkit.layers import Layer, base
from tests.layers.build import layer_net

NET = """
layer { name: "i" type: "Input" top: "x" top: "y" input_param { shape { dim: [2, 3] } } }
layer { name: "loss" type: "Python" bottom: "x" bottom: "y" top: "loss" loss_weight: 1
        python_param { module: "pyloss" layer: "ScaledLoss" param_str: "3.5" } }
"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(base, "_RULES", dict(base._RULES))
    monkeypatch.setattr(types, "_TYPES", dict(types._TYPES))


class ScaledDistance(nn.Module):
    def __init__(self, scale: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([scale]))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ((x - y) ** 2).sum() * self.weight


def register() -> type[Layer]:
    @fcnkit.layers.layer("pyloss.ScaledLoss")
    class ScaledLoss(Layer):
        bottom_count = (2, 2)
        blob_names = ("weight",)

        def build(self, layer: Any, bottoms: Sequence[tuple[int, ...]]) -> nn.Module:
            assert bottoms == [(2, 3), (2, 3)]
            return ScaledDistance(float(layer.python_param.param_str))

    return ScaledLoss


def test_a_python_layer_needs_a_rule() -> None:
    with pytest.raises(UnsupportedLayerError) as caught:
        fcnkit.CaffeNet(NET)
    assert str(caught.value) == "1 unsupported layer: 'loss' (pyloss.ScaledLoss)"


def test_a_python_layer_runs_by_its_users_rule(registry: None) -> None:
    register()
    assert "pyloss.ScaledLoss" in fcnkit.layers.supported()
    net = fcnkit.CaffeNet(NET, filled=False)
    assert net.shapes["loss"] == (1,)
    assert net(torch.ones(2, 3), torch.zeros(2, 3)).tolist() == [21]
    assert [blob.tolist() for blob in net.blobs()["loss"]] == [[3.5]]
    with pytest.raises(DefinitionError, match="layer 'loss': Python needs 2 bottoms, it has 1"):
        fcnkit.CaffeNet(NET.replace('bottom: "y"', ""))


def test_a_type_has_one_rule(registry: None) -> None:
    register()
    with pytest.raises(ValueError, match=r"layer type 'pyloss\.ScaledLoss' already has a rule"):
        register()


def test_blobs_must_be_the_modules_own(registry: None) -> None:
    rule = register()
    rule.blobs = lambda self, module, layer: [torch.zeros(1)]  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="a rule's blobs must be parameters or buffers of its module"):
        fcnkit.CaffeNet(NET.replace("python_param", 'param { name: "w" } python_param'))


@pytest.mark.parametrize(
    ("kind", "bottoms", "words"),
    [
        ("ReLU", 2, "layer 'l': ReLU needs 1 bottom, it has 2"),
        ("ReLU", 0, "layer 'l': ReLU needs 1 bottom, it has 0"),
        ("Scale", 3, "layer 'l': Scale needs 1 to 2 bottoms, it has 3"),
        ("MaskOutputs", 1, "layer 'l': MaskOutputs needs 2 bottoms, it has 1"),
        ("SoftmaxWithLoss", 1, "layer 'l': SoftmaxWithLoss needs 2 bottoms, it has 1"),
        ("Parameter", 1, "layer 'l': Parameter needs 0 bottoms, it has 1"),
    ],
)
def test_the_number_of_bottoms(kind: str, bottoms: int, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, "", [(2, 3)] * bottoms)
