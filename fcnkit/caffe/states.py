"""The state in which a net is complete, where the rules of its layers leave blobs out that others read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fcnkit.caffe.messages import TEST, TRAIN, NetParameter, NetState
from fcnkit.errors import DefinitionError

Cut = Callable[[NetParameter, NetState, Sequence[str]], NetParameter]


def complete(net: NetParameter, cut: Cut, state: NetState, declared: Sequence[str]) -> tuple[NetParameter, list[str]]:
    """The net that runs in a state, or in one with a stage or in the training phase if it is not complete without.

    Solvers state the stages of their nets, and a net for training alone needs not be complete in TEST.

    Args:
        net: a V2 net.
        cut: `deploy` or `runnable`.
        state: the state that the caller states.
        declared: as in `deploy`.

    Returns:
        The net, and a remark on the state if it is another one.

    Raises:
        DefinitionError: the net is complete in none of them, or the caller's state has a stage, a level or the phase
            TRAIN.
    """
    try:
        return cut(net, state, declared), []
    except DefinitionError:
        if state.stage or state.level or state.phase == TRAIN:
            raise
        for other in _others(net):
            try:
                whole = cut(net, other, declared)
            except DefinitionError:
                continue
            stages = "".join(f", stage {stage!r}" for stage in other.stage)
            phase = "TRAIN" if other.phase == TRAIN else "TEST"
            return whole, [f"the layers are those of the phase {phase}{stages}: in TEST alone the net is not complete"]
        raise


def _others(net: NetParameter) -> Iterator[NetState]:
    """The phase TEST with each stage that rules name, then the phase TRAIN without any and with each."""
    rules = [rule for layer in net.layer for rule in (*layer.include, *layer.exclude)]
    stages = dict.fromkeys(stage for rule in rules for stage in (*rule.stage, *rule.not_stage))
    yield from (NetState(phase=TEST, stage=[stage]) for stage in stages)
    yield NetState(phase=TRAIN)
    yield from (NetState(phase=TRAIN, stage=[stage]) for stage in stages)
