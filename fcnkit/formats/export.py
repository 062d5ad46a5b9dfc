"""Shared code of the formats that store a traced graph: exporting nets with variable batch, height and width."""

from __future__ import annotations

import inspect
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import _config as _sizes

from fcnkit.aliases import Shape
from fcnkit.errors import OutputError
from fcnkit.net import CaffeNet
from fcnkit.net.neutral import neutral
from fcnkit.nn.recurrent import Recurrent

# Converts a traced net to the content of a format; also takes the paths of its modules in the original net.
Finish = Callable[[ExportedProgram, Mapping[str, str]], Any]


def export(net: CaffeNet, suffix: str, finish: Finish) -> Any:
    """Trace a net in eval mode, at the input shapes of its definition, and convert it to the content of a format.

    The batch, and height and width of images, stay variable wherever the net allows it. Torch writes the names of
    modules and inputs into code and executes it, so the net is exported under neutral names. Recurrent layers begin
    with a state of 0 in the file.

    Args:
        net: gets a remark if the file has a fixed batch or takes some heights and widths alone; else not changed.
        suffix: of the format, for the error message.
        finish: takes the traced net, and the path in the net of each of its modules.

    Raises:
        OutputError: a layer cannot be traced, or finish does not support it.
    """
    modes = {module: module.training for module in net.modules()}
    try:
        with torch.no_grad(), _quietly(), _same_buffers(net):
            _forget(net)
            inputs = _inputs(net.eval())
            twin, paths = neutral(net)
            blobs = list(inputs.values())
            try:
                try:
                    program = _traced(twin, blobs)
                    finished = finish(program, paths)
                except Exception:
                    program = _traced(twin, blobs, batch=False)
                    finished = finish(program, paths)
            except Exception as error:
                _name_layer(net, suffix, inputs, finish)
                raise OutputError(f"the net cannot be written as {suffix}: {_reason(error)}") from error
            net.remarks += _remarks(program, twin, net.inputs, suffix)
            return finished
    finally:
        for module, mode in modes.items():
            module.training = mode


def _inputs(net: CaffeNet) -> dict[str, Tensor]:
    like = next(net.parameters(), torch.empty(0))
    return {name: like.new_zeros(net.shapes[name]) for name in net.inputs}


def _traced(module: nn.Module, inputs: Sequence[Tensor], batch: bool = True) -> ExportedProgram:
    open_axes = tuple(
        {
            axis: Dim.AUTO
            for axis, size in enumerate(blob.shape)
            if (axis == 0 and batch) or (axis >= 2 and blob.dim() == 4 and size > 1)
        }
        for blob in inputs
    )
    parameters = inspect.signature(module.forward).parameters.values()
    gathered = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    # Without this a size of 1, as of the batch or of the last blob of a small image, is fixed or excludes others.
    with _sizes.patch(backed_size_oblivious=True), _same_buffers(module):  # type: ignore[attr-defined]
        return torch.export.export(module, tuple(inputs), dynamic_shapes=(open_axes,) if gathered else open_axes)


@contextmanager
def _same_buffers(net: nn.Module) -> Iterator[None]:
    """Keep the buffers of a net: tracing replaces a state that changes its shape by a tensor without values."""
    kept = [(owner, name, buffer) for owner in net.modules() for name, buffer in owner.named_buffers(recurse=False)]
    try:
        yield
    finally:
        for owner, name, buffer in kept:
            setattr(owner, name, buffer)


def _forget(net: nn.Module) -> None:
    """Give recurrent layers new states of 0."""
    for module in net.modules():
        if isinstance(module, Recurrent) and not module.expose_hidden:
            for name in module.states:
                setattr(module, name, torch.zeros_like(module.get_buffer(name)))


def _remarks(program: ExportedProgram, twin: CaffeNet, names: Sequence[str], suffix: str) -> list[str]:
    """Remarks on a program that is fixed to a batch, or to some heights and widths: torch traces one branch alone."""
    shapes, traced = list(twin.shapes.values()), program.module()
    if not _runs(traced, shapes):
        return []  # not found out this way
    remarks = []
    doubled = [(2 * shape[0], *shape[1:]) for shape in shapes if shape]
    if not _runs(twin, doubled) or not _runs(traced, doubled):
        sizes = ", ".join(f"{shape[0]} for {name!r}" for name, shape in zip(names, shapes, strict=True) if shape)
        remarks.append(f"written as {suffix} with a fixed batch ({sizes}), because the layers allow no other")
    for more in (1, 2, 3):
        larger = [
            (*shape[:2], shape[2] + more, 2 * shape[3] + 1) if len(shape) == 4 and min(shape[2:]) > 1 else shape
            for shape in shapes
        ]
        if _runs(twin, larger) and not _runs(traced, larger):
            remarks.append(f"written as {suffix} for some heights and widths alone: the net computes others otherwise")
            break
    return remarks


def _runs(net: nn.Module, shapes: Sequence[Shape]) -> bool:
    """Whether a net runs on inputs of these shapes, found without computing values."""
    try:
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), _same_buffers(net):
            net(*(torch.empty(shape) for shape in shapes))
    except Exception:  # an InputError, a guard, or a fake tensor's own
        return False
    return True


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
    """Suppress PyTorch's own messages during export; where it fails, it prints the graph."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        nowhere = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            # torch.export copies objects that it has deprecated itself.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        log.setLevel(level)
