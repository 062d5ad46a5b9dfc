"""Names of layers, from the module tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from torch._ops import OpOverload
from torch.fx import Graph, Node

from fcnkit.export.rules import rule_for


def layer_names(graph: Graph) -> dict[Node, str]:
    """A unique name for the layer of each operation.

    A module that computes one operation gives it its path, as `layer1.0.conv1`. The operations that a module with
    submodules or several operations computes itself are named after it and themselves, as `layer1.0.add`. A number is
    appended to names that occur again.
    """
    nodes = [node for node in graph.nodes if isinstance(node.target, OpOverload)]
    # Operations without a layer of their own come last: they leave the names to others.
    nodes.sort(key=_moves)
    own = Counter(module_path(node) for node in nodes if not _moves(node))
    outer = {path[:index] for path in map(module_path, nodes) for index, letter in enumerate(path) if letter == "."} | {
        ""
    }
    names: dict[Node, str] = {}
    taken: set[str] = set()
    for node in nodes:
        assert isinstance(node.target, OpOverload)
        path, kind = _module(node)
        operation = node.target.overloadpacket.__name__.strip("_")
        alone = path not in outer and (own[path] <= 1 or kind.startswith("torch.nn.modules."))
        name = path if alone else f"{path}.{operation}".strip(".")
        numbered = (f"{name}_{number}" for number in count(1))
        while name in taken:
            name = next(numbered)
        taken.add(name)
        names[node] = name
    return names


def _moves(node: Node) -> bool:
    rule = rule_for(node.target)
    return rule is not None and rule.moves


def module_path(node: Node) -> str:
    """The path of the innermost module that an operation stands in; "" for the traced module itself."""
    return _module(node)[0]


def _module(node: Node) -> tuple[str, str]:
    """The path and the class of the innermost module."""
    stack: Mapping[str, tuple[str, object]] = node.meta.get("nn_module_stack") or {}
    path, kind = list(stack.values())[-1] if stack else ("", "")
    # The second and later calls of a module have a number behind an @.
    return path.partition("@")[0], str(kind)


def output_name(path: Sequence[Any]) -> str | None:
    """The name of an output by its place in a module's results: the keys of dicts on the way to it, None for none."""
    keys = [str(entry.key) for entry in path if isinstance(getattr(entry, "key", None), str)]
    return ".".join(keys) or None
