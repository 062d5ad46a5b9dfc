"""A PyTorch module to a CaffeNet, proven equal on example inputs."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import ArgumentError, InputError
from fcnkit.export import checking, conversion, evaluation, proof, targets
from fcnkit.export.conversion import Written
from fcnkit.export.factory import random_inputs
from fcnkit.export.functional import made_functional
from fcnkit.export.rules.activation import APPROXIMATIONS
from fcnkit.export.targets.spelling import spelled
from fcnkit.export.tracing import decompose, fixed, trace
from fcnkit.net import CaffeNet


def from_torch(
    module: nn.Module,
    example_inputs: Tensor | Sequence[Any],
    *,
    input_names: Sequence[str] | None = None,
    target: str = "bvlc",
    approximate: Sequence[str] = (),
    verify: bool = False,
) -> CaffeNet:
    """Convert a PyTorch module into a Caffe net that computes the same.

    Layers have the names of the module tree, as `layer1.0.conv1`. The net is run beside the module, on the example
    inputs and on others, and is returned only if all outputs agree; the largest error is printed to stderr.

    Args:
        module: any module that torch.export can trace. It is converted as it is in eval mode, and not changed.
        example_inputs: the tensors that its forward takes; their shapes become the net's input shapes.
        input_names: names of the net's inputs, by default those of the parameters of forward.
        target: the Caffe that is to run the net, "bvlc" (its master branch) or "bvlc-1.0", or the tool that is to
            read it, as "ascend" or "ncnn": see `fcnkit.export.targets.TARGETS`.
        approximate: operations without an exact form that may be approximated: "gelu".
        verify: compare the result of every operation, not only the outputs.

    Returns:
        The net, in eval mode, on the CPU; its weights have the type of the module's.

    Raises:
        UnsupportedOperationsError: the target's layers cannot compute some operations; the message lists all of them.
        OutsideTargetError: layers are outside of the target's limits; the message lists all of them.
        DifferenceError: the net's values differ from the module's by more than 1e-4 of the largest.
        ArgumentError: the module is none, or the inputs are no tensors.
        InputError: the module cannot be traced with these inputs, or a name is unknown.
    """
    if not isinstance(module, nn.Module):
        way_out = "make one of it" if isinstance(module, type) else "wrap it into a module of your own"
        found = f"the class {module.__name__}" if isinstance(module, type) else f"a {type(module).__name__}"
        raise ArgumentError(f"`module` must be a PyTorch module, not {found}; {way_out}")
    inputs = [example_inputs] if isinstance(example_inputs, Tensor) else example_inputs
    if not isinstance(inputs, Sequence) or not any(isinstance(each, Tensor) for each in inputs):
        raise ArgumentError("`example_inputs` must be a tensor or several, such as torch.randn(1, 3, 224, 224)")
    inputs = list(inputs)
    chosen = targets.find(target)
    unknown = [name for name in approximate if name not in APPROXIMATIONS]
    if unknown:
        known = ", ".join(APPROXIMATIONS)
        raise InputError(f"unknown approximation {unknown[0]!r}; `approximate` takes {known}")
    kind = next((each.dtype for each in module.parameters()), torch.float32)
    if kind in (torch.float16, torch.bfloat16):
        # In half precision, two orders of the same sums differ too much to be compared.
        module, inputs = copy.deepcopy(module).float(), [_single(each) for each in inputs]
    with _in_eval_mode(module):
        program = trace(module, inputs)
        program = program if made_functional(program) else decompose(program)
        written = conversion.write(program, chosen, approximate, input_names)
        return _proven(written, program, module, inputs, verify).to(kind)


def _single(values: Any) -> Any:
    return values.float() if isinstance(values, Tensor) and values.is_floating_point() else values


def from_program(
    program: ExportedProgram,
    *,
    input_names: Sequence[str] | None = None,
    target: str = "bvlc",
    approximate: Sequence[str] = (),
    verify: bool = False,
    remarks: bool = True,
) -> CaffeNet:
    """Convert a program that torch.export made, and check it on random inputs; otherwise like `from_torch`.

    Sizes that the program leaves open are those of its example inputs. Without remarks, layers that the target computes
    slowly, or that no document of it states, are not printed.
    """
    program = decompose(fixed(program))
    written = conversion.write(program, targets.find(target), approximate, input_names)
    inputs = random_inputs([written.net.shapes[name] for name in written.inputs])
    return _proven(written, program, None, inputs, verify, remarks)


def _proven(
    written: Written,
    program: ExportedProgram,
    module: nn.Module | None,
    inputs: Sequence[Any],
    verify: bool,
    remarks: bool = True,
) -> CaffeNet:
    """The net, if it agrees with the module, or with the program where there is no module."""
    net = _net(written)
    result = spelled(net, written.net.target)
    found = checking.require(result, written.net.target)
    for problem in found if remarks else ():
        print(f"{written.net.target.title}: {problem}", file=sys.stderr)
    approximated = dict.fromkeys(written.net.approximated)
    replaced = dict(APPROXIMATIONS[name] for name in approximated)
    whole = proof.Proof(net, written, program, replaced)
    errors = []
    for given in (inputs, proof.second(inputs)):
        with torch.no_grad():
            outputs = module(*given) if module is not None else evaluation.outputs(program, given)
            errors.append(whole.require(given, outputs, verify))
            if result is not net:
                proof.require_same(net, result, given)
    largest = max(each.relative for each in errors)
    precise = max((each.in_double for each in errors if each.in_double is not None), default=None)
    note = f", with {', '.join(approximated)} approximated" if approximated else ""
    note += f", by rounding; in double precision, by {precise:.1g}" if precise is not None else ""
    print(f"The outputs differ from the module's by {largest:.1g} of the largest value{note}", file=sys.stderr)
    return result


def _net(written: Written) -> CaffeNet:
    weights = written.net.weights
    arrays = {name: [each.to("cpu", torch.float32).numpy() for each in own] for name, own in weights.items()}
    net = CaffeNet(NetParameter(layer=written.net.layers), arrays).eval()
    if any(each.dtype == torch.float64 for own in weights.values() for each in own):
        net.double()
        for name, blobs in net.blobs().items():
            for blob, values in zip(blobs, weights[name], strict=True):
                blob.copy_(values)
    return net


@contextmanager
def _in_eval_mode(module: nn.Module) -> Iterator[None]:
    modes = {each: each.training for each in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for each, mode in modes.items():
            each.training = mode
