"""The check of a net against what a target takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from fcnkit.caffe.inputs import input_layers, input_shapes
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import FcnkitError
from fcnkit.export import targets
from fcnkit.export.targets import Target, measures
from fcnkit.export.targets.measures import InNet
from fcnkit.export.targets.target import Limit
from fcnkit.net import CaffeNet
from fcnkit.types import find, is_input, kind_of

# The measure that is one of the net, not of its layers.
_OUTPUTS = "outputs"


class Verdict(Enum):
    """The kind of a problem."""

    REFUSED = "refused"
    SLOW = "slow"
    NOT_KNOWN = "not known"


class LayerProblem(NamedTuple):
    """A layer that a target does not take as it is.

    Attributes:
        layer: its name; "" for the whole net.
        type: its type; "" for the whole net.
        verdict: REFUSED if the target refuses or misreads it, SLOW if it computes it on a slower processor, NOT_KNOWN
            if no document was found that states it.
        limit: the limit, and the value in the net.
        way_out: the change to the net that helps, "" if none is known.
        source: the document that states the limit.
    """

    layer: str
    type: str
    verdict: Verdict
    limit: str
    way_out: str
    source: str

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.place}: {self.limit}"

    @property
    def place(self) -> str:
        return f"layer {self.layer!r} ({self.type})" if self.layer else "the net"


class OutsideTargetError(FcnkitError):
    """Layers of a net that a target refuses or misreads; the message lists all of them."""

    def __init__(self, problems: Sequence[LayerProblem], target: Target):
        self.problems = list(problems)
        count = len(self.problems)
        groups: dict[tuple[str, str], list[str]] = {}
        for each in problems:
            groups.setdefault((each.limit, each.way_out), []).append(each.place)
        listed = "; ".join(
            f"{', '.join(dict.fromkeys(places))}: {limit}" + (f" (way out: {way_out})" if way_out else "")
            for (limit, way_out), places in groups.items()
        )
        super().__init__(f"{count} problem{'s' * (count > 1)} for {target.title}: {listed}")


def check(net: CaffeNet, target: str | Target) -> list[LayerProblem]:
    """The layers of a net that a target does not take, in the order of the net.

    The net is checked as `convert` writes it, at its own input shapes.

    Args:
        net: not changed.
        target: "ascend", for example; see `fcnkit.export.targets.TARGETS`.

    Returns:
        The problems; none if the target takes the net as far as its documents state.

    Raises:
        InputError: there is no target of that name.
    """
    chosen = targets.find(target)
    return [*_of_net(net, chosen), *(problem for at in in_net(net) for problem in _of_layer(at, chosen))]


def require(net: CaffeNet, target: str | Target) -> list[LayerProblem]:
    """Refuse a net that the target refuses or misreads; the other problems are returned.

    Raises:
        OutsideTargetError: lists all layers that the target refuses.
    """
    chosen = targets.find(target)
    problems = check(net, chosen)
    refused = [each for each in problems if each.verdict is Verdict.REFUSED]
    if refused:
        raise OutsideTargetError(refused, chosen)
    return problems


def in_net(net: CaffeNet) -> Iterator[InNet]:
    """The layers of a net, inputs among them, with the shapes of their blobs."""
    definition = net.definition()
    declared = {top for layer in input_layers(definition) for top in layer.top}
    for name, shape in input_shapes(definition).items():
        if name not in declared:
            yield InNet(LayerParameter(name=name, type="Input", top=[name]), (), [shape])
    for layer in definition.layer:
        yield InNet(layer, [net.shapes[each] for each in layer.bottom], [net.shapes[each] for each in layer.top])


def _of_net(net: CaffeNet, target: Target) -> Iterator[LayerProblem]:
    for limit in target.limits:
        if limit.of == _OUTPUTS and not limit.admits(len(net.outputs)):
            words = f"{len(net.outputs)} outputs (limit: {limit})"
            yield LayerProblem("", "", Verdict.REFUSED, words, limit.way_out, target.sources[limit.source])


def _of_layer(at: InNet, target: Target) -> Iterator[LayerProblem]:
    name, kind = at.layer.name, kind_of(at.layer)
    if not is_input(at.layer):
        found = _of_type(name, kind, target)
        if found is not None:
            # The limits of a layer that is not read do not matter.
            yield found
            return
    for field in target.fields:
        if at.layer.HasField(field.name.partition(".")[0]):  # type: ignore[arg-type]
            given = measures.field_values(at.layer, field.name)
            if any(value not in field.neutral for value in given):
                words = f"{field.name} {_values(given)} " + ("is not read" if field.known else "may not be read")
                verdict = Verdict.REFUSED if field.known else Verdict.NOT_KNOWN
                yield LayerProblem(name, kind, verdict, words, field.way_out, target.sources[field.source])
    for limit in target.limits:
        if limit.of != _OUTPUTS and _applies(limit, at, kind):
            measure = measures.find(limit.of)
            values = measure.values(at)
            if not all(map(limit.admits, values)):
                outside = _values([each for each in values if not limit.admits(each)])
                words = f"{measure.words} {outside} (limit: {limit})"
                verdict = Verdict.SLOW if limit.slow else Verdict.REFUSED
                yield LayerProblem(name, kind, verdict, words, limit.way_out, target.sources[limit.source])


def _of_type(name: str, kind: str, target: Target) -> LayerProblem | None:
    for each in target.refused:
        if kind in each.layers:
            return LayerProblem(name, kind, Verdict.REFUSED, each.reason, each.way_out, target.sources[each.source])
    if target.has(kind):
        return None
    source = target.sources[target.list_source]
    if kind in target.types_not_known or (not target.complete and find(kind) is not None):
        return LayerProblem(name, kind, Verdict.NOT_KNOWN, "no document states this type of layer", "", source)
    takers = [other.name for other in targets.TARGETS.values() if other.has(kind)]
    way_out = f"the targets {', '.join(takers)} take it" if takers else ""
    return LayerProblem(name, kind, Verdict.REFUSED, "has no such type of layer", way_out, source)


def _applies(limit: Limit, at: InNet, kind: str) -> bool:
    if limit.layers and kind not in limit.layers:
        return False
    for name, allowed in (limit.when or {}).items():
        values = measures.find(name).values(at)
        if not values or not all(value in allowed for value in values):
            return False
    return True


def _values(values: Sequence[object]) -> str:
    return ", ".join(str(each) for each in dict.fromkeys(values))
