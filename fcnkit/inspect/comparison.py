"""Comparison of two nets: their structure, their weights, and the values they compute from the same input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple, Unpack

import torch
from google.protobuf import text_format
from google.protobuf.message import Message
from torch import Tensor

from fcnkit.aliases import AnyPath, Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import FileFormatError, InputError
from fcnkit.formats.format import Holds, recognize
from fcnkit.formats.loading import load
from fcnkit.net import CaffeNet, Step
from fcnkit.net.conversion import InputShape, Reading

# The number of values compared at a time; it limits the memory used for large weights.
_AT_ONCE = 2**22
# Fields that are not compared as settings: they are compared separately, or not at all.
_OTHER_FIELDS = frozenset(("name", "type", "bottom", "top", "blobs", "phase"))
# The approximate spread of image values around their mean.
_PIXELS = 64.0


class Difference(NamedTuple):
    """One difference between the nets, as text: the layer or input, the property, and its value in A and in B."""

    of: str
    what: str
    in_a: str
    in_b: str


class Gap(NamedTuple):
    """The gap between two arrays of one shape: the largest difference, the largest value, how many values differ.

    A value that is NaN or infinite in only one of the arrays counts as an infinite difference.
    """

    shape: Shape
    difference: float
    value: float
    differing: int

    @property
    def relative(self) -> float:
        """The largest difference divided by the largest value of the reference array."""
        return self.difference / self.value if self.value and self.difference else self.difference


class LayerGap(NamedTuple):
    """The gap between two blobs, with the layer's name and the blob's name (for weights, the blob's number)."""

    layer: str
    blob: str
    gap: Gap


@dataclass(frozen=True)
class Comparison:
    """weights and values list every compared pair; None if there was nothing to compare. So does structure."""

    structure: list[Difference] | None
    weights: list[LayerGap] | None = None
    values: list[LayerGap] | None = None

    def apart(self, tolerance: float = 0) -> bool:
        """Whether the nets differ by more than a tolerance, relative to the largest value of each blob."""
        return bool(self.structure) or any(
            each.gap.relative > tolerance for each in (*(self.weights or ()), *(self.values or ()))
        )


def compare_files(
    a: AnyPath,
    b: AnyPath,
    prototxt: AnyPath | None = None,
    input_shape: InputShape | None = None,
    run: bool = False,
    seed: int = 0,
    outputs: bool = False,
    **reading: Unpack[Reading],
) -> Comparison:
    """Compare the nets of two files of any formats.

    Args:
        a, b: see `fcnkit.load`.
        prototxt: the definition for each file that contains only weights.
        input_shape: as in `fcnkit.convert`, for both.
        run: also compare the values that the nets compute.
        seed: the seed of the random input.
        outputs: compare the outputs that the nets compute and nothing else; they may be different nets.

    Raises:
        FileFormatError: the nets are to run, and a file contains only a definition.
        FcnkitError: a file cannot be opened, or the nets cannot take the same input.
    """
    definitions = [path for path in (a, b) if recognize(path).holds is Holds.DEFINITION]
    if (run or outputs) and definitions:
        option = "`outputs`" if outputs else "`run`"
        problem = f"has no weights and cannot run; give weights, or leave {option} out"
        raise FileFormatError(problem).in_file(definitions[0])
    one, other = (_opened(path, prototxt, input_shape, run or outputs, reading) for path in (a, b))
    if outputs:
        return Comparison(None, None, list(compare_runs(one, other, seed, outputs=True)))
    structure, weights = compare_structure(one, other), None
    if not definitions:
        unlike, weights = compare_weights(one, other)
        structure += unlike
    return Comparison(structure, weights, list(compare_runs(one, other, seed)) if run else None)


def _opened(path: AnyPath, prototxt: AnyPath | None, shape: InputShape | None, run: bool, reading: Reading) -> CaffeNet:
    own: Reading = {**reading, "net": None}
    try:
        net = load(path, input_shape=shape, mapped=not run, untrained="leave", **own)
    except FileFormatError:
        if (prototxt is None and reading.get("net") is None) or recognize(path).holds is Holds.DEFINITION:
            raise
        net = load(path, prototxt, input_shape=shape, mapped=not run, **reading)
    return _realigned(net) if run else net


def compare_structure(a: CaffeNet, b: CaffeNet) -> list[Difference]:
    """The differences in inputs and layers. Layers are matched by name; fields with default values are ignored."""
    found = []
    for name in dict.fromkeys((*a.inputs, *b.inputs)):
        shapes = [str(net.shapes[name]) if name in net.inputs else "-" for net in (a, b)]
        if shapes[0] != shapes[1]:
            found.append(Difference(name, "input", *shapes))
    layers, others = (_layers(net) for net in (a, b))
    for name, layer in layers.items():
        if name not in others:
            found.append(Difference(name, "layer", layer.type, "-"))
            continue
        sides = [_told(layer), _told(others[name])]
        for what in dict.fromkeys((*sides[0], *sides[1])):
            words = [side.get(what, "-") for side in sides]
            if words[0] != words[1]:
                found.append(Difference(name, what, *words))
    found += [Difference(name, "layer", "-", layer.type) for name, layer in others.items() if name not in layers]
    shared = [[name for name in one if name in other] for one, other in ((layers, others), (others, layers))]
    return found + list(_moved(*shared))


def _layers(net: CaffeNet) -> dict[str, LayerParameter]:
    """The layers by name. If several layers have one name, a number is appended to the later ones."""
    found: dict[str, LayerParameter] = {}
    for layer in net.definition().layer:
        if layer.type != "Input":
            count = sum(name == layer.name or name.startswith(f"{layer.name} #") for name in found)
            found[f"{layer.name} #{count + 1}" if layer.name in found else layer.name] = layer
    return found


def _moved(a: Sequence[str], b: Sequence[str]) -> Iterator[Difference]:
    """The few names whose position differs between two orders of the same names."""
    kept = {a[i] for start, _, size in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
            for i in range(start, start + size)}  # fmt: skip
    for name in a:
        if name not in kept:
            before = [order[order.index(name) - 1] if order.index(name) else None for order in (a, b)]
            yield Difference(name, "place", *(f"after {each!r}" if each else "first" for each in before))


def _told(layer: LayerParameter) -> dict[str, str]:
    blobs = {"bottom": ", ".join(layer.bottom), "top": ", ".join(layer.top)}
    return {"type": layer.type, **blobs, **dict(_settings(layer, ""))}


def _settings(message: Message, prefix: str) -> Iterator[tuple[str, str]]:
    """The fields of a message with non-default values, as pairs of name and text."""
    for field, value in message.ListFields():
        name = prefix + field.name
        if not prefix and field.name in _OTHER_FIELDS:
            continue
        if hasattr(value, "ListFields"):
            yield from _settings(value, f"{name}.")
        elif not isinstance(value, (int, float, str, bytes)):
            yield name, ", ".join(map(_word, value))
        elif value != field.default_value:
            enum = field.enum_type
            yield name, enum.values_by_number[int(value)].name if enum else _word(value)


def _word(value: Any) -> str:
    if hasattr(value, "ListFields"):
        return "{ " + text_format.MessageToString(value, as_one_line=True) + " }"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def compare_weights(a: CaffeNet, b: CaffeNet) -> tuple[list[Difference], list[LayerGap]]:
    """The weights whose shapes do not match, and the gaps between those whose shapes match, in A's order."""
    unlike, gaps = [], []
    others = b.blobs()
    for layer, blobs in a.blobs().items():
        # A layer that is in only one of the nets is reported as a difference in structure.
        for index, (one, other) in enumerate(zip(blobs, others.get(layer, ()), strict=False)):
            if one.shape == other.shape:
                gaps.append(LayerGap(layer, str(index), gap(other, one)))
            else:
                unlike.append(Difference(layer, f"blob {index}", str(tuple(one.shape)), str(tuple(other.shape))))
    return unlike, gaps


def gap(found: Tensor, expected: Tensor) -> Gap:
    """The gap between found and expected, a tensor of the same shape."""
    difference, largest, count = 0.0, 0.0, 0
    pairs = zip(torch.split(found.reshape(-1), _AT_ONCE), torch.split(expected.reshape(-1), _AT_ONCE), strict=True)
    for one, other in pairs:
        if not other.numel():
            continue
        largest = max(largest, float(other.abs().nan_to_num(nan=0, posinf=0).max()))
        if torch.equal(one, other):
            continue
        differ = ~((one == other) | (one.isnan() & other.isnan()))
        if differ.any():
            far = (one[differ].double() - other[differ].double()).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
            difference, count = max(difference, float(far.max())), count + int(differ.sum())
    return Gap(tuple(expected.shape), difference, largest, count)


def seeded_inputs(net: CaffeNet, seed: int) -> dict[str, Tensor]:
    """Reproducible random values for the inputs of a net: with the spread of image values, or around 1."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(net.shapes[name], generator=generator) * (_PIXELS if name in net.preprocessing else 1)
        for name in net.inputs
    }


def compare_runs(a: CaffeNet, b: CaffeNet, seed: int = 0, outputs: bool = False) -> Iterator[LayerGap]:
    """Run both nets on one input, and yield the gap of each blob that both make, after the last layer that changes it.

    Values that layers overwrite in place are not compared: a net whose layers are folded has none of them. A gap has
    the name of the layer that makes the last value in A.

    Args:
        a, b: the nets.
        seed: of the random input.
        outputs: compare the outputs alone.

    Raises:
        InputError: the inputs of the nets differ, or with `outputs` their outputs.
    """
    _require_same("cannot run on the same input", "takes", a, b, a.inputs, b.inputs)
    if outputs:
        _require_same("have other outputs", "makes", a, b, a.outputs, b.outputs)
    inputs = seeded_inputs(a, seed)
    shared = ({*a.outputs} if outputs else _made(a)) & _made(b)
    others, ahead = _last_values(b, inputs, shared), dict[str, Tensor]()
    for step, name, value in _last_values(a, inputs, shared):
        # B may make the blob earlier or later; its blobs are kept until A reaches them.
        while name not in ahead:
            _, other, made = next(others)
            ahead[other] = made
        other_value = ahead.pop(name)
        if value.shape == other_value.shape:
            yield LayerGap(step.name, name, gap(other_value, value))
        else:
            yield LayerGap(step.name, name, Gap(tuple(value.shape), torch.inf, 0.0, value.numel()))


def _require_same(problem: str, verb: str, a: CaffeNet, b: CaffeNet, in_a: Sequence[str], in_b: Sequence[str]) -> None:
    if set(in_a) != set(in_b):
        names = [", ".join(map(repr, each)) for each in (in_a, in_b)]
        raise InputError(f"the nets {problem}: A {verb} {names[0]}, B {verb} {names[1]}")


def _made(net: CaffeNet) -> set[str]:
    return {top for step in net.steps for top in step.tops}


@torch.no_grad()
def _last_values(net: CaffeNet, inputs: dict[str, Tensor], wanted: set[str]) -> Iterator[tuple[Step, str, Tensor]]:
    """Run a net, and yield each of the wanted blobs after the last layer that makes it."""
    last = {top: step for step in net.steps for top in step.tops}
    for step, tops in net.walk(**{name: value.clone() for name, value in inputs.items()}):
        for name, value in zip(step.tops, tops, strict=True):
            if name in wanted and last[name] is step:
                yield step, name, value


def _realigned(net: CaffeNet) -> CaffeNet:
    """The net with weights in memory of PyTorch's own, in place.

    Weights that are views on a file lie at any address, and matrix products sum in another order there.
    """
    for name, tensor in net.state_dict(keep_vars=True).items():
        tensor.data = tensor.data.clone()
        net.places.pop(name, None)
    return net
