"""Shared code of the formats that store a traced graph: exporting nets with variable height and width."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from fcnkit.errors import OutputError
from fcnkit.net import CaffeNet
from fcnkit.net.neutral import neutral

# Converts a traced net to the content of a format; also takes the paths of its modules in the original net.
Finish = Callable[[ExportedProgram, Mapping[str, str]], Any]


def export(net: CaffeNet, suffix: str, finish: Finish) -> Any:
    """Trace a net in eval mode, at the input shapes of its definition, and convert it to the content of a format.

    Height and width of the inputs stay variable wherever the net allows it. Torch writes the names of modules and
    inputs into code and executes it, so the net is exported under neutral names.

    Args:
        net: not changed.
        suffix: of the format, for the error message.
        finish: takes the traced net, and the path in the net of each of its modules.

    Raises:
        OutputError: a layer cannot be traced, or finish does not support it.
    """
    modes = {module: module.training for module in net.modules()}
    try:
        with torch.no_grad(), _quietly():
            inputs = _inputs(net.eval())
            try:
                twin, paths = neutral(net)
                return finish(_traced(twin, list(inputs.values())), paths)
            except Exception as error:
                _name_layer(net, suffix, inputs, finish)
                raise OutputError(f"the net cannot be written as {suffix}: {_reason(error)}") from error
    finally:
        for module, mode in modes.items():
            module.training = mode


def _inputs(net: CaffeNet) -> dict[str, Tensor]:
    like = next(net.parameters(), torch.empty(0))
    return {name: like.new_zeros(net.shapes[name]) for name in net.inputs}


def _traced(module: nn.Module, inputs: Sequence[Tensor]) -> ExportedProgram:
    # torch.export treats a size of 1 as fixed.
    open_axes = tuple(
        {axis: Dim.AUTO for axis in (2, 3) if blob.shape[axis] > 1} if blob.dim() == 4 else {} for blob in inputs
    )
    parameters = inspect.signature(module.forward).parameters.values()
    gathered = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    return torch.export.export(module, tuple(inputs), dynamic_shapes=(open_axes,) if gathered else open_axes)


def _name_layer(net: CaffeNet, suffix: str, inputs: dict[str, Tensor], finish: Finish) -> None:
    """Find the first layer that also fails on its own, and raise an OutputError that names it."""
    blobs = dict(inputs)
    for step in net.steps:
        module, bottoms = net.get_submodule(step.module), [blobs[name] for name in step.bottoms]
        calls = [[bottom] for bottom in bottoms] if step.per_bottom else [bottoms]
        try:
            finish(_traced(module, calls[0]), {})
        except Exception as error:
            problem = f"layer {step.name!r} ({step.kind}) cannot be written as {suffix}: {_reason(error)}"
            raise OutputError(problem) from error
        made = [module(*call) for call in calls]
        blobs.update(zip(step.tops, made if step.per_bottom or isinstance(made[0], Tensor) else made[0], strict=True))


def _reason(error: BaseException) -> str:
    """The first line of the innermost error: the outer ones report where in PyTorch it was raised."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress PyTorch's own messages during export."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # torch.export copies objects that it has deprecated itself.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        log.setLevel(level)
