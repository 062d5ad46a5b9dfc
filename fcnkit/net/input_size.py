"""The sizes of inputs that the weights of a net, its strides or its layers determine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from fcnkit.aliases import Pair
from fcnkit.caffe.data import UNKNOWN
from fcnkit.caffe.inputs import FCN_SIZE, input_shapes, set_input_shapes
from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import FcnkitError, InputError
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.geometry.grids import windows
from fcnkit.net.building import blob_shapes
from fcnkit.types import type_of
from fcnkit.types.looks import Sliding
from fcnkit.types.resizing import UPSAMPLE

# Square sizes that classifiers were trained at, for nets whose weights admit several and that do not state theirs.
_USUAL_SIZES = (224, 227)
_LARGEST_SIZE = 4096
# Those of detectors, classifiers and PSPNet, for nets that state the size of a blob that depends on them
# (karta0807913/caffe-yolo-9000 examples/yolo/darknet.prototxt; hszhao/PSPNet evaluation/eval_all.m, crop_size).
_USUAL_SIDES = (448, 416, 300, 224, 227, 473, 713)
# Height and width of the images that SegNet was trained on, for nets whose Upsample layers add a row where these need
# it (alexgkendall/SegNet-Tutorial Models/segnet_basic_train.prototxt).
_CAMVID = (360, 480)


def set_input_size(net: NetParameter, blobs: Mapping[str, Sequence[Any]] | None) -> None:
    """Find the square input size at which the input of the first InnerProduct matches its weights.

    If several sizes match, the usual 224 or 227 is chosen, else one at which no window of the net is cut off.

    Raises:
        InputError: there is no such size, or nothing to derive it from.
    """
    shapes = input_shapes(net)
    unknown = [name for name, shape in shapes.items() if UNKNOWN in shape]
    if not unknown:
        return
    ask = "give its shape with `input_shape`"
    end = next((i for i, layer in enumerate(net.layer) if layer.type == "InnerProduct"), None)
    if end is None or any(UNKNOWN in shapes[name][:2] for name in unknown):
        raise InputError(f"the shape of input {unknown[0]!r} is unknown; {ask}")
    first = net.layer[end]
    stored = (blobs or {}).get(first.name)
    if not stored or not first.bottom or not first.inner_product_param.num_output:
        if not stored and _set_stated_size(net):
            return
        raise InputError(f"the height and width of input {unknown[0]!r} are unknown; {ask}")
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
        raise InputError(
            f"no square image as input {unknown[0]!r} gives the {wanted} inputs that the weights of {first.name!r} "
            f"have; {ask}"
        )
    size = min(
        {*_USUAL_SIZES, *range(low, min(high, low + 64) + 1), high} & {*range(low, high + 1)},
        key=lambda size: (size not in _USUAL_SIZES, _windows_cut(at(size)), abs(size - _USUAL_SIZES[0])),
    )
    set_input_shapes(net, {name: tuple(n or size for n in shape) for name, shape in shapes.items()})


def _set_stated_size(net: NetParameter) -> bool:
    """Give inputs of unknown height and width, in place, the first of `_stated_sizes` that the net runs at, if any."""
    shapes = input_shapes(net)
    for size in _stated_sizes(net):
        sized = {
            name: (*shape[:2], *size) if shape[2:] == (UNKNOWN, UNKNOWN) else shape for name, shape in shapes.items()
        }
        set_input_shapes(net, sized)
        try:
            blob_shapes(net)
        except FcnkitError:
            continue
        return True
    set_input_shapes(net, shapes)
    return False


def fitting_size(net: NetParameter) -> Pair | None:
    """A size for the inputs that the net can run at, for one that does not fit the usual guess; None for none.

    Many nets join blobs that were pooled and upsampled: their sizes are multiples of the product of the strides, or 1
    more where pixels at the edges are aligned. Multiples of 32 are usual even where less would do.
    """
    strides: set[Fraction] = {grid[0].stride for blob in Coordinates(net).blobs.values() for grid in blob.values()}
    product: int = min(math.lcm(*(stride.numerator for stride in strides), 1), FCN_SIZE)
    steps = dict.fromkeys((32, product))
    near: list[int] = [-(-FCN_SIZE // step) * step for step in steps] + [FCN_SIZE // step * step for step in steps]
    between = range(FCN_SIZE, FCN_SIZE + product, max(product // 8, 1))
    sides: list[int] = [*near, *(side + 1 for side in near), *between]
    squares = [(side, side) for side in (*dict.fromkeys(sides), *_USUAL_SIDES)]
    for size in [*_stated_sizes(net), *squares, _CAMVID]:
        set_size(net, size)
        try:
            blob_shapes(net)
        except FcnkitError:
            continue
        return size
    return None


def _stated_sizes(net: NetParameter) -> list[Pair]:
    """The sizes of inputs by the sizes that Upsample layers state, whose masks are those of pooling layers.

    The largest one first: what was pooled less often tells the size more exactly.
    """
    found: list[tuple[int, Pair]] = []
    coordinates = Coordinates(net)
    for layer in net.layer:
        p = layer.upsample_param
        if layer.type == UPSAMPLE.name and len(layer.bottom) == 2 and min(p.upsample_h, p.upsample_w, p.scale) > 0:
            for grid in coordinates.blobs.get(layer.bottom[1], {}).values():
                height, width = (
                    int(side * along.stride) // p.scale
                    for side, along in zip((p.upsample_h, p.upsample_w), grid, strict=True)
                )
                found.append((p.upsample_h, (height, width)))
    sizes = dict.fromkeys(size for _, size in sorted(found, reverse=True))
    return [size for size in sizes if max(size) <= _LARGEST_SIZE]


def set_size(net: NetParameter, size: Pair) -> None:
    """Give the inputs of four axes that have the guessed size another, in place."""
    shapes = input_shapes(net)
    first = next(iter(shapes.values()))[2:]
    sized = {name: (*shape[:2], *size) if shape[2:] == first else shape for name, shape in shapes.items()}
    set_input_shapes(net, sized)


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
