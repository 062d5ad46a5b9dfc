"""Programs without in-place operations."""

from __future__ import annotations

from functools import partial
from operator import getitem, lt

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node

from fcnkit.export.rules import rule_for
from fcnkit.export.tracing import constants


def made_functional(program: ExportedProgram) -> bool:
    """Replace in-place operations, if all operations of a program then have a rule; else it is not changed.

    `run_decompositions` does the same to such programs, but traces them anew, which takes longer than the export.

    Args:
        program: changed.

    Returns:
        Whether the program can be written as it is.
    """
    stored = constants(program)
    constant = {node for node in program.graph.nodes if node.op == "placeholder" and node.name in stored}
    instead: dict[Node, OpOverload] = {}
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        if constant.issuperset(node.all_input_nodes):
            constant.add(node)
        if node.target is getitem:
            continue
        if not isinstance(node.target, OpOverload):
            return False
        target = _out_of_place(node) if node.target._schema.is_mutable else node.target
        if target is None or (node not in constant and rule_for(target) is None):
            return False
        if target is not node.target:
            instead[node] = target
    users: dict[int, set[Node]] = {}
    for node in program.graph.nodes:
        users.setdefault(_memory(node), set()).add(node)
    for node in instead:
        # What was made, and the results of in-place operations, which are the same tensor; no other view of it.
        rest = users[_memory(node)].difference(instead)
        if len(rest) != 1 or rest.pop().op != "call_function":
            return False
    for node, target in instead.items():
        node.target = target
        # In what comes behind; the operation itself still reads its operand.
        node.all_input_nodes[0].replace_all_uses_with(node, delete_user_cb=partial(lt, node))
    program.graph.eliminate_dead_code()
    return True


def _out_of_place(node: Node) -> OpOverload | None:
    """The operation that computes what an in-place one leaves in its first operand, None if there is none."""
    name, _, overload = str(node.target).removeprefix("aten.").rpartition(".")
    other = getattr(getattr(torch.ops.aten, name.removesuffix("_"), None), overload, None)
    kinds = {each.meta["val"].dtype for each in node.all_input_nodes if isinstance(each.meta.get("val"), Tensor)}
    # Of operands of several types, the result would have another type.
    return other if name.endswith("_") and len(kinds) == 1 and isinstance(other, OpOverload) else None


def _memory(node: Node) -> int:
    """The same for tensors that share their memory."""
    value = node.meta.get("val")
    return value.untyped_storage()._cdata if isinstance(value, Tensor) else id(node)
