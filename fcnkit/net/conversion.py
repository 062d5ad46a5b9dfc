"""From Caffe's files to a CaffeNet."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from fcnkit.caffe import caffemodel, hdf5
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.data import UNKNOWN, preprocessing
from fcnkit.caffe.deploy import TEST_STATE, runnable
from fcnkit.caffe.deploy import deploy as deploy_net
from fcnkit.caffe.forks import require_bvlc
from fcnkit.caffe.inputs import input_shapes, resolve, set_input_shapes
from fcnkit.caffe.schema import TEST, TRAIN, Message, NetParameter, NetState
from fcnkit.caffe.sniff import HDF5, describe
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FcnkitError, FileFormatError, InputError, naming
from fcnkit.net.caffe_net import CaffeNet, blob_shapes
from fcnkit.types.windows import convolution_window, pooling_window

Path = str | os.PathLike[str]
InputShape = Sequence[int] | Mapping[str, Sequence[int]]

# Square sizes that classifiers were trained at, for nets whose weights admit several and that do not say.
_USUAL_SIZES = (224, 227)
_LARGEST_SIZE = 4096

_PHASES = {"test": TEST, "train": TRAIN}


def convert(
    weights: Path | None,
    prototxt: Path | None = None,
    *,
    input_shape: InputShape | None = None,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
    deploy: bool = True,
) -> CaffeNet:
    """Load a Caffe net into PyTorch.

    Args:
        weights: a .caffemodel or .caffemodel.h5; None builds the net of prototxt, filled as its fillers say.
        prototxt: the definition; without it that of the .caffemodel is taken, unless it is a fork's. HDF5 files
            hold none.
        input_shape: shape of the first input, or shapes by input name; by default what the definition,
            the weights or the published nets say.
        phase: "test" or "train": which layers are in, and the mode that the module is in.
        level, stages: what else the layers' include and exclude rules are held against.
        deploy: in the test phase, cut data layers, labels and losses off; False keeps the net as it stands,
            with an input for each blob that a data layer fed. A net for training is always kept.

    Returns:
        The net, in eval mode for "test" and train mode for "train".

    Raises:
        FcnkitError: a file cannot be read, or does not fit the other.
    """
    if phase not in _PHASES:
        raise ValueError(f"phase must be 'test' or 'train', not {phase!r}")
    state = NetState(phase=_PHASES[phase], level=level, stage=stages)
    return build(weights, prototxt, input_shape, state, deploy)


def build(
    weights: Path | None,
    prototxt: Path | None,
    input_shape: InputShape | None,
    state: Message = TEST_STATE,
    deploy: bool = True,
    mapped: bool = False,
) -> CaffeNet:
    """What `convert` does, for a NetState; with mapped the weights stay views on the file (see CaffeNet)."""
    if weights is None and prototxt is None:
        raise ValueError("give `weights`, `prototxt`, or both")
    definition, blobs = (None, None) if weights is None else _read_weights(weights)
    if prototxt is not None:
        definition = prototxts.read(prototxt)
    else:
        with naming(weights or ""):
            if definition is None:
                raise FileFormatError("contains weights alone; give the net's definition with `prototxt`")
            require_bvlc(definition)
    with naming(prototxt or weights or ""):
        definition, preprocessing = prepare(definition, blobs, input_shape, state, deploy)
    with naming(weights or prototxt or ""):
        net = CaffeNet(definition, blobs, mapped=mapped)
    net.preprocessing, net.source = preprocessing, pathlib.Path(weights or prototxt or "")
    return net.train(state.phase == TRAIN)


def _read_weights(path: Path) -> tuple[Message | None, Blobs]:
    """The definition that a file of weights holds, if it does, and its blobs."""
    if describe(path) == HDF5:
        return None, hdf5.read(path)
    return caffemodel.read(path)


def prepare(
    trained: Message,
    blobs: Mapping[str, Sequence[Any]] | None,
    input_shape: InputShape | None,
    state: Message = TEST_STATE,
    deploy: bool = True,
) -> tuple[Message, dict[str, Any]]:
    """The definition that a CaffeNet is built from, every input of known shape, and the inputs' preprocessing.

    Args:
        trained: a net of any generation, as it was trained or as it runs.
        blobs: the weights by layer name (their shapes are all that counts), or None.
        input_shape, deploy: as in `convert`.
        state: the NetState it is to run in.
    """
    declared = tuple(trained.input)
    trained = upgrade_net(trained)
    cut = deploy_net if deploy and state.phase == TEST else runnable
    net = cut(trained, state, declared)
    resolve(net, blobs, input_shape)
    _size_from_inner_product(net, blobs)
    return net, {
        name: preprocessing(trained.layer, name, shape[1])
        for name, shape in input_shapes(net).items()
        if len(shape) == 4 and shape[2] * shape[3] > 1
    }


def _size_from_inner_product(net: Message, blobs: Mapping[str, Sequence[Any]] | None) -> None:
    """Find the square input size at which the first InnerProduct gets the inputs its weights have.

    Where several do, the usual 224 or 227 is taken, else one at which no window of the net is cut off.

    Raises:
        InputError: there is no such size, or nothing to tell it by.
    """
    shapes = input_shapes(net)
    if not any(UNKNOWN in shape for shape in shapes.values()):
        return
    ask = "give the input's shape with `input_shape`"
    end = next((i for i, layer in enumerate(net.layer) if layer.type == "InnerProduct"), None)
    if end is None:
        raise InputError(f"the shape of an input has a size of 0; {ask}")
    first = net.layer[end]
    stored = (blobs or {}).get(first.name)
    if not stored or not first.bottom or not first.inner_product_param.num_output:
        raise InputError(f"the height and width of the input are unknown; {ask}")
    wanted = math.prod(stored[0].shape) // first.inner_product_param.num_output

    def at(size: int) -> Message:
        trunk = NetParameter(layer=net.layer[:end])
        sized = {name: tuple(n or size for n in shape) for name, shape in shapes.items()}
        set_input_shapes(trunk, sized)
        return trunk

    def features(size: int) -> int:
        try:
            shape = blob_shapes(at(size))[first.bottom[0]]
        except FcnkitError:
            return 0  # too small for one of the windows
        return math.prod(shape[first.inner_product_param.axis :])

    low = _first(lambda size: features(size) >= wanted)
    high = _first(lambda size: features(size) > wanted) - 1
    if low > high or high == _LARGEST_SIZE:
        raise InputError(f"no square image gives the {wanted} inputs that the weights of {first.name!r} have; {ask}")
    size = min(
        {*_USUAL_SIZES, *range(low, min(high, low + 64) + 1), high} & {*range(low, high + 1)},
        key=lambda size: (size not in _USUAL_SIZES, _windows_cut(at(size)), abs(size - _USUAL_SIZES[0])),
    )
    set_input_shapes(net, {name: tuple(n or size for n in shape) for name, shape in shapes.items()})


def _first(holds: Any) -> int:
    """The smallest size from 1 up at which a condition holds that stays true once it is."""
    low, high = 1, _LARGEST_SIZE + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _windows_cut(net: Message) -> bool:
    """Whether some window of the net does not fit its bottom a whole number of times."""
    shapes = blob_shapes(net)
    for layer in net.layer:
        window = None
        if layer.type == "Convolution":
            window = convolution_window(layer, len(shapes[layer.bottom[0]]) - 2)
        elif layer.type == "Pooling":
            window = pooling_window(layer)
        if window is None:
            continue
        sizes = shapes[layer.bottom[0]][2:]
        for n, kernel, stride, pad, dilation in zip(sizes, *window, strict=True):
            if (n + 2 * pad - (kernel - 1) * dilation - 1) % stride:
                return True
    return False
