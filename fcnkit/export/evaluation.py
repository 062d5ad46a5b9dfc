"""The values of a program's operations, computed by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import getitem
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg
from torch.utils import _pytree as pytree

from fcnkit.export.tracing import constants

# Functions by the operation that they replace.
Replaced = Mapping[str, Callable[..., Any]]


def outputs(
    program: ExportedProgram, inputs: Sequence[Any], others: Replaced = MappingProxyType({}), double: bool = False
) -> list[Any]:
    """The outputs of a program, computed by PyTorch; takes what `evaluated` takes."""
    found: list[Any] = []
    for _, value in evaluated(program, inputs, others, double):
        found = value
    return found


def evaluated(
    program: ExportedProgram, inputs: Sequence[Any], others: Replaced = MappingProxyType({}), double: bool = False
) -> Iterator[tuple[Node, Any]]:
    """The value of each operation of a program, computed by PyTorch; at the end, those of its outputs.

    Args:
        program: in ATen operations; nothing else in it is run.
        inputs: the tensors.
        others: functions to be used in place of operations.
        double: compute all that depends on the inputs in double precision.
    """
    stored = constants(program)
    given = iter([each for each in inputs if isinstance(each, Tensor)])
    values: dict[Node, Any] = {}
    last = {read: node for node in program.graph.nodes for read in node.all_input_nodes}
    fixed: set[Node] = set()
    for node in program.graph.nodes:
        if node.op == "placeholder":
            is_input = node.name not in stored and isinstance(node.meta.get("val"), Tensor)
            values[node] = next(given) if is_input else stored.get(node.name, (None, None))[1]
            if not is_input:
                fixed.add(node)
        elif fixed.issuperset(node.all_input_nodes):
            fixed.add(node)
        args, kwargs = map_arg((node.args, node.kwargs), lambda each: values[each])
        if double and node not in fixed:
            args, kwargs = pytree.tree_map(_in_double, (args, kwargs))
        if node.op == "output":
            values[node] = args[0]
        elif node.target is getitem:
            values[node] = args[0][args[1]]
        elif isinstance(node.target, OpOverload):
            with torch.no_grad():
                values[node] = others.get(str(node.target), node.target)(*args, **kwargs)
        yield node, values.get(node)
        for read in {node, *node.all_input_nodes}:
            if last.get(read, node) is node:
                values.pop(read, None)


def _in_double(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.double()
    if isinstance(value, float):
        # As the net's definition has it.
        return torch.tensor(value, dtype=torch.float32).item()
    return torch.float64 if value is torch.float32 else value
