"""The check that a net computes what the module computes that it was written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import getitem
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg
from torch.utils import _pytree as pytree

from fcnkit.errors import FcnkitError
from fcnkit.export.conversion import Written
from fcnkit.export.tracing import constants
from fcnkit.net import CaffeNet

# The largest difference that is accepted, relative to the largest value of a tensor.
LARGEST_ERROR = 1e-4


# Functions by the operation that they replace.
Replaced = Mapping[str, Callable[..., Any]]


class DifferenceError(FcnkitError):
    """A net's values differ from those of the module that it was written from."""


class Error(NamedTuple):
    """The largest difference of a tensor, absolute, and relative to the tensor's largest value."""

    name: str
    absolute: float
    relative: float


def second(inputs: Sequence[Any]) -> list[Any]:
    """Other inputs of the same shapes and similar values."""
    generator = torch.Generator().manual_seed(0)
    others: list[Any] = []
    for values in inputs:
        if not isinstance(values, Tensor):
            others.append(values)
        elif values.is_floating_point():
            spread = values.float().std() if values.numel() > 1 else torch.tensor(0.0)
            noise = torch.randn(values.shape, generator=generator) * (spread.cpu() if spread > 0 else 1)
            others.append((noise + values.float().mean().cpu()).to(values))
        else:
            others.append(values.flatten().flip(0).reshape(values.shape))
    return others


def output_errors(net: CaffeNet, written: Written, inputs: Sequence[Any], expected: Any) -> list[Error]:
    """The error of each output for these inputs."""
    values = net(*_fed(net, inputs))
    found = values if isinstance(values, dict) else {net.outputs[0]: values}
    tensors = [each for each in pytree.tree_leaves(expected) if isinstance(each, Tensor)]
    return [
        _error(name, found[name], tensor) for name, tensor in zip(written.outputs, tensors, strict=True)
    ]  # fmt: skip


def differences(net: CaffeNet, other: CaffeNet, inputs: Sequence[Any]) -> list[Error]:
    """The difference of each output of a net to the one in the same place of another net."""
    fed = _fed(net, inputs)
    expected, found = net.forward_blobs(*fed), other.forward_blobs(*fed)
    return [
        _error(name, found[own], expected[name]) for name, own in zip(net.outputs, other.outputs, strict=True)
    ]  # fmt: skip


def operation_errors(
    net: CaffeNet, written: Written, program: ExportedProgram, inputs: Sequence[Any], others: Replaced
) -> list[Error]:
    """The error of each operation's result that is a blob of the net, in the order of the operations."""
    found = net.forward_blobs(*_fed(net, inputs))
    expected = evaluate(program, inputs, others)
    errors = []
    for node, view in written.views.items():
        name = written.net.renamed.get(view.blob.name, view.blob.name)
        value = expected[node]
        if name in found and isinstance(value, Tensor):
            own = found[name].contiguous().as_strided(view.shape, view.layout.stride())
            if str(node.target) == "aten.expand.default":
                # No layer repeats the values before the arithmetic that takes them.
                own = own.expand(value.shape)
            errors.append(_error(name, own, value))
    return errors


def outputs(program: ExportedProgram, inputs: Sequence[Any], others: Replaced = MappingProxyType({})) -> list[Any]:
    """The outputs of a program, computed by PyTorch; takes what `evaluate` takes."""
    values = evaluate(program, inputs, others)
    (end,) = [node for node in program.graph.nodes if node.op == "output"]
    return [values[each] for each in end.args[0]]


def evaluate(
    program: ExportedProgram, inputs: Sequence[Any], others: Replaced = MappingProxyType({})
) -> dict[Node, Any]:
    """The value of each operation of a program, computed by PyTorch.

    Args:
        program: in ATen operations; nothing else in it is run.
        inputs: the tensors.
        others: functions to be used in place of operations.
    """
    stored = constants(program)
    given = iter([each for each in inputs if isinstance(each, Tensor)])
    values: dict[Node, Any] = {}
    with torch.no_grad():
        for node in program.graph.nodes:
            args = map_arg(list(node.args), lambda each: values[each])
            if node.op == "placeholder":
                is_input = node.name not in stored and isinstance(node.meta.get("val"), Tensor)
                values[node] = next(given) if is_input else stored.get(node.name, (None, None))[1]
            elif node.target is getitem:
                values[node] = args[0][args[1]]
            elif isinstance(node.target, OpOverload):
                kwargs = map_arg(node.kwargs, lambda each: values[each])
                values[node] = others.get(str(node.target), node.target)(*args, **kwargs)
    return values


def require(errors: Sequence[Error], what: str) -> None:
    """Refuse errors above the limit.

    Raises:
        DifferenceError: names the tensors whose errors are too large, the first ones first.
    """
    wrong = [each for each in errors if not each.relative <= LARGEST_ERROR]
    if wrong:
        listed = ", ".join(f"{each.name!r} by {each.relative:.1g} of its largest value" for each in wrong[:5])
        more = f" and {len(wrong) - 5} more" * (len(wrong) > 5)
        raise DifferenceError(f"{what}: {listed}{more}")


def _fed(net: CaffeNet, inputs: Sequence[Any]) -> list[Tensor]:
    like = next((each for each in net.parameters()), torch.empty(0))
    return [
        each.detach().to(like) if each.is_floating_point() else each.cpu()
        for each in inputs
        if isinstance(each, Tensor)
    ]


def _error(name: str, found: Tensor, expected: Tensor) -> Error:
    if found.shape != expected.shape:
        raise DifferenceError(f"{name!r} has the shape {tuple(found.shape)}, the module's {tuple(expected.shape)}")
    if not expected.numel():
        return Error(name, 0, 0)
    a, b = found.detach().double(), expected.detach().to(found.device).double()
    # Values that are infinite or not a number must be so in both.
    same = (a == b) | (a.isnan() & b.isnan())
    gap = torch.where(same, 0, (a - b).abs()).nan_to_num(torch.inf).max()
    largest = b[b.isfinite()].abs().max() if b.isfinite().any() else b.new_ones(())
    return Error(name, float(gap), float(gap / largest.clamp(min=1e-30)))
