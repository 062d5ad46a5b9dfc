"""The one way from files to nets: whatever holds a net is recognized by its content, and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fcnkit.aliases import AnyPath
from fcnkit.caffe.messages import TEST, TRAIN, NetState
from fcnkit.errors import naming
from fcnkit.formats.format import PROTOTXT, Format, recognize
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, NetOptions

_PHASES = {"test": TEST, "train": TRAIN}


def load(
    path: AnyPath,
    prototxt: AnyPath | None = None,
    *,
    input_shape: InputShape | None = None,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
    deploy: bool = True,
    mapped: bool = False,
    untrained: Literal["fill", "leave", "refuse"] = "fill",
) -> CaffeNet:
    """Load a net, on the CPU.

    Args:
        path: any file that holds a net, its weights or its definition: .caffemodel, .caffemodel.h5, .safetensors,
            .pth, .npz or .prototxt. Its content decides which of them it is, its name only where that is not enough.
        prototxt: the definition; needed for weights alone and for a fork's .caffemodel, and else in place of the one
            in the file.
        input_shape: shape of the first input, or shapes by input name; by default what the definition, the weights or
            the published nets state.
        phase: "test" or "train": which layers are in, and the mode that the module is in.
        level, stages: what else the layers' include and exclude rules are evaluated against.
        deploy: in the test phase, cut data layers, labels and losses off; False keeps the net as it stands, with an
            input for each blob that a data layer fed. A net for training is always kept. The definition in a
            .safetensors file is that of the net that was saved, of which nothing is cut.
        mapped: leave the weights of a .caffemodel in the file where that is possible: for passing them on to another
            file, or for looking at. They change with the file.
        untrained: a definition alone is filled as its fillers state ("fill"), has weights of any values ("leave"), or
            is refused unless its net has no weights ("refuse").

    Returns:
        The net, in eval mode for "test" and train mode for "train".

    Raises:
        FcnkitError: a file cannot be read, holds no net, or does not fit the other.
    """
    state = _state(phase, level, stages)
    return _loaded(path, recognize(path), NetOptions(prototxt, input_shape, state, deploy, mapped, untrained))


def convert(
    weights: AnyPath | None,
    prototxt: AnyPath | None = None,
    *,
    input_shape: InputShape | None = None,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
    deploy: bool = True,
) -> CaffeNet:
    """Load a Caffe net into PyTorch from its two files, as Caffe's own interfaces take them.

    Args:
        weights: what `load` takes, but no definition alone; None builds the net of prototxt, filled as its fillers
            state.
        prototxt, input_shape, phase, level, stages, deploy: as in `load`.

    Raises:
        FcnkitError: a file cannot be read, holds no net, or does not fit the other.
    """
    state = _state(phase, level, stages)
    if weights is not None:
        options = NetOptions(prototxt, input_shape, state, deploy, untrained="refuse")
        return _loaded(weights, recognize(weights), options)
    if prototxt is None:
        raise ValueError("give `weights`, `prototxt`, or both")
    return _loaded(prototxt, PROTOTXT, NetOptions(None, input_shape, state, deploy))


def _state(phase: str, level: int, stages: Sequence[str]) -> NetState:
    if phase not in _PHASES:
        raise ValueError(f"phase must be 'test' or 'train', not {phase!r}")
    return NetState(phase=_PHASES[phase], level=level, stage=stages)


def _loaded(path: AnyPath, of: Format, options: NetOptions) -> CaffeNet:
    with naming(path):
        net: CaffeNet = of.implementation().load(path, options)
        return net
