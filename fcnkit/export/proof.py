"""The check that a net computes what the module computes that it was written from."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node
from torch.utils import _pytree as pytree

from fcnkit.errors import FcnkitError
from fcnkit.export.conversion import Written
from fcnkit.export.evaluation import Replaced, evaluated, outputs
from fcnkit.export.views import View
from fcnkit.net import CaffeNet

# The largest difference that is accepted, relative to the largest value of a tensor.
LARGEST_ERROR = 1e-4


class DifferenceError(FcnkitError):
    """A net's values differ from those of the module that it was written from."""


class Error(NamedTuple):
    """The largest difference of a tensor, absolute, and relative to the tensor's largest value."""

    name: str
    absolute: float
    relative: float


class Found(NamedTuple):
    """The largest error of the outputs; in double precision where that was needed, else None."""

    relative: float
    in_double: float | None


@dataclass
class Proof:
    """A net beside the program that it was written from.

    Attributes:
        net, written, program: the net, and what it was written from.
        others: functions to be used in place of the program's operations: the approximations in the net.
        double: whether the net is one in double precision, and the program is to be computed so.
    """

    net: CaffeNet
    written: Written
    program: ExportedProgram
    others: Replaced
    double: bool = False

    def require(self, inputs: Sequence[Any], expected: Any, every: bool) -> Found:
        """Compare the net with the module on some inputs.

        Two orders of the same sums differ by rounding, which some modules amplify. Errors are therefore computed anew
        in double precision, beside the program, if that computes the same as the module.

        Args:
            inputs: of the module.
            expected: the module's outputs.
            every: compare the results of all operations, not only the outputs.

        Raises:
            DifferenceError: values differ by more than 1e-4 of the largest.
        """
        errors = self._output_errors(inputs, expected)
        largest = max(each.relative for each in errors)
        if self.others:
            errors = self._output_errors(inputs, outputs(self.program, inputs, self.others))
        proof, precise = self, None
        if _may_be_rounding(errors) and not any(map(_is_wrong, self._program_errors(inputs, expected))):
            proof, inputs = self._in_double(), _in_double(inputs)
            errors = proof._output_errors(inputs, outputs(self.program, inputs, self.others, double=True))
            precise = max(each.relative for each in errors)
        if every or any(map(_is_wrong, errors)):
            found = proof._operation_errors(inputs)
            if not proof.double and _may_be_rounding(found):
                found = self._in_double()._operation_errors(_in_double(inputs))
            _refuse_wrong(found, "layers compute other values than the module, the first ones")
        _refuse_wrong(errors, "outputs differ from the module's")
        return Found(largest, precise)

    def _in_double(self) -> Proof:
        return Proof(copy.deepcopy(self.net).double(), self.written, self.program, self.others, double=True)

    def _program_errors(self, inputs: Sequence[Any], expected: Any) -> list[Error]:
        """The error of each output of the program itself."""
        tensors = [each for each in pytree.tree_leaves(expected) if isinstance(each, Tensor)]
        found = outputs(self.program, inputs)
        return [_error("", own, each) for own, each in zip(found, tensors, strict=True)]

    def _output_errors(self, inputs: Sequence[Any], expected: Any) -> list[Error]:
        """The error of each output."""
        values = self.net(*_fed(self.net, inputs))
        found = values if isinstance(values, dict) else {self.net.outputs[0]: values}
        tensors = [each for each in pytree.tree_leaves(expected) if isinstance(each, Tensor)]
        return [_error(name, found[name], each) for name, each in zip(self.written.outputs, tensors, strict=True)]

    def _operation_errors(self, inputs: Sequence[Any]) -> list[Error]:
        """The error of each operation's result that is a blob of the net.

        Both run side by side, so that a value is freed once it is compared and no other operation reads it.
        """
        renamed, views = self.written.net.renamed, self.written.views
        tops = {top for step in self.net.steps for top in step.tops}
        blobs = {node: renamed.get(view.blob.name, view.blob.name) for node, view in views.items()}
        blobs = {node: name for node, name in blobs.items() if name in tops}
        unread = Counter(blobs.values())
        steps = self.net.walk(*_fed(self.net, inputs))
        made: dict[str, Tensor] = {}
        errors: list[Error] = []

        def compare(node: Node, value: Any) -> None:
            name = blobs[node]
            while name not in made:
                step, values = next(steps)
                made.update((top, each) for top, each in zip(step.tops, values, strict=True) if unread[top])
            if isinstance(value, Tensor):
                errors.append(_error(name, _shown(made[name], views[node], node, value), value))
            unread[name] -= 1
            if not unread[name]:
                del made[name]

        # The layers of outputs may stand behind those of later operations.
        late: list[tuple[Node, Any]] = []
        for node, value in evaluated(self.program, inputs, self.others, self.double):
            if blobs.get(node) in self.net.outputs:
                late.append((node, value))
            elif node in blobs:
                compare(node, value)
        for node, value in late:
            compare(node, value)
        return errors


def _shown(blob: Tensor, view: View, node: Node, value: Tensor) -> Tensor:
    """The values of a blob that are the result of an operation."""
    own = blob.contiguous().as_strided(view.shape, view.layout.stride())
    # No layer repeats the values before the arithmetic that takes them.
    return own.expand(value.shape) if str(node.target) == "aten.expand.default" else own


def require_same(net: CaffeNet, other: CaffeNet, inputs: Sequence[Any]) -> None:
    """Compare the outputs of a net with those in the same places of another net.

    Raises:
        DifferenceError: values differ by more than 1e-4 of the largest.
    """
    errors = _differences(net, other, inputs)
    if _may_be_rounding(errors):
        errors = _differences(copy.deepcopy(net).double(), copy.deepcopy(other).double(), _in_double(inputs))
    _refuse_wrong(errors, "outputs differ in the target's form")


def _differences(net: CaffeNet, other: CaffeNet, inputs: Sequence[Any]) -> list[Error]:
    fed = _fed(net, inputs)
    expected, found = (each(*fed) if len(each.outputs) > 1 else {each.outputs[0]: each(*fed)} for each in (net, other))
    return [_error(name, found[own], expected[name]) for name, own in zip(net.outputs, other.outputs, strict=True)]


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


def _may_be_rounding(errors: Sequence[Error]) -> bool:
    return LARGEST_ERROR < max((each.relative for each in errors), default=0) < math.inf


def _is_wrong(error: Error) -> bool:
    return not error.relative <= LARGEST_ERROR


def _in_double(inputs: Sequence[Any]) -> list[Any]:
    return [each.double() if isinstance(each, Tensor) and each.is_floating_point() else each for each in inputs]


def _refuse_wrong(errors: Sequence[Error], what: str) -> None:
    """Refuse errors above the limit; the message names the tensors, the first ones first."""
    wrong = [each for each in errors if _is_wrong(each)]
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
    a, b = found.detach(), expected.detach().to(found.device)
    if not a.dtype == b.dtype == torch.float32:
        a, b = a.double(), b.double()
    gap, largest = (torch.stack(torch.aminmax(each)).abs().max() for each in (a - b, b))
    if not gap.isfinite() or not largest.isfinite():
        # Values that are infinite or not a number must be so in both.
        same = (a == b) | (a.isnan() & b.isnan())
        gap = torch.where(same, 0, (a - b).abs()).nan_to_num(torch.inf).max()
        largest = b[b.isfinite()].abs().max() if b.isfinite().any() else b.new_ones(())
    return Error(name, float(gap), float(gap / largest.clamp(min=1e-30)))
