"""From a graph of ATen operations to layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import getitem
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from fcnkit.errors import InputError
from fcnkit.export.finishing import identity, set_outputs, share
from fcnkit.export.naming import layer_names, module_path, output_name
from fcnkit.export.problems import Problem, UnsupportedOperationsError
from fcnkit.export.rules import Refused, rule_for
from fcnkit.export.targets import Target
from fcnkit.export.tracing import constants, source_line
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

# Operations that take only shape and type from their operand.
_OF_SHAPES = {
    f"aten.{name}.default" for name in ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
}


@dataclass
class Written:
    """A written net, and what its blobs are in the module.

    Attributes:
        net: the layers and weights.
        inputs: names of the inputs, in the module's order.
        outputs: for each output tensor of the module, in its order, the name of its blob.
        views: the view that each operation became.
    """

    net: Writer
    inputs: list[str]
    outputs: list[str]
    views: dict[Node, View]


def write(
    program: ExportedProgram,
    target: Target,
    approximate: Iterable[str] = (),
    input_names: Sequence[str] | None = None,
) -> Written:
    """Write a decomposed program as layers.

    Raises:
        UnsupportedOperationsError: the target's layers cannot compute some operations.
        InputError: the number of input names is wrong, or an input or output is not a tensor.
    """
    return _Conversion(program, target, approximate).run(input_names)


class _Conversion:
    def __init__(self, program: ExportedProgram, target: Target, approximate: Iterable[str]):
        self.graph = program.graph
        self.target = target
        self.stored = constants(program)
        self.names = layer_names(program.graph)
        self.net = Writer(target, approximate, reserved=self.names.values())
        self.outputs = _output_names(program)
        self.values: dict[Node, Any] = {}
        self.problems: list[Problem] = []

    def run(self, input_names: Sequence[str] | None) -> Written:
        inputs = self._feed(input_names)
        for node in self.graph.nodes:
            if node.op == "call_function" and not str(node.target).startswith("aten._assert"):
                self.values[node] = self._value(node)
        if self.problems:
            raise UnsupportedOperationsError(self.problems, self.target)
        (end,) = [node for node in self.graph.nodes if node.op == "output"]
        results = [self._argument(each) for each in end.args[0]]
        outputs = set_outputs(self.net, list(zip(self.outputs, results, strict=True)))
        share(self.net, {identity(values): name for name, values in self.stored.values()})
        views = {node: value for node, value in self.values.items() if isinstance(value, View)}
        return Written(self.net, inputs, outputs, views)

    def _feed(self, names: Sequence[str] | None) -> list[str]:
        holders = [node for node in self.graph.nodes if node.op == "placeholder"]
        for node in holders:
            self.values[node] = self.stored[node.name][1] if node.name in self.stored else None
        fed = [node for node in holders if node.name not in self.stored and isinstance(node.meta.get("val"), Tensor)]
        if names is not None and len(names) != len(fed):
            raise InputError(f"`input_names` has {len(names)} names for {len(fed)} inputs")
        for node, name in zip(fed, names or [node.name for node in fed], strict=True):
            self.values[node] = self.net.input(name, tuple(node.meta["val"].shape))
        return [self.values[node].blob.name for node in fed]

    def _value(self, node: Node) -> Any:
        if node.target is getitem:
            return self._argument(node.args[0])[node.args[1]]
        if not isinstance(node.target, OpOverload):
            return self._refused(node, Refused())
        if all(isinstance(self.values[each], Tensor) for each in node.all_input_nodes):
            with torch.no_grad():
                return node.target(*self._argument(node.args), **self._argument(node.kwargs))
        if str(node.target) in _OF_SHAPES:
            # The values do not depend on the input.
            args = map_arg(node.args, lambda each: torch.empty(each.meta["val"].shape, dtype=each.meta["val"].dtype))
            return node.target(*args, **{**node.kwargs, "device": "cpu"})
        rule = rule_for(node.target)
        if rule is None:
            return self._refused(node, Refused())
        self.net.begin(self.names[node], node)
        try:
            return rule.write(self.net, *self._arguments(node))
        except Refused as refused:
            return self._refused(node, refused)

    def _arguments(self, node: Node) -> list[Any]:
        """All arguments in the order of the schema."""
        assert isinstance(node.target, OpOverload)
        given = self._argument(node.args)
        named = self._argument(node.kwargs)
        rest = node.target._schema.arguments[len(given) :]
        return [*given, *(named.get(each.name, each.default_value) for each in rest)]

    def _argument(self, value: Any) -> Any:
        return map_arg(value, lambda node: self.values[node])

    def _refused(self, node: Node, refused: Refused) -> Any:
        """List the problem, and go on with a blob of the right shape, so that all problems are found."""
        name = str(node.target).rpartition(".")[0] or str(node.target)
        self.problems.append(Problem(name, module_path(node), source_line(node), *refused.args))
        found = node.meta.get("val")
        many = found if isinstance(found, tuple | list) else [found]
        unknown = [self.net.unknown(tuple(each.shape)) if isinstance(each, Tensor) else None for each in many]
        return unknown if isinstance(found, tuple | list) else unknown[0]


def _output_names(program: ExportedProgram) -> list[str | None]:
    """The key of each output in a module's dict, None for outputs without one."""
    from torch.utils import _pytree as pytree

    spec = program.call_spec.out_spec
    count = len(program.graph_signature.output_specs)
    if spec is None:
        return [None] * count
    paths, _ = pytree.tree_flatten_with_path(pytree.tree_unflatten(list(range(count)), spec))
    return [output_name(path) for path, _ in paths]
