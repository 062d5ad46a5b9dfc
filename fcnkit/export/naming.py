"""Names of layers, from the module tree."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from torch.fx import Graph, Node


def layer_names(graph: Graph) -> dict[Node, str]:
    """A unique name for the layer of each operation.

    A module that computes one operation gives it its path, as `layer1.0.conv1`. The operations that a module with
    submodules or several operations computes itself are named after it and themselves, as `layer1.0.add`. A number is
    appended to names that occur again.
    """
    nodes = [node for node in graph.nodes if node.op == "call_function" and hasattr(node.target, "overloadpacket")]
    own: dict[str, int] = {}
    for node in nodes:
        own[module_path(node)] = own.get(module_path(node), 0) + 1
    outer = {path[:index] for path in own for index, letter in enumerate(path) if letter == "."} | {""}
    names: dict[Node, str] = {}
    taken: set[str] = set()
    for node in nodes:
        path, kind = _module(node)
        operation = node.target.overloadpacket.__name__.strip("_")  # type: ignore[union-attr]
        alone = path not in outer and (own[path] == 1 or kind.startswith("torch.nn.modules."))
        name = path if alone else f"{path}.{operation}".strip(".")
        numbered = (f"{name}_{number}" for number in count(1))
        while name in taken:
            name = next(numbered)
        taken.add(name)
        names[node] = name
    return names


def module_path(node: Node) -> str:
    """The path of the innermost module that an operation stands in; "" for the traced module itself."""
    return _module(node)[0]


def _module(node: Node) -> tuple[str, str]:
    """The path and the class of the innermost module."""
    stack: Mapping[str, tuple[str, object]] = node.meta.get("nn_module_stack") or {}
    path, kind = next(reversed(stack.values()), ("", ""))
    # The second and later calls of a module have a number behind an @.
    return path.partition("@")[0], str(kind)
