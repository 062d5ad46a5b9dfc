"""The layers of a net that take part in a phase: include and exclude rules matched against a NetState."""

from __future__ import annotations

from collections.abc import Iterable

from fcnkit.caffe.messages import LayerParameter, NetParameter, NetState, NetStateRule
from fcnkit.errors import DefinitionError


def filter_net(net: NetParameter, phase: int, level: int = 0, stages: Iterable[str] = ()) -> NetParameter:
    """The net as Caffe runs it in one phase.

    Args:
        net: a V2 NetParameter (see upgrade.upgrade_net); it is not changed.
        phase: TRAIN or TEST, of fcnkit.caffe.messages.
        level: the level that min_level and max_level are compared with.
        stages: stages to set in addition to those of the net's own `state`.

    Returns:
        A new NetParameter with the layers that take part; its `state` is the one that selected them.

    Raises:
        DefinitionError: a layer has include and exclude rules.

    Source: BVLC/caffe src/caffe/net.cpp, Net::FilterNet, and the constructor for the net's own state.
    """
    filtered = type(net)()
    filtered.CopyFrom(net)
    filtered.ClearField("layer")
    filtered.state.phase = phase
    filtered.state.level = level
    filtered.state.stage.extend(stages)
    filtered.layer.extend(layer for layer in net.layer if _takes_part(layer, filtered.state))
    return filtered


def _takes_part(layer: LayerParameter, state: NetState) -> bool:
    if layer.include and layer.exclude:
        raise DefinitionError(f"layer {layer.name!r} has include and exclude rules; only one kind is allowed")
    if layer.include:
        return any(_meets(state, rule) for rule in layer.include)
    return not any(_meets(state, rule) for rule in layer.exclude)


def _meets(state: NetState, rule: NetStateRule) -> bool:
    """Whether a state meets all conditions of a rule; a rule without conditions is always met.

    Source: Net::StateMeetsRule.
    """
    return (
        not (rule.HasField("phase") and state.phase != rule.phase)
        and not (rule.HasField("min_level") and state.level < rule.min_level)
        and not (rule.HasField("max_level") and state.level > rule.max_level)
        and set(state.stage).issuperset(rule.stage)
        and set(state.stage).isdisjoint(rule.not_stage)
    )
