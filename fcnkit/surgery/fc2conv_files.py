"""fc2conv: convert fully connected layers of files and nets to convolutions, and back."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import nn

from fcnkit.aliases import AnyPath
from fcnkit.caffe import caffemodel, hdf5
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import ArgumentError, FileFormatError, OutputError, naming
from fcnkit.files import check_output, writing
from fcnkit.formats import load
from fcnkit.formats.format import CAFFEMODEL, HDF5, PTH, SAFETENSORS, Format, named, recognize, suffixes
from fcnkit.formats.names import NamesError, rename
from fcnkit.surgery.dense import dense, dense_net
from fcnkit.surgery.kernels import Cast, Kernels
from fcnkit.surgery.net_casting import cast_net, cast_net_back
from fcnkit.surgery.state_casting import cast_state, cast_state_back, natural
from fcnkit.surgery.weight_files import WeightFile, read_caffe_weights, read_weight_file

_CAST = (PTH, SAFETENSORS, CAFFEMODEL, HDF5)


@overload
def fc2conv(source: nn.Module, *, kernel: Kernels = None, order: str = "chw") -> nn.Module: ...


@overload
def fc2conv(
    source: AnyPath,
    output: AnyPath,
    *,
    prototxt: AnyPath | None = None,
    kernel: Kernels = None,
    order: str = "chw",
    names: str | None = None,
    back: bool = False,
    layers: Collection[str] = (),
    force: bool = False,
) -> list[Cast]: ...


def fc2conv(source: Any, output: Any = None, **options: Any) -> Any:
    """Cast fully connected weights to convolution filters, in a net or in a file. Nothing else is changed.

    Args:
        source: a net, for which a new net is returned that takes images of any size; or a file of any name: .pth or
            .safetensors with a state dict or a checkpoint that contains one, .caffemodel, .h5.
        output: for a file, an output file of the same format, with the suffix of the format or of source. The layers of
            a .caffemodel also become Convolutions, and its definition is also written beside it, as .prototxt.
        prototxt: a definition that overrides the one in a .caffemodel, or that accompanies an .h5.
        kernel: for layers whose shapes are ambiguous: one (height, width) for all layers, or one by layer.
        order: "chw", or "hwc" for weights that were trained where maps are stored as H, W, C.
        names: "caffe" renames the layers of torchvision's VGG and AlexNet, "torchvision" reverts this.
        back: cast filters to fully connected weights instead.
        layers: the layers to cast; by default those named fc6, classifier.0, head.fc and similar.
        force: replace existing files.

    Returns:
        The new net for a net; the list of casts, in order, for a file.

    Raises:
        CastError: there is nothing to cast, or the shapes are ambiguous.
        ArgumentError: there is no such option, or the output is missing.
        FcnkitError: a file cannot be read or written.
    """
    what, function = ("a net", dense) if isinstance(source, nn.Module) else ("a file", _fc2conv_file)
    known = [name for name, each in inspect.signature(function).parameters.items() if each.kind is each.KEYWORD_ONLY]
    for name in options.keys() - set(known):
        raise ArgumentError(f"fc2conv of {what} takes {', '.join(known)}, not {name!r}")
    if isinstance(source, nn.Module):
        return dense(source, **options)
    if output is None:
        raise ArgumentError("fc2conv of a file needs an output")
    return _fc2conv_file(source, output, **options)


def default_output(weights: AnyPath, back: bool) -> Path:
    """The default output: in the current folder, with -conv or -fc added to the name.

    Raises:
        FcnkitError: see `recognize`.
    """
    path, of = Path(weights), recognize(weights)
    stem = path.name.removesuffix(path.suffix).removesuffix(".caffemodel")
    # A suffix of another format than the file's is not valid for the output either.
    suffix = path.name.removeprefix(stem) if named(path) in (of, None) else of.suffixes[0]
    return Path(f"{stem}{'-fc' if back else '-conv'}{suffix}")


def prototxt_beside(output: AnyPath, weights: AnyPath, prototxt: AnyPath | None) -> Path | None:
    """The prototxt that is written with an output: the same name with the suffix .prototxt, or None."""
    if prototxt is None and recognize(weights) is not CAFFEMODEL:
        return None
    return Path(str(output).removesuffix(".h5")).with_suffix(".prototxt")


def _fc2conv_file(
    weights: AnyPath,
    output: AnyPath,
    *,
    prototxt: AnyPath | None = None,
    kernel: Kernels = None,
    order: str = "chw",
    names: str | None = None,
    back: bool = False,
    layers: Collection[str] = (),
    force: bool = False,
) -> list[Cast]:
    of = recognize(weights)
    if of not in _CAST:
        raise FileFormatError(f"is a {of.suffixes[0]} file; fc2conv casts {', '.join(suffixes(_CAST))}").in_file(
            weights
        )
    # A suffix that names no format is kept, as the format is.
    kept = named(output) is of or (named(output) is None and Path(output).suffix == Path(weights).suffix)
    if not kept:
        raise OutputError(f"fc2conv keeps the format of its input; choose a {of.suffixes[0]} file as output").in_file(
            output
        )
    check_output(output, force)
    said: dict[str, Any] = {"layers": layers} if back else {"kernel": kernel}
    with naming(weights):
        if of in (PTH, SAFETENSORS):
            if prototxt is not None:
                problem = f"is a {of.suffixes[0]} file, which is cast without a definition; leave `prototxt` out"
                raise FileFormatError(problem)
            return _cast_state_file(weights, output, of, said | {"order": order}, names, back, force)
        if names is not None:
            raise NamesError("has Caffe's names already; leave `names` out")
        return _cast_caffe_file(weights, output, of, said | {"order": order}, prototxt, back, force)


def _cast_state_file(
    path: AnyPath, output: AnyPath, of: Format, said: dict[str, Any], names: str | None, back: bool, force: bool
) -> list[Cast]:
    weights = read_weight_file(path, of)
    if "prototxt" in weights.metadata:
        if names is not None:
            raise NamesError("has Caffe's names already; leave `names` out")
        net, casts = dense_net(load(path), back=back, **said)
        with writing(output, force) as partial:
            of.implementation().save(net, partial)
        return casts
    # If names is set, filters that are already cast are only renamed.
    done = names is not None and not back and not any(tensor.dim() == 2 for tensor in weights.state.values())
    casts = [] if done else _cast_state(weights, said, back)
    if names is not None:
        weights.state = rename(weights.state, names)
    with writing(output, force) as partial:
        weights.write(partial)
    return casts


def _cast_state(weights: WeightFile, said: dict[str, Any], back: bool) -> list[Cast]:
    if back:
        return cast_state_back(weights.state, **said)
    return cast_state(weights.state, ordered=weights.ordered, **said)


def _cast_caffe_file(
    path: AnyPath, output: AnyPath, of: Format, said: dict[str, Any], prototxt: AnyPath | None, back: bool, force: bool
) -> list[Cast]:
    definition, blobs = read_caffe_weights(path, of)
    if prototxt is not None:
        definition = prototxts.read(prototxt)
    beside = prototxt_beside(output, path, prototxt)
    if definition is None or beside is None:
        casts = _cast_blobs(blobs, said, back)
    else:
        check_output(beside, force)
        definition = upgrade_net(definition)
        casts = (cast_net_back if back else cast_net)(definition, blobs, **said)
    with writing(output, force) as partial:
        if of is HDF5:
            hdf5.write(partial, blobs)
        else:
            assert definition is not None
            caffemodel.write(partial, definition, blobs)
    if beside is not None and definition is not None:
        with writing(beside, force) as partial:
            partial.write_text(prototxts.to_text(definition), encoding="utf-8")
    return casts


def _cast_blobs(blobs: dict[str, list[np.ndarray]], said: dict[str, Any], back: bool) -> list[Cast]:
    """Cast the blobs of an .h5 file by name; the file stores neither the definition nor the order."""
    layers = sorted((name for name in blobs if blobs[name]), key=natural)
    state = {f"{name}.weight": torch.from_numpy(blobs[name][0]) for name in layers}
    weights = WeightFile(state, HDF5, ordered=False)
    casts = _cast_state(weights, said, back)
    for cast in casts:
        blobs[cast.name][0] = weights.state[f"{cast.name}.weight"].numpy()
    return casts
