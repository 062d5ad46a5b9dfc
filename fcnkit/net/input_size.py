"""The size of the images that a classifier reads, derived from its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fcnkit.caffe.data import UNKNOWN
from fcnkit.caffe.inputs import input_shapes, set_input_shapes
from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import FcnkitError, InputError
from fcnkit.geometry.grids import windows
from fcnkit.net.building import blob_shapes
from fcnkit.types import type_of
from fcnkit.types.looks import Sliding

# Square sizes that classifiers were trained at, for nets whose weights admit several and that do not state theirs.
_USUAL_SIZES = (224, 227)
_LARGEST_SIZE = 4096


def set_input_size(net: NetParameter, blobs: Mapping[str, Sequence[Any]] | None) -> None:
    """Find the square input size at which the input of the first InnerProduct matches its weights.

    If several sizes match, the usual 224 or 227 is chosen, else one at which no window of the net is cut off.

    Raises:
        InputError: there is no such size, or nothing to derive it from.
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

    def at(size: int) -> NetParameter:
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
    """The smallest size from 1 up at which a monotonic condition is true."""
    low, high = 1, _LARGEST_SIZE + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _windows_cut(net: NetParameter) -> bool:
    """Whether some window of the net does not fit its bottom a whole number of times."""
    shapes = blob_shapes(net)
    for layer in net.layer:
        record = type_of(layer)
        for bottom, look in zip(layer.bottom, record.looks(layer) if record is not None else (), strict=False):
            if isinstance(look, Sliding) and not look.up and len(shapes[bottom]) == 4:
                for size, window in zip(shapes[bottom][2:], windows(look), strict=True):
                    if (size + 2 * window.pad - window.kernel) % window.stride:
                        return True
    return False
