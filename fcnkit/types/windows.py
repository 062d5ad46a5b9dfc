"""The windows of layers that slide over a blob: kernel, stride, pad and dilation per spatial axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fcnkit.errors import DefinitionError
from fcnkit.types.looks import Sliding

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


class Window(NamedTuple):
    """In each field one number per spatial axis, outermost axis first: (height, width) for images."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]


def convolution_window(layer: LayerParameter, axes: int) -> Window:
    """The window of a Convolution, Deconvolution or Im2col layer over `axes` spatial axes.

    Raises:
        DefinitionError: kernel, stride or dilation is missing, is zero, or does not have one value for all axes or
            one for each.

    Source: BVLC/caffe src/caffe/layers/base_conv_layer.cpp, LayerSetUp.
    """
    p = layer.convolution_param
    window = Window(
        _repeated(layer, p, "kernel_size", "kernel", axes, None),
        _repeated(layer, p, "stride", "stride", axes, 1),
        _repeated(layer, p, "pad", "pad", axes, 0),
        _per_axis(layer, "dilation", list(p.dilation), axes, 1),
    )
    return _checked(layer, window)


class Sides(NamedTuple):
    """The pad of a layer whose opposite sides differ, in pixels; `same` derives it from the bottom's size."""

    top: int
    bottom: int
    left: int
    right: int
    same: bool


def sides_of(layer: LayerParameter, settings: Any) -> Sides | None:
    """The pads of Synopsys' Caffe, None for a layer without any.

    Raises:
        DefinitionError: there is also a pad of BVLC's.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/base_conv_layer.cpp, LayerSetUp.
    """
    sides = Sides(settings.pad_t, settings.pad_b, settings.pad_l, settings.pad_r, settings.pad_type == 1)
    if not any(sides):
        return None
    pads = [settings.pad] if isinstance(settings.pad, int) else list(settings.pad)
    if any(pads) or settings.pad_h or settings.pad_w or (sides.same and any(sides[:4])):
        raise DefinitionError(f"layer {layer.name!r}: give pad, or pad_l, pad_r, pad_t and pad_b, or pad_type")
    return sides


def pooling_window(layer: LayerParameter, axes: int = 2) -> Window | None:
    """The window of a Pooling layer, or None for global pooling, whose window is the whole bottom.

    Args:
        layer: the layer.
        axes: the number of spatial axes. BVLC's Caffe pools over two, forks over as many as the bottom has.

    Raises:
        DefinitionError: no kernel is given, or kernel, stride and pad contradict each other.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp, LayerSetUp; mzolfaghari/ECO-efficient-video-understanding
    caffe_3d/src/caffe/layers/pooling_layer.cpp, LayerSetUp; naibaf7/caffe src/caffe/layers/pooling_layer.cpp for
    dilation.
    """
    p = layer.pooling_param
    if pools_volumes(layer) or axes != 2:
        return _window_of_axes(layer, axes)
    pad, stride = _pooling_pair(layer, "pad"), _pooling_pair(layer, "stride")
    if p.global_pooling:
        if (
            p.HasField("kernel_size")
            or p.HasField("kernel_h")
            or p.HasField("kernel_w")
            or any(pad)
            or stride != (1, 1)
        ):
            raise DefinitionError(f"layer {layer.name!r}: global_pooling takes no kernel, no pad and no stride but 1")
        return None
    if p.HasField("kernel_size") == (p.HasField("kernel_h") and p.HasField("kernel_w")):
        raise DefinitionError(f"layer {layer.name!r}: give kernel_size, or kernel_h and kernel_w")
    kernel = (p.kernel_size,) * 2 if p.HasField("kernel_size") else (p.kernel_h, p.kernel_w)
    dilation = _per_axis(layer, "dilation", list(p.dilation), 2, 1)
    return _fitting(layer, _checked(layer, Window(kernel, stride, pad, dilation)))


def pools_volumes(layer: LayerParameter) -> bool:
    """Whether a Pooling layer states a size for each of three or more axes."""
    p = layer.pooling_param
    return bool(p.each_kernel_size or p.each_stride or p.each_pad)


def _window_of_axes(layer: LayerParameter, axes: int) -> Window | None:
    p = layer.pooling_param
    if max(p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_h, p.pad_w) > 0:
        raise DefinitionError(f"layer {layer.name!r}: fields for height and width are for 2 spatial axes, not {axes}")
    kernel, stride, pad = (
        list(each) or [once] * given
        for each, once, given in (
            (p.each_kernel_size, p.kernel_size, p.HasField("kernel_size")),
            (p.each_stride, p.stride, p.HasField("stride")),
            (p.each_pad, p.pad, p.HasField("pad")),
        )
    )
    if p.global_pooling:
        if kernel or any(pad) or any(size != 1 for size in stride):
            raise DefinitionError(f"layer {layer.name!r}: global_pooling takes no kernel, no pad and no stride but 1")
        return None
    window = Window(
        _per_axis(layer, "kernel_size", kernel, axes, None),
        _per_axis(layer, "stride", stride, axes, 1),
        _per_axis(layer, "pad", pad, axes, 0),
        _per_axis(layer, "dilation", list(p.dilation), axes, 1),
    )
    return _fitting(layer, _checked(layer, window))


def _fitting(layer: LayerParameter, window: Window) -> Window:
    if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
        raise DefinitionError(f"layer {layer.name!r}: pad {window.pad} must be smaller than the kernel {window.kernel}")
    return window


def pooled_size(size: int, kernel: int, stride: int, pad: int, ceil: bool, padded: bool) -> int:
    """The number of windows of a pooling layer along an axis, below 1 if none fits.

    Args:
        size: of the bottom along the axis, in pixels, like kernel, stride and pad.
        ceil: round the number up, as Caffe does by default.
        padded: whether there is a pad along any axis; if so, a last window that would begin beyond the bottom and its
            padding is dropped along every axis.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp, Reshape.
    """
    span = size + 2 * pad - kernel
    count = (-(-span // stride) if ceil else span // stride) + 1
    return count - 1 if padded and (count - 1) * stride >= size + pad else count


def sliding_convolution(layer: LayerParameter, *, up: bool = False) -> Sliding | None:
    """The window of a convolution or, with up, a deconvolution, over height and width; None over other or more axes.

    Raises:
        DefinitionError: see `convolution_window`.
    """
    p = layer.convolution_param
    volumes = max(map(len, (p.kernel_size, p.stride, p.pad, p.dilation))) > 2
    if p.axis not in (1, -3) or volumes or sides_of(layer, p):
        return None
    (h, w), *others = convolution_window(layer, 2)
    stride, pad, dilation = ((values[0], values[1]) for values in others)
    return Sliding((h, w), stride, pad, dilation, up=up, ceil=False, positions=False)


def sliding_pool(layer: LayerParameter) -> Sliding | None:
    """The window of a Pooling layer over height and width; None for global pooling, and over more axes.

    Raises:
        DefinitionError: see `pooling_window`.
    """
    p = layer.pooling_param
    window = None if pools_volumes(layer) else pooling_window(layer)
    if window is None or sides_of(layer, p):
        return None
    (h, w), *others = window
    stride, pad, dilation = ((values[0], values[1]) for values in others)
    # The second top of maximum pooling contains the positions of the maxima.
    positions = len(layer.top) > 1
    return Sliding((h, w), stride, pad, dilation, up=False, ceil=p.round_mode == p.CEIL, positions=positions)


def _pooling_pair(layer: LayerParameter, field: str) -> tuple[int, int]:
    """A field of pooling_param for both axes, from one field or from its _h and _w forms."""
    p: Any = layer.pooling_param
    height, width = p.HasField(f"{field}_h"), p.HasField(f"{field}_w")
    if height != width or (height and p.HasField(field)):
        raise DefinitionError(f"layer {layer.name!r}: give {field}, or {field}_h and {field}_w")
    if height:
        return getattr(p, f"{field}_h"), getattr(p, f"{field}_w")
    return (getattr(p, field),) * 2


def _repeated(
    layer: LayerParameter, param: Any, field: str, stem: str, axes: int, default: int | None
) -> tuple[int, ...]:
    """The values of a repeated field, or of its older form in two fields, _h and _w."""
    values = list(getattr(param, field))
    if param.HasField(f"{stem}_h") or param.HasField(f"{stem}_w"):
        if values or axes != 2:
            raise DefinitionError(f"layer {layer.name!r}: give {field}, or {stem}_h and {stem}_w for 2 spatial axes")
        return getattr(param, f"{stem}_h"), getattr(param, f"{stem}_w")
    return _per_axis(layer, field, values, axes, default)


def _per_axis(
    layer: LayerParameter, field: str, values: Sequence[int], axes: int, default: int | None
) -> tuple[int, ...]:
    if not values and default is not None:
        return (default,) * axes
    if len(values) not in (1, axes):
        raise DefinitionError(f"layer {layer.name!r}: {field} is given {len(values)} times for {axes} spatial axes")
    return tuple(values) * (axes if len(values) == 1 else 1)


def _checked(layer: LayerParameter, window: Window) -> Window:
    for field in ("kernel", "stride", "dilation"):
        if min(getattr(window, field), default=1) < 1:
            raise DefinitionError(f"layer {layer.name!r}: {field} {getattr(window, field)} must be positive")
    return window
