"""Any file that holds a net, as a net to look at or to run."""

from __future__ import annotations

import os
from pathlib import Path

from fcnkit import formats
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.sniff import HDF5, NET, PROTOTXT, describe
from fcnkit.errors import FileFormatError, naming
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, build, convert, prepare

AnyPath = str | os.PathLike[str]


def open_net(path: AnyPath, prototxt: AnyPath | None = None, input_shape: InputShape | None = None) -> CaffeNet:
    """The net of a file, to look at and not to run.

    A definition alone gives a net whose weights hold anything; those of a .caffemodel stay where they lie in the file.

    Args:
        path: what `fcnkit.load` or `fcnkit.convert` takes, or a prototxt.
        prototxt, input_shape: as in `fcnkit.convert`.

    Raises:
        FcnkitError: the file cannot be read or is no net, or needs a prototxt.
    """
    if holds_definition_alone(path):
        _refuse_second(path, prototxt)
        with naming(path):
            definition, preprocessing = prepare(prototxts.read(path), None, input_shape)
            net = CaffeNet(definition, filled=False)
        net.preprocessing = preprocessing
        return net.eval()
    if _is_caffes(path):
        return build(path, prototxt, input_shape, mapped=True)
    return formats.load(path, prototxt, input_shape=input_shape)


def open_to_run(
    path: AnyPath, prototxt: AnyPath | None = None, input_shape: InputShape | None = None, deploy: bool = True
) -> CaffeNet:
    """The net of a file, to run; a definition alone is filled as its fillers say.

    Args:
        path, prototxt, input_shape: as in `open_net`.
        deploy: as in `fcnkit.convert`; formats that hold the net as it runs have only that.
    """
    if holds_definition_alone(path):
        _refuse_second(path, prototxt)
        return convert(None, path, input_shape=input_shape, deploy=deploy)
    if _is_caffes(path):
        return convert(path, prototxt, input_shape=input_shape, deploy=deploy)
    return formats.load(path, prototxt, input_shape=input_shape)


def holds_definition_alone(path: AnyPath) -> bool:
    """Whether a file is a prototxt, whatever it is called, unless its name is that of another format."""
    return (describe(path) == PROTOTXT and not _is_named(path)) or Path(path).suffix.lower() == ".prototxt"


def _is_caffes(path: AnyPath) -> bool:
    return not _is_named(path) and describe(path).startswith((NET, HDF5))


def _is_named(path: AnyPath) -> bool:
    """Whether the name says a format of state dicts; Caffe's own files go by what is in them."""
    return Path(path).suffix.lower() in formats.STATES


def _refuse_second(path: AnyPath, prototxt: AnyPath | None) -> None:
    if prototxt is not None:
        raise FileFormatError("is a prototxt itself; give weights in its place, or leave `prototxt` out").in_file(path)
