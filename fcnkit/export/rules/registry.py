"""The base class of the rules that write ATen operations as Caffe layers, and the registry of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from torch._ops import OpOverload

if TYPE_CHECKING:
    from fcnkit.export.writer import Writer


class Refused(Exception):
    """An operation, with these arguments, has no form in the target's layers.

    Args:
        reason: the part of it that has no form, as in "dilation 2"; "" for all of it.
        way_out: what the user can do; "" for no special advice.
        layer: the layer type that computes it in the targets that have one.
    """

    def __init__(self, reason: str = "", way_out: str = "", layer: str = ""):
        super().__init__(reason, way_out, layer)


class Rule:
    """The rule that writes one ATen operation as Caffe layers.

    A rule has no state. The docstring's first line is the operation's row in the documentation.

    Attributes:
        operations: the operations, as in "aten.relu.default"; set when the rule is registered.
        form: the Caffe layers that compute it.
        exact: whether the layers give the same bits as PyTorch, up to the order of sums; else up to rounding.
        moves: whether it only gives another view on the same blob, and no layer of its own.
    """

    operations: tuple[str, ...] = ()
    form: str
    exact: bool = False
    moves: bool = False

    def write(self, net: Writer, *args: Any) -> Any:
        """Add the layers, and return the result.

        Args:
            net: the net that is written.
            args: the operation's arguments, those left out included, in the order of its schema. A tensor is a View if
                it depends on the inputs, and a torch.Tensor if it is a constant.

        Returns:
            A View, or a tuple of views for an operation with several results.

        Raises:
            Refused: Caffe has no form for these arguments.
        """
        raise NotImplementedError


_RULES: dict[str, Rule] = {}

RuleClass = TypeVar("RuleClass", bound=type[Rule])


def aten(*operations: str) -> Callable[[RuleClass], RuleClass]:
    """Register a class as the rule of operations, given without `aten.`: "relu.default", or "relu" for that overload.

    Raises:
        ValueError: an operation already has a rule.
    """

    def register(rule: RuleClass) -> RuleClass:
        made = rule()
        names = tuple(f"aten.{name}" if "." in name else f"aten.{name}.default" for name in operations)
        for name in names:
            if name in _RULES:
                raise ValueError(f"{name} already has a rule")
            _RULES[name] = made
        made.operations = names
        return rule

    return register


def rule_for(operation: object) -> Rule | None:
    """The rule of an operation, None if it has none."""
    return _RULES.get(str(operation)) if isinstance(operation, OpOverload) else None


def rules() -> list[Rule]:
    """All rules, in the order of their files."""
    return list(dict.fromkeys(_RULES.values()))
