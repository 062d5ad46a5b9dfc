"""Loading nets from files: a file's format is recognized by its content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

from fcnkit.aliases import AnyPath
from fcnkit.caffe.messages import TEST, TRAIN, NetState
from fcnkit.errors import ArgumentError, BlobShapeError, naming, nearest
from fcnkit.formats.format import PROTOTXT, Format, check_path, recognize
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, NetOptions, Reading

_PHASES = {"test": TEST, "val": TEST, "train": TRAIN}


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
    target: str = "bvlc",
    **reading: Unpack[Reading],
) -> CaffeNet:
    """Load a net, on the CPU.

    Args:
        path: any file with a net, its weights or its definition: .caffemodel, .caffemodel.h5, .safetensors,
            .pth, .npz or .prototxt. The format is recognized by content, and by name only if that is not enough.
        prototxt: the definition; required for weights alone and for a fork's .caffemodel; otherwise it overrides
            the one in the file.
        input_shape: shape of the first input, or shapes by input name; by default those that the definition, the
            weights or the published nets state.
        phase: "test" ("val") or "train" in any case: selects the included layers and the mode of the module.
        level, stages: further state that the layers' include and exclude rules are evaluated against.
        deploy: in the test phase, remove data layers, labels and losses; False keeps the net unchanged, with an input
            for each blob that a data layer fed. A net for training is always kept.
        mapped: memory-map the weights of a .caffemodel where possible, to copy them to another file or to inspect
            them. They change with the file.
        untrained: a definition alone is filled by its fillers ("fill"), has undefined weights ("leave"), or is refused
            unless its net has no weights ("refuse").
        crop: the offset of each Crop without crop_param: "derived" from the coordinate maps, as in the Caffe of HED, or
            "zero", as in BVLC's; by default a net in which the two differ is refused.
        ignore_fields: names of unknown fields of the prototxt to leave out. Unknown fields of layers that are removed,
            and those known to change no value, are left out anyway; `remarks` of the net lists all.
        net: the name of a published net or classifier (see `generate`), whose definition is taken in place of
            `prototxt`. State dicts of torchvision's classifiers are understood where the net is the same; its images
            then have torchvision's mean.
        values: values by name of the placeholders of a prototxt that is a template, such as ${NUM_LABELS}. Batch sizes
            are 1 without one, and sizes of an image follow from `input_shape`.
        target: the tool that an exported program (.pt2) is written for, as in `from_torch`; it has no effect on other
            files.

    Returns:
        The net, in eval mode for "test" and train mode for "train".

    Raises:
        FcnkitError: a file cannot be read, contains no net, or does not match the other.
    """
    state = _state(phase, level, stages)
    _check_reading(prototxt, reading)
    options = NetOptions(prototxt, input_shape, state, deploy, mapped, untrained, target, **reading)
    return _loaded(path, recognize(path), options)


def convert(
    weights: AnyPath | None,
    prototxt: AnyPath | None = None,
    *,
    input_shape: InputShape | None = None,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
    deploy: bool = True,
    **reading: Unpack[Reading],
) -> CaffeNet:
    """Load a Caffe net into PyTorch from its two files, as Caffe's own interfaces take them.

    Args:
        weights: any file that `load` takes, except a definition alone; None builds the net of prototxt, filled by its
            fillers.
        prototxt, input_shape, phase, level, stages, deploy, crop, ignore_fields, net, values: as in `load`.

    Raises:
        FcnkitError: a file cannot be read, contains no net, or does not match the other.
    """
    state = _state(phase, level, stages)
    _check_reading(prototxt, reading)
    if weights is not None:
        options = NetOptions(prototxt, input_shape, state, deploy, untrained="refuse", **reading)
        return _loaded(weights, recognize(weights), options)
    if prototxt is None:
        raise ArgumentError("give `weights`, `prototxt`, or both")
    check_path(prototxt)
    return _loaded(prototxt, PROTOTXT, NetOptions(None, input_shape, state, deploy, **reading))


def _check_reading(prototxt: AnyPath | None, reading: Reading) -> None:
    known = Reading.__annotations__
    for name in reading.keys() - known.keys():
        named = [*known, "prototxt", "input_shape", "phase", "level", "stages", "deploy"]
        raise ArgumentError(f"there is no option {name!r}{nearest(name, named)}")
    if prototxt is not None and reading.get("net") is not None:
        raise ArgumentError("give the definition with `prototxt` or with `net`, not with both")


def _state(phase: str, level: int, stages: Sequence[str]) -> NetState:
    chosen = _PHASES.get(phase.lower()) if isinstance(phase, str) else None
    if chosen is None:
        raise ArgumentError(f"phase must be 'test' or 'train', not {phase!r}")
    return NetState(phase=chosen, level=level, stage=stages)


def _loaded(path: AnyPath, of: Format, options: NetOptions) -> CaffeNet:
    with naming(path):
        try:
            net: CaffeNet = of.implementation().load(path, options)
        except BlobShapeError as error:
            if options.input_shape is not None and not error.hint:
                error.add_hint("the weights may be for another number of channels or another size than `input_shape`")
            raise
        return net
