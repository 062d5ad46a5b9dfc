"""Each rule against PyTorch, with odd sizes, groups, negative axes and a batch."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import fcnkit
from fcnkit import CaffeNet
from tests.export.proving import assert_equal, randomized


@functools.cache
def constant(*shape: int) -> Tensor:
    return image(*shape, seed=5)


def image(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape or (2, 6, 7, 9), generator=torch.Generator().manual_seed(seed))


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


class Cases(nn.Module):
    """All cases of a family on one input, in one net: tracing costs more than the rest."""

    def __init__(self, cases: dict[str, Any]):
        super().__init__()
        modules = {name: each if isinstance(each, nn.Module) else Function(each) for name, each in cases.items()}
        self.cases = nn.ModuleDict({f"case_{name}": module for name, module in modules.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = {}
        for name, case in self.cases.items():
            for index, values in enumerate(pytree.tree_leaves(case(x))):
                found[f"{name}:{index}"] = values
        return found


@functools.cache
def outputs(family: str, target: str) -> tuple[dict[str, Tensor], dict[str, Tensor], CaffeNet]:
    """The outputs of a family's cases from the net, written and read anew, and from PyTorch."""
    cases, shape = FAMILIES[family]
    module, x = randomized(Cases(cases)), image(*shape)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        expected = module(x)  # before the trace, in which constants could not be made
        fcnkit.save(fcnkit.from_torch(module, x, target=target), f"{folder}/net.caffemodel")
        net = fcnkit.load(f"{folder}/net.caffemodel")
        assert set(net.outputs) == expected.keys()
        return net(x), expected, net


def run(family: str, name: str, target: str = "bvlc") -> None:
    found, expected, _ = outputs(family, target)
    keys = [key for key in expected if key.partition(":")[0] == f"case_{name}"]
    assert keys
    for key in keys:
        assert_equal(found[key], expected[key])


ACTIVATIONS: dict[str, Any] = {
    "relu": F.relu,
    "relu6": lambda x: F.relu6(4 * x),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.7),
    "clamp": lambda x: x.clamp(-1, 0.5),
    "clamp_min": lambda x: x.clamp(min=0.3),
    "clamp_max": lambda x: x.clamp(max=-0.3),
    "clamp_zero": lambda x: x.clamp(min=0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "hardsigmoid": lambda x: F.hardsigmoid(3 * x),
    "hardswish": lambda x: F.hardswish(3 * x),
    "mish": F.mish,
    "softplus": F.softplus,
    "softplus_beta": lambda x: F.softplus(x, beta=3),
    "logsigmoid": F.logsigmoid,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "prelu": nn.PReLU(6),
    "prelu_shared": nn.PReLU(),
    "elu": lambda x: F.elu(x, 0.7),
    "selu": F.selu,
    "celu": lambda x: F.celu(x, 1.7),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "softmax": lambda x: F.softmax(x, 1),
    "softmax_last": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -3),
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    "softmin": lambda x: F.softmin(x, 2),
    "dropout": nn.Dropout(0.5),
    "threshold": lambda x: F.threshold(x, 0.2, -3),
    "hardshrink": lambda x: F.hardshrink(x, 0.4),
    "softshrink": lambda x: F.softshrink(x, 0.4),
    "above": lambda x: x * (x > 0.1) + (x <= -0.2) * 2,
    "below": lambda x: x * (x < 0.1) + (x >= 0.2),
    "where": lambda x: torch.where(x > 0, x.exp(), 0.3) + torch.where(x < 0, constant(6, 1, 1), x),
    "above_others": lambda x: (x > x.tanh()) * x + (x <= constant(6, 1, 1)),
    "below_others": lambda x: (x < 0.5 * x.tanh()) * x + (x >= constant(9)),
    "equal": lambda x: (x.relu() == 0) * 2.0 + (x == x.relu()),
    "unequal": lambda x: (x.relu() != 0) * 2.0 + (x != x.relu()),
    "and": lambda x: ((x > 0) & (x < 1)) * x + torch.logical_and(x < 0, constant(9) > 0),
    "or": lambda x: ((x > 1) | (x < -1)) * x + torch.logical_or(x > 0, constant(6, 1, 1) > 0),
    "xor": lambda x: ((x > -1) ^ (x < 1)) * x + torch.logical_xor(x > 0, constant(9) > 0),
    "not": lambda x: ~(x > 0) * x,
    "masked_fill": lambda x: x.masked_fill(x < 0, -2),
    "glu": lambda x: F.glu(x, 1),
    "relu_3d": lambda x: F.relu(x[0]),
}


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str, target: str) -> None:
    run("activations", name, target)


ARITHMETIC: dict[str, Any] = {
    "add": lambda x: x + 2,
    "radd": lambda x: 2 + x,
    "sub": lambda x: x - 0.5,
    "rsub": lambda x: 1.5 - x,
    "mul": lambda x: x * 3,
    "div": lambda x: x / 7,
    "rdiv": lambda x: 7 / (x.abs() + 1),
    "neg": lambda x: -x,
    "abs": torch.abs,
    "pow": lambda x: x.abs() ** 1.5,
    "square": lambda x: x**2,
    "sqrt": lambda x: x.abs().sqrt(),
    "rsqrt": lambda x: (x.abs() + 1).rsqrt(),
    "reciprocal": lambda x: (x.abs() + 1).reciprocal(),
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "power_of": lambda x: 3**x,
    "log": lambda x: (x.abs() + 1).log(),
    "log2": lambda x: (x.abs() + 1).log2(),
    "log10": lambda x: (x.abs() + 1).log10(),
    "log1p": lambda x: x.abs().log1p(),
    "sum_of_views": lambda x: x + x.sigmoid(),
    "difference": lambda x: x - x.sigmoid(),
    "difference_alpha": lambda x: torch.sub(x, x.sigmoid(), alpha=2),
    "sum_alpha": lambda x: torch.add(x, x.sigmoid(), alpha=0.3),
    "product": lambda x: x * x.sigmoid(),
    "quotient": lambda x: x / (x.sigmoid() + 1),
    "maximum": lambda x: torch.maximum(x, x.sigmoid()),
    "minimum": lambda x: torch.minimum(x, x.sigmoid()),
    "per_channel": lambda x: (x - constant(6, 1, 1)) / constant(1, 6, 1, 1),
    "per_channel_from": lambda x: constant(6, 1, 1) - x,
    "per_column": lambda x: x * constant(9),
    "map": lambda x: x + constant(7, 9),
    "map_of_channels": lambda x: x * constant(6, 7, 9),
    "whole": lambda x: x * constant(2, 6, 7, 9),
    "gaps": lambda x: x * constant(6, 1, 9),
    "one_value": lambda x: x * constant(1, 1, 1, 1) + constant(1),
    "constant_over": lambda x: constant(6, 1, 1) / (x.abs() + 1),
    "larger_constant": lambda x: x.mean((2, 3), keepdim=True) * constant(1, 6, 7, 9),
    "gate": lambda x: x * x.mean((2, 3), keepdim=True),
    "gate_first": lambda x: x.mean((2, 3), keepdim=True) * x,
    "gate_of_pixels": lambda x: x * x.mean(1, keepdim=True),
    "gate_of_rows": lambda x: x * x.mean(2, keepdim=True),
    "added_channels": lambda x: x + x.mean((2, 3), keepdim=True),
    "less_channels": lambda x: x - x.mean((2, 3), keepdim=True),
    "channels_less": lambda x: x.mean((2, 3), keepdim=True) - x,
    "outer": lambda x: x.mean(2, keepdim=True) * x.mean(3, keepdim=True),
    "normalized": lambda x: F.normalize(x, dim=1),
    "over_channels": lambda x: x / (x.abs().sum(1, keepdim=True) + 1),
    "clamp_by_constant": lambda x: x.clamp(constant(6, 1, 1) - 1, constant(6, 1, 1) + 1),
    "clamp_by_others": lambda x: torch.clamp_max(x.clamp(min=x.tanh() * 0.5), x.sigmoid()),
    "cosine": lambda x: F.cosine_similarity(x, x.sigmoid(), 1),
    "lerp": lambda x: torch.lerp(x, x.sigmoid(), 0.3),
    "addcmul": lambda x: torch.addcmul(x, x.sigmoid(), x.tanh(), value=0.5),
    "sign": lambda x: x.sgn() + x.sign(),
    "maximum_of_constant": lambda x: torch.maximum(x, constant(6, 1, 1)),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name: str) -> None:
    run("arithmetic", name)


CONVOLUTIONS: dict[str, Any] = {
    "plain": nn.Conv2d(6, 4, 3),
    "not_square": nn.Conv2d(6, 4, (3, 2), (2, 1), (1, 0)),
    "grouped": nn.Conv2d(6, 4, 3, groups=2, bias=False),
    "depthwise": nn.Conv2d(6, 12, 3, groups=6),
    "dilated": nn.Conv2d(6, 4, 3, dilation=(2, 3), padding=(2, 3)),
    "same": nn.Conv2d(6, 4, (4, 2), padding="same"),
    "same_dilated": nn.Conv2d(6, 4, 2, padding="same", dilation=3),
    "valid": nn.Conv2d(6, 4, 3, padding="valid"),
    "reflect": nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"),
    "circular": nn.Conv2d(6, 4, 3, padding=1, padding_mode="circular"),
    "one_sided": nn.Sequential(nn.ZeroPad2d((0, 1, 2, 1)), nn.Conv2d(6, 4, 3, 2)),
    "one_sided_left": nn.Sequential(nn.ZeroPad2d((2, 0, 1, 3)), nn.Conv2d(6, 4, 3, 2, dilation=2)),
    "pad_twice": nn.Sequential(nn.ZeroPad2d((1, 0, 0, 2)), nn.Conv2d(6, 4, 3, 2, padding=1)),
    "one_sided_grouped": nn.Sequential(nn.ZeroPad2d((0, 2, 1, 0)), nn.Conv2d(6, 4, (2, 3), (1, 2), groups=2)),
    "one_sided_transposed": nn.Sequential(nn.ZeroPad2d((0, 1, 2, 1)), nn.ConvTranspose2d(6, 4, 3, 2, groups=2)),
    "transposed": nn.ConvTranspose2d(6, 4, 3, 2),
    "transposed_grouped": nn.ConvTranspose2d(6, 4, 3, 2, 1, groups=2),
    "transposed_output_padding": nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1),
    "transposed_output_padding_grouped": nn.ConvTranspose2d(6, 4, (3, 2), (2, 3), 1, (1, 2), groups=2),
    "transposed_not_square": nn.ConvTranspose2d(6, 4, (4, 3), (2, 3), (1, 0), output_padding=(0, 2), bias=False),
    "transposed_dilated": nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1, dilation=2),
    "no_batch": Function(lambda x: F.conv2d(x[1], constant(4, 6, 3, 3))),
    "unfold": nn.Unfold((3, 2), dilation=(1, 2), padding=1, stride=2),
    "fold": Function(lambda x: F.fold(x.flatten(2)[..., :16], (5, 6), (2, 3))),
    "own_pads": Function(lambda x: F.relu(F.pad(x, (1, 2, 0, 3)))),
    "value_pads": Function(lambda x: F.pad(x, (1, 2, 0, 3), value=0.5)),
    "negative_pads": Function(lambda x: F.pad(x, (-1, 2, 0, -3))),
    "channel_pads": Function(lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))),
    "reflection": nn.ReflectionPad2d((1, 2, 3, 0)),
    "replication": nn.ReplicationPad2d((1, 2, 3, 0)),
    "circular_pad": nn.CircularPad2d((1, 2, 3, 0)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str) -> None:
    run("convolutions", name)


SEQUENCES: dict[str, Any] = {
    "conv1d": nn.Conv1d(6, 4, 3, 2, 1),
    "conv1d_grouped": nn.Sequential(nn.Conv1d(6, 4, 3, groups=2), nn.BatchNorm1d(4), nn.ReLU(), nn.Conv1d(4, 3, 2)),
    "transposed": nn.ConvTranspose1d(6, 4, 3, 2, output_padding=1),
    "max_pool": nn.MaxPool1d(3, 2, 1),
    "avg_pool": nn.AvgPool1d(3, 2, 1),
    "adaptive": nn.AdaptiveAvgPool1d(5),
    "adaptive_max": nn.AdaptiveMaxPool1d(4),
    "same": nn.Conv1d(6, 4, 4, padding="same"),
    "linear": nn.Linear(11, 5),
    "linear_of_channels": Function(lambda x: F.linear(x.transpose(1, 2), constant(5, 6), constant(5))),
    "reflect": nn.ReflectionPad1d(2),
    "upsampled": Function(lambda x: F.interpolate(x, scale_factor=2, mode="linear")),
    "nearest": Function(lambda x: F.interpolate(x, size=17)),
    "batch_norm": nn.BatchNorm1d(6),
    "prelu": nn.PReLU(6),
    "instance_norm": nn.InstanceNorm1d(6, affine=True),
    "group_norm": nn.GroupNorm(3, 6),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name: str) -> None:
    run("sequences", name)


WINDOWS = [
    (2, 2, 0),
    (3, 2, 0),
    (3, 2, 1),
    (2, 3, 0),
    (1, 2, 0),
    (3, 1, 1),
    ((3, 2), (2, 1), (1, 0)),
    (5, 3, 2),
    (2, 2, 1),
]


def pool(x: Tensor, window: Any, size: tuple[int, int], ceil: bool) -> tuple[Tensor, Tensor]:
    x = x[..., : size[0], : size[1]]
    return F.max_pool2d(x, *window, ceil_mode=ceil), F.avg_pool2d(x, *window, ceil_mode=ceil)


WINDOWED: dict[str, Any] = {
    f"{window}_{size}_{ceil}".translate({ord(c): None for c in " (),"}): functools.partial(
        pool, window=window, size=size, ceil=ceil
    )
    for window in WINDOWS
    for size in [(7, 9), (8, 10), (11, 6)]
    for ceil in (False, True)
}


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
@pytest.mark.parametrize("name", WINDOWED)
def test_windows(name: str, target: str) -> None:
    run("windowed", name, target)


POOLINGS: dict[str, Any] = {
    "uncounted_pad": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "uncounted_pad_ceil": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "uncounted_pad_not_square": lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (0, 1), count_include_pad=False),
    "divisor": lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=2),
    "one_by_one": lambda x: F.adaptive_avg_pool2d(x, 1),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (7, 3)),
    "adaptive_uneven": lambda x: F.adaptive_avg_pool2d(x, (4, 5)),
    "adaptive_larger": lambda x: F.adaptive_avg_pool2d(x, (11, 9)),
    "adaptive_of_one": lambda x: F.adaptive_avg_pool2d(x[..., :1, :2], (7, 4)),
    "adaptive_max_of_one": lambda x: F.adaptive_max_pool2d(x[..., :1, :2], (7, 4)),
    "adaptive_max": lambda x: F.adaptive_max_pool2d(x, (3, 3)),
    "adaptive_max_uneven": lambda x: F.adaptive_max_pool2d(x, (4, 5)),
    "adaptive_max_one": lambda x: F.adaptive_max_pool2d(x, 1),
    "same_padded": lambda x: F.max_pool2d(F.pad(x, (0, 1, 1, 1), value=float("-inf")), 3, 2),
    "padded_zero": lambda x: F.max_pool2d(F.pad(x, (0, 1, 1, 2)), 3, 2),
    "padded_average": lambda x: F.avg_pool2d(F.pad(x, (0, 1, 1, 2)), 3, 2),
    "dilated": lambda x: F.max_pool2d(x, 3, 1, 1, 2),
    "dilated_not_square": lambda x: F.max_pool2d(x, (2, 3), (2, 1), (1, 0), (3, 2)),
    "dilated_ceil": lambda x: F.max_pool2d(x, 2, 2, 1, (2, 3), ceil_mode=True),
    "dilated_padded": lambda x: F.max_pool2d(F.pad(x, (0, 1, 2, 1), value=float("-inf")), 3, 1, 1, 2),
    "no_batch": lambda x: F.max_pool2d(x[0], 2),
    "local_response": lambda x: F.local_response_norm(x, 5, 0.1, 0.75, 1.5),
}


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
@pytest.mark.parametrize("name", POOLINGS)
def test_poolings(name: str, target: str) -> None:
    run("poolings", name, target)


RESIZES: dict[str, Any] = {
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "nearest_not_square": lambda x: F.interpolate(x, scale_factor=(3, 2)),
    "nearest_size": lambda x: F.interpolate(x, size=(10, 20)),
    "nearest_smaller": lambda x: F.interpolate(x, size=(3, 4)),
    "nearest_exact": lambda x: F.interpolate(x, size=(10, 20), mode="nearest-exact"),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bilinear_3": lambda x: F.interpolate(x, scale_factor=(3, 4), mode="bilinear"),
    "bilinear_aligned": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    "bilinear_size": lambda x: F.interpolate(x, size=(13, 5), mode="bilinear"),
    "bilinear_size_aligned": lambda x: F.interpolate(x, size=(13, 5), mode="bilinear", align_corners=True),
    "bilinear_factor": lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "bilinear_one_axis": lambda x: F.interpolate(x, size=(7, 18), mode="bilinear"),
    "bilinear_from_one": lambda x: F.interpolate(x.mean((2, 3), keepdim=True), size=(7, 9), mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "antialiased": lambda x: F.interpolate(x, size=(4, 5), mode="bilinear", antialias=True),
    "area": lambda x: F.interpolate(x, size=(4, 5), mode="area"),
}


@pytest.mark.parametrize("name", RESIZES)
def test_resizes(name: str) -> None:
    run("resizes", name)


def shuffled(x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    return x.view(batch, 3, channels // 3, height, width).transpose(1, 2).contiguous().view(x.shape)


SHAPES: dict[str, Any] = {
    "pixel_shuffle": lambda x: F.pixel_shuffle(x[:, :4], 2),
    "pixel_shuffle_channels": lambda x: F.pixel_shuffle(torch.cat([x, x[:, :2]], 1), 2),
    "pixel_shuffle_3": lambda x: F.pixel_shuffle(torch.cat([x, x, x], 1), 3),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x[..., 1:, 1:], 2),
    "pixel_unshuffle_3": lambda x: F.pixel_unshuffle(x[..., 1:, :], 3),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "channel_shuffle_3": lambda x: F.channel_shuffle(x, 3),
    "channel_shuffle_by_hand": shuffled,
    "focus": lambda x: (
        torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        if x.shape[-1] % 2 == 0
        else torch.cat([x[..., :-1:2, :-1:2], x[..., 1::2, :-1:2], x[..., :-1:2, 1::2], x[..., 1::2, 1::2]], 1)
    ),
    "steps": lambda x: x[:, 1::3, 2::4, ::3],
    "chunk": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "chunk_part": lambda x: x.chunk(3, -1)[1],
    "split": lambda x: torch.cat(x.split([1, 3, 2], 1)[::-1], -3),
    "slice": lambda x: x[:, 2:5, 1:-1],
    "select": lambda x: x[:, -1],
    "select_row": lambda x: x[:, :, 2],
    "unbind": lambda x: torch.stack(x.unbind(1)[:3], -1),
    "stack": lambda x: torch.stack([x, x.relu()], 2),
    "flatten": lambda x: x.flatten(1),
    "flatten_last": lambda x: x.flatten(2),
    "view": lambda x: x.view(2, 3, -1),
    "reshape_batch": lambda x: x.reshape(4, 3, 7, 9),
    "unsqueeze": lambda x: x.unsqueeze(1).squeeze(1).relu(),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "permute_batch": lambda x: x.permute(3, 0, 2, 1),
    "transpose": lambda x: x.transpose(-1, -2),
    "permute_and_back": lambda x: x.permute(0, 2, 3, 1).relu().permute(0, 3, 1, 2),
    "permuted_per_channel": lambda x: (x.permute(0, 2, 3, 1) * constant(6)).permute(0, 3, 1, 2),
    "permuted_sum": lambda x: x.permute(0, 2, 3, 1) + x.relu().permute(0, 2, 3, 1),
    "permuted_sums": lambda x: x.flatten(2).transpose(1, 2) + x.relu().permute(0, 2, 3, 1).reshape(2, 63, 6),
    "permuted_linear": lambda x: F.linear(x.permute(0, 2, 3, 1), constant(4, 6), constant(4)).permute(0, 3, 1, 2),
    "permuted_flatten_linear": lambda x: F.linear(x.permute(0, 2, 3, 1).flatten(1), constant(4, 378)),
    "permuted_softmax": lambda x: x.permute(0, 2, 3, 1).softmax(-1),
    "permuted_cat": lambda x: torch.cat([x.permute(0, 2, 3, 1), x.relu().permute(0, 2, 3, 1)], -1),
    "permuted_slice": lambda x: x.view(2, 2, 3, 7, 9).permute(0, 1, 3, 4, 2)[..., :2].sigmoid(),
    "permuted_split": lambda x: x.view(2, 2, 3, 7, 9).permute(0, 1, 3, 4, 2).split((2, 1), 4)[0] * 2,
    "roll": lambda x: x.roll((1, -2), (2, 3)),
    "flip": lambda x: x.flip(-1, 1),
    "index": lambda x: x[:, [5, 0, 2, 2]],
    "index_select": lambda x: x.index_select(2, torch.tensor([6, 3])),
    "expand": lambda x: x[:, :1].expand(-1, 4, -1, -1),
    "expand_mul": lambda x: x.mean((2, 3), keepdim=True).expand_as(x) * x,
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "repeat_interleave": lambda x: x.repeat_interleave(2, 1),
    "cat_zeros": lambda x: torch.cat([x, torch.zeros_like(x), x.new_full((2, 1, 7, 9), 0.5)], 1),
    "cat_constant": lambda x: torch.cat([x, constant(2, 1, 7, 9)], 1),
    "cat_rows": lambda x: torch.cat([x, x.relu()], -2),
    "chunk_last": lambda x: x.chunk(4, -1)[2],
    "tensor_split": lambda x: torch.tensor_split(x, 3, 2)[2],
    "tensor_split_at": lambda x: torch.tensor_split(x, (2, 5), 3)[1],
    "unflatten": lambda x: x.unflatten(1, (2, -1)).sum(2),
    "tile": lambda x: x.tile(1, 2, 1, 1),
    "movedim": lambda x: x.movedim(1, -1).sigmoid(),
    "squares": lambda x: x.view(2, 3, 2, 7, 3, 3).permute(0, 3, 1, 5, 2, 4).reshape(2, 21, 6, 3),
    "narrow": lambda x: x.narrow(1, 2, 3),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    run("shapes", name)


REDUCTIONS: dict[str, Any] = {
    "mean_plane": lambda x: x.mean((2, 3)),
    "mean_plane_kept": lambda x: x.mean((-1, -2), keepdim=True),
    "mean_channels": lambda x: x.mean(1),
    "mean_rows": lambda x: x.mean(2),
    "mean_columns": lambda x: x.mean(-1, keepdim=True),
    "mean_tail": lambda x: x.mean((1, 2, 3)),
    "mean_all": lambda x: x.mean(),
    "mean_apart": lambda x: x.mean((1, 3)),
    "sum_channels": lambda x: x.sum(1, keepdim=True),
    "sum_tail": lambda x: x.sum((-3, -2, -1), keepdim=True),
    "sum_plane": lambda x: x.sum((2, 3)),
    "sum_all": lambda x: x.sum(),
    "sum_batch": lambda x: x.sum(0),
    "max_channels": lambda x: x.amax(1),
    "max_plane": lambda x: x.amax((2, 3), keepdim=True),
    "max_values": lambda x: x.max(1)[0],
    "max_rows": lambda x: x.amax(-2),
    "max_and_mean": lambda x: x.amax(-3, keepdim=True) - x.mean(-3, keepdim=True),
    "max_places": lambda x: x.max(1)[1],
    "max_both": lambda x: x.max(-1, keepdim=True),
    "max_all": lambda x: x.max(),
    "min": lambda x: x.amin(2),
    "argmax": lambda x: x.argmax(1),
    "argmax_last": lambda x: x.argmax(-1, keepdim=True),
    "argmax_channels": lambda x: x.argmax(-3, keepdim=True),
    "argmin": lambda x: x.argmin(1),
    "norm": lambda x: x.norm(dim=1),
    "norm_1": lambda x: x.norm(p=1, dim=(2, 3)),
    "permuted_mean": lambda x: x.permute(0, 2, 3, 1).mean(-1),
    "logsumexp": lambda x: x.logsumexp(1),
    "variance": lambda x: x.var((2, 3)),
    "deviation": lambda x: x.std(-3, keepdim=True, correction=0),
    "variance_and_mean": lambda x: torch.var_mean(x, 1),
    "cumulative": lambda x: x.cumsum(-2),
    "cumulative_channels": lambda x: x.cumsum(1),
    "any": lambda x: (x > 1).any(1) * 1.0 + (x > -1).all(1),
    "count": lambda x: (x > 0).sum((2, 3)) * 0.5,
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    run("reductions", name)


NORMALIZATIONS: dict[str, Any] = {
    "batch": nn.BatchNorm2d(6),
    "batch_of_its_own": nn.BatchNorm2d(6, track_running_stats=False),
    "batch_plain": nn.BatchNorm2d(6, affine=False, eps=1e-3),
    "instance": nn.InstanceNorm2d(6),
    "instance_affine": nn.InstanceNorm2d(6, affine=True),
    "instance_tracking": nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
    "group": nn.GroupNorm(3, 6),
    "group_plain": nn.GroupNorm(2, 6, affine=False),
    "layer": nn.LayerNorm(9),
    "layer_map": nn.LayerNorm((6, 7, 9)),
    "layer_plain": nn.LayerNorm((7, 9), elementwise_affine=False),
    "rms": nn.RMSNorm(9),
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalizations(name: str) -> None:
    run("normalizations", name)


MATRICES: dict[str, Any] = {
    "linear": nn.Linear(9, 4),
    "flat": nn.Sequential(nn.Flatten(), nn.Linear(378, 5, bias=False)),
    "matmul": lambda x: x @ constant(9, 4),
    "einsum": lambda x: torch.einsum("nchw,oc->nohw", x, constant(4, 6)),
    "weighted": lambda x: torch.einsum("nchw,nc->nhw", x, x.mean((2, 3))),
    "linear_2d": lambda x: F.linear(x.mean((2, 3)), constant(4, 6), constant(4)),
    "linear_5d": lambda x: F.linear(x.view(2, 3, 2, 7, 9), constant(4, 9), constant(4)),
    "matmul_left": lambda x: constant(5, 7) @ x,
    "matmul_vector": lambda x: x @ constant(9),
    "matrix_and_column": lambda x: x.flatten(2) @ x[:, 4].flatten(1).softmax(1).unsqueeze(-1),
    "row_and_matrix": lambda x: x[:, :3, :1].sigmoid() @ x[:, 3:].transpose(-1, -2),
    "row_and_column": lambda x: x[:, :1, 2] @ x[:, 1:2, 3].transpose(1, 2),
    "embedding": lambda x: F.embedding((x[:, :2, 0, 0] * 2).abs().clamp(0, 2).long(), constant(4, 3)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrices(name: str) -> None:
    run("matrices", name)


class Recurrent(nn.Module):
    def __init__(self, pick: Callable[..., Any], kind: type[nn.LSTM] | type[nn.RNN] = nn.LSTM, **options: Any):
        super().__init__()
        self.unit = kind(5, 4, **options)
        self.pick = pick

    def forward(self, x: Tensor) -> Any:
        return self.pick(*self.unit(x))


class WithState(nn.Module):
    """A plain recurrent operation that begins with a state."""

    def __init__(self) -> None:
        super().__init__()
        self.unit = nn.RNN(5, 4)

    def forward(self, x: Tensor) -> Any:
        return self.unit(x, x[:1, :, :4])


LSTMS: dict[str, Any] = {
    "plain": Recurrent(lambda out, states: out),
    "batch_first": Recurrent(lambda out, states: out, batch_first=True),
    "both_directions": Recurrent(lambda out, states: out, bidirectional=True),
    "layers": Recurrent(lambda out, states: out, num_layers=2, bidirectional=True, batch_first=True),
    "no_bias": Recurrent(lambda out, states: out, bias=False),
    "last": Recurrent(lambda out, states: states[0][-1]),
    "hidden": Recurrent(lambda out, states: states[0], bidirectional=True, num_layers=2),
    "states": Recurrent(lambda out, states: (out, *states), bidirectional=True),
    "rnn": Recurrent(lambda out, state: out, nn.RNN),
    "rnn_layers": Recurrent(
        lambda out, state: (out, state), nn.RNN, num_layers=2, bidirectional=True, batch_first=True
    ),
    "rnn_no_bias": Recurrent(lambda out, state: state[0], nn.RNN, bias=False),
    "rnn_state": WithState(),
}


@pytest.mark.parametrize("name", LSTMS)
def test_lstm(name: str) -> None:
    run("lstms", name)


VOLUMES: dict[str, Any] = {
    "conv3d": nn.Conv3d(4, 6, (2, 3, 1), (1, 2, 1), (1, 0, 0)),
    "conv3d_grouped": nn.Conv3d(4, 6, 3, padding=1, groups=2, bias=False),
    "transposed": nn.ConvTranspose3d(4, 3, 2, 2),
    "batch_norm": nn.BatchNorm3d(4),
    "mean": lambda x: x.mean((2, 3, 4)),
    "softmax": lambda x: x.softmax(-4),
    "local_response": lambda x: F.local_response_norm(x, 3),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes(name: str) -> None:
    run("volumes", name)


FLAT: dict[str, Any] = {
    "linear": nn.Linear(7, 4),
    "batch_norm": nn.BatchNorm1d(7),
    "prelu": nn.PReLU(7),
    "layer_norm": nn.LayerNorm(7),
    "group_norm": nn.GroupNorm(1, 7),
    "softmax": lambda x: x.softmax(-1) + x.log_softmax(0),
    "argmax": lambda x: x.argmax(-1),
    "normalized": F.normalize,
    "gate": lambda x: x * constant(7) + x[:, :1],
    "planes": lambda x: x[:, :, None, None] * constant(1, 7, 3, 2),
}


@pytest.mark.parametrize("name", FLAT)
def test_flat(name: str) -> None:
    run("flat", name)


FAMILIES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "activations": (ACTIVATIONS, ()),
    "arithmetic": (ARITHMETIC, ()),
    "convolutions": (CONVOLUTIONS, ()),
    "sequences": (SEQUENCES, (2, 6, 11)),
    "windowed": (WINDOWED, (2, 3, 11, 10)),
    "poolings": (POOLINGS, ()),
    "resizes": (RESIZES, ()),
    "shapes": (SHAPES, ()),
    "reductions": (REDUCTIONS, ()),
    "normalizations": (NORMALIZATIONS, ()),
    "matrices": (MATRICES, ()),
    "volumes": (VOLUMES, (2, 4, 3, 5, 6)),
    "flat": (FLAT, (3, 7)),
    "lstms": (LSTMS, (7, 3, 5)),
}


# By family, the cases that only choose or move values, and so are equal to the bit.
EXACT = {
    "activations": ["relu6", "clamp", "clamp_min", "clamp_max", "clamp_zero", "hardtanh"],
    "poolings": ["same_padded", "padded_zero", "dilated", "dilated_not_square", "adaptive_max_uneven"],
    "resizes": ["nearest", "nearest_not_square"],
    "shapes": [
        *("pixel_shuffle", "pixel_shuffle_channels", "pixel_shuffle_3", "pixel_unshuffle", "pixel_unshuffle_3"),
        *("focus", "steps", "channel_shuffle", "channel_shuffle_3", "channel_shuffle_by_hand"),
        *("chunk", "chunk_part", "chunk_last", "split", "slice", "select", "unbind", "flip", "roll", "permute"),
    ],
    "reductions": ["max_channels", "max_plane", "max_rows", "max_values", "max_places", "max_both", "argmax"],
}


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
@pytest.mark.parametrize("family", EXACT)
def test_values_that_are_chosen_or_moved_are_equal_to_the_bit(family: str, target: str) -> None:
    found, expected, _ = outputs(family, target)
    for name in EXACT[family]:
        keys = [key for key in expected if key.partition(":")[0] == f"case_{name}"]
        assert keys
        assert all(found[key].to(expected[key].dtype).equal(expected[key]) for key in keys), name
