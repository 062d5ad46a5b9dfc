"""PyTorch modules as graphs of ATen operations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from fcnkit.errors import InputError
from fcnkit.export.rules import rule_for

_TORCH = str(Path(torch.__file__).parent)

# Names that a module may have, but not a graph of it, where a property hides it: "code", for example.
_NOT_FREE = frozenset(dir(GraphModule)) - frozenset(dir(nn.Module))


def trace(module: nn.Module, inputs: Sequence[Any]) -> ExportedProgram:
    """The operations of a module.

    Raises:
        InputError: torch.export cannot trace the module.
    """
    try:
        with torch.no_grad(), _quietly():
            return torch.export.export(module, tuple(inputs))
    except Exception as error:
        raise InputError(f"torch.export cannot trace the module: {_reason(error)}") from error


def fixed(program: ExportedProgram) -> ExportedProgram:
    """The program for the sizes of its example inputs alone.

    Raises:
        InputError: its sizes are open, and it has no example inputs.
    """
    sizes = [node.meta["val"].shape for node in program.graph.nodes if isinstance(node.meta.get("val"), Tensor)]
    if all(isinstance(size, int) for shape in sizes for size in shape):
        return program
    if program.example_inputs is None:
        raise InputError("the program's input sizes are open; export it with fixed sizes")
    args, named = program.example_inputs
    with torch.no_grad(), _quietly():
        return torch.export.export(program.module(), args, named)


def decompose(program: ExportedProgram) -> ExportedProgram:
    """The program without in-place operations and dead code, in terms of the operations that have a rule.

    Operations with a rule are kept whole, so that for example a Hardswish is written as such; the others are replaced
    by simpler ones as PyTorch defines them.

    Raises:
        InputError: a part of the module has a name with which PyTorch's own graphs of modules cannot have it.
    """
    for spec in program.graph_signature.input_specs:
        name = (spec.target or "").partition(".")[0]
        if name in _NOT_FREE:
            raise InputError(f"the module's {name!r} has a name that torch.export reserves; give it another")
    table = torch.export.default_decompositions()
    for operation in [operation for operation in table if rule_for(operation)]:
        del table[operation]
    with torch.no_grad(), _quietly():
        program = program.run_decompositions(table)
    program.graph.eliminate_dead_code()
    return program


def constants(program: ExportedProgram) -> dict[str, tuple[str, Tensor]]:
    """The parameters, buffers and other constants of a program by placeholder: name in the module, and values."""
    found = {}
    for spec in program.graph_signature.input_specs:
        if spec.target is None:
            continue
        values = program.state_dict.get(spec.target, program.constants.get(spec.target))
        if isinstance(values, Tensor):
            found[str(spec.arg.name)] = spec.target, values.detach()
    return found


def source_line(node: Node) -> str:
    """The innermost line outside of PyTorch that an operation comes from, as file:line; "" if unknown."""
    found = ""
    for line in map(str.strip, (node.meta.get("stack_trace") or "").splitlines()):
        if line.startswith('File "') and not line.startswith(f'File "{_TORCH}'):
            file, number = line.split('"')[1], line.split(", line ")[-1].split(",")[0]
            found = f"{Path(file).name}:{number}"
    return found


def _reason(error: BaseException) -> str:
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the warnings of torch.export, which are about its own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
