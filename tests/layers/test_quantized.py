"""Layers with numbers of few bits, against loops written from the CUDA text and values worked out by hand."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, OutputError
from fcnkit.nn.quantized import FixedPoint, MiniFloat, PowerOfTwo
from tests.layers.build import definition, layer, net, run, tops_of, values

CONV = "convolution_param { num_output: 3 kernel_h: 3 kernel_w: 2 group: %d }"
DYNAMIC = (
    "quantization_param { bw_layer_in: 8 fl_layer_in: 4 bw_params: 6 fl_params: 5 bw_layer_out: 8 fl_layer_out: 3 }"
)


def fixed(value: float, bits: int, fraction: int) -> float:
    """Halves to even numbers, as rint of C."""
    unit = 2.0**-fraction
    value = max(min(value, (2 ** (bits - 1) - 1) * unit), -(2 ** (bits - 1)) * unit)
    return round(value / unit) * unit


def mini(value: float, mantissa: int, exponent: int) -> float:
    (parts,) = struct.unpack("I", struct.pack("f", value))
    sign, stored, rest = parts >> 31, parts >> 23 & 255, parts & (2**23 - 1)
    bias = 2 ** (exponent - 1) - 1
    moved = stored - 127 + bias
    if stored == 0 or moved < 0:
        return 0.0
    if moved > 2**exponent - 1:
        moved, part = 2**exponent - 1, 2**mantissa - 1
    else:
        part = round(rest / 2 ** (23 - mantissa))
    return (-1) ** sign * (part + 2**mantissa) / 2**mantissa * 2.0 ** (moved - bias)


def power(value: float, least: int, greatest: int) -> float:
    exponent = round(math.log2(abs(value))) if value else least
    return (1 if value >= 0 else -1) * 2.0 ** max(min(exponent, greatest), least)


NUMBERS = [0.0, 0.25, -0.25, 0.75, 1e-40, 3e-5, -1.0, 1.53, 2.5, -7.99, 8.0, 100.0, -3e9, 0.1, 0.3, 1 / 3]


@pytest.mark.parametrize(("bits", "fraction"), [(8, 1), (4, 3), (2, 0), (32, 16), (6, -2)])
def test_fixed_points(bits: int, fraction: int) -> None:
    found = FixedPoint(bits, fraction)(torch.tensor(NUMBERS))
    assert found.tolist() == pytest.approx([fixed(float(np.float32(each)), bits, fraction) for each in NUMBERS])


def test_fixed_points_by_hand() -> None:
    """4 bits with 2 behind the point: from -2 to 1.75 in steps of 0.25, halves of a step to even ones."""
    found = FixedPoint(4, 2)(torch.tensor([0.125, 0.375, 1.74, 9, -1.99, -9]))
    assert found.tolist() == [0, 0.5, 1.75, 1.75, -2, -2]


@pytest.mark.parametrize(("mantissa", "exponent"), [(23, 8), (3, 4), (0, 3), (10, 5)])
def test_small_floats(mantissa: int, exponent: int) -> None:
    found = MiniFloat(mantissa, exponent)(torch.tensor(NUMBERS))
    assert found.tolist() == [pytest.approx(mini(each, mantissa, exponent), rel=1e-6) for each in NUMBERS]


@pytest.mark.parametrize(("least", "greatest"), [(-8, -1), (-2, 3)])
def test_powers_of_two(least: int, greatest: int) -> None:
    found = PowerOfTwo(least, greatest)(torch.tensor(NUMBERS))
    assert found.tolist() == [power(each, least, greatest) for each in NUMBERS]


@pytest.mark.parametrize("kind", [FixedPoint(8, 2), PowerOfTwo(-3, 3), MiniFloat(2, 4)])
def test_random_rounding_is_right_on_average(kind: FixedPoint | PowerOfTwo | MiniFloat) -> None:
    """1.3125: a quarter of the way from 1.25 to 1.5; its logarithm is 0.39232, and 2 is that likely."""
    torch.manual_seed(0)
    found = kind(torch.full((40000,), 1.3125), random=True)
    low, high, share = (1, 2, math.log2(1.3125)) if isinstance(kind, PowerOfTwo) else (1.25, 1.5, 0.25)
    assert set(found.tolist()) == {low, high}
    assert (found == high).double().mean().item() == pytest.approx(share, abs=0.01)


def trimmed(blob: np.ndarray, bits: int, fraction: int) -> np.ndarray:
    return np.vectorize(lambda value: fixed(float(value), bits, fraction), otypes=[np.float32])(blob)


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
def test_few_bits_at_each_end(kind: str, group: int) -> None:
    """The same layer with all bits, of what is trimmed before, trimmed behind."""
    bottom, weight, bias = values(2, 3, 5, 4) * 4, values(3, 3 // group, 3, 2, seed=1), values(3, seed=2)
    found = run(layer(f"{kind}Ristretto", "a", f"{CONV % group} {DYNAMIC}"), [bottom], {"it": [weight, bias]})
    blobs = {"it": [trimmed(weight, 6, 5), trimmed(bias, 6, 5)]}
    assert np.allclose(found, trimmed(run(layer(kind, "a", CONV % group), [trimmed(bottom, 8, 4)], blobs), 8, 3))


@pytest.mark.parametrize("transpose", ["false", "true"])
def test_few_bits_of_an_inner_product(transpose: str) -> None:
    settings = f"inner_product_param {{ num_output: 4 transpose: {transpose} }} quantization_param {{"
    settings += " precision: INTEGER_POWER_OF_2_WEIGHTS exp_min: -4 bw_layer_out: 8 fl_layer_out: 5 }"
    bottom, weight, bias = values(2, 3, 1, 2), values(4, 6, seed=1), values(4, seed=2)
    stored = weight.T.copy() if transpose == "true" else weight
    found = run(layer("FcRistretto", "a", settings), [bottom], {"it": [stored, bias]})
    powers = np.vectorize(lambda value: power(float(value), -4, -1))(weight)
    assert np.allclose(found, trimmed(bottom.reshape(2, 6) @ powers.T + bias, 8, 5), atol=1 / 64)


def test_later_layers_read_the_trimmed_bottom() -> None:
    """The fork writes into the bottom: the sum behind the layer reads fewer bits, that before it reads all."""
    text = layer("Power", "a", "power_param { scale: 1 }", "b", name="b")
    text += layer("Power", "b", "power_param { scale: 3 }", "before", name="before")
    text += layer("ConvolutionRistretto", "b", f"{CONV % 1} {DYNAMIC}", "c", name="c")
    text += layer("Power", "b", "power_param { scale: 3 }", "after", name="after")
    bottom = values(1, 3, 5, 4)
    it = net(text, [bottom])
    with torch.no_grad():
        blobs = it.forward_blobs(torch.from_numpy(bottom))
    assert np.allclose(blobs["before"], 3 * bottom)
    assert np.allclose(blobs["after"], 3 * trimmed(bottom, 8, 4))
    assert not np.allclose(blobs["after"], 3 * bottom, atol=1e-3)
    assert it.outputs == ("before", "c", "after")
    assert np.allclose(blobs["a"], bottom)


def test_training_trims_weights_alone(tmp_path: Path) -> None:
    text = definition(layer("FcRistretto", "a", f"inner_product_param {{ num_output: 1 }} {DYNAMIC}"), {"a": (1, 1)})
    it = fcnkit.CaffeNet(text, {"it": [np.array([[0.3]], np.float32), np.array([0.0], np.float32)]}).train()
    module = it.get_submodule("it")
    found = sorted({it(torch.full((1, 1), 1.01)).item() for _ in range(40)})
    assert found == pytest.approx([1.01 * 9 / 32, 1.01 * 10 / 32])
    it(torch.full((1, 1), 1.01)).sum().backward()
    assert module.weight.grad is not None
    assert module.weight.grad.item() == pytest.approx(1.01)
    it.eval()
    bottom = torch.full((1, 1), 1.01, requires_grad=True)
    top = it(bottom)
    assert top.item() == pytest.approx(fixed(1.0 * 10 / 32, 8, 3))
    top.sum().backward()
    assert bottom.grad is not None
    assert bottom.grad.item() == pytest.approx(10 / 32)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("rounding_scheme: STOCHASTIC", "rounding_scheme STOCHASTIC, at random in tests, is not supported"),
        ("precision: MINIFLOAT mant_bits: 24", "mant_bits are 0 to 23 and exp_bits 1 to 8"),
        ("bw_params: 0", "bw_layer_in, bw_params and bw_layer_out are 1 to 32"),
        ("precision: INTEGER_POWER_OF_2_WEIGHTS exp_max: -9", "exp_min -8 must not be over exp_max -9"),
    ],
)
def test_formats_that_are_refused(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        net(layer("ConvolutionRistretto", "a", f"{CONV % 1} quantization_param {{ {settings} }}"), [values(1, 3, 5, 4)])


@pytest.mark.parametrize("suffix", [".safetensors", ".caffemodel", ".npz", ".pth"])
def test_formats_keep_the_numbers(suffix: str, tmp_path: Path) -> None:
    text = definition(layer("ConvolutionRistretto", "a", f"{CONV % 1} {DYNAMIC}"), {"a": (1, 3, 5, 4)})
    weight, bias = values(3, 3, 3, 2, seed=1), values(3, seed=2)
    it = fcnkit.CaffeNet(text, {"it": [weight, bias]}).eval()
    assert list(it.state_dict()) == ["it.weight", "it.bias"]
    (tmp_path / "net.prototxt").write_text(text)
    fcnkit.save(it, tmp_path / f"net{suffix}")
    again = fcnkit.load(tmp_path / f"net{suffix}", prototxt=tmp_path / "net.prototxt").eval()
    bottom = values(1, 3, 5, 4) * 4
    assert np.array_equal(tops_of(again, bottom), tops_of(it, bottom))
    with pytest.raises(OutputError, match="cannot be written as Python: it does not keep its argument 'bottom'"):
        fcnkit.save(it, tmp_path / "net.py")
