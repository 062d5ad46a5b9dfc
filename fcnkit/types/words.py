"""Settings of layers as text, for drawings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fcnkit.aliases import Shape
from fcnkit.types.windows import Window, convolution_window, pooling_window

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def convolution_words(layer: LayerParameter, bottom: Shape) -> Iterator[str]:
    if layer.convolution_param.num_output:
        yield str(layer.convolution_param.num_output)
    yield from window_words(convolution_window(layer, max(len(bottom) - 2, 0)))
    group = layer.convolution_param.group
    if group > 1:
        yield "depthwise" if bottom[1:2] == (group,) else f"group {group}"


def pooling_words(layer: LayerParameter, bottom: Shape) -> Iterator[str]:
    p, window = layer.pooling_param, pooling_window(layer, max(len(bottom) - 2, 2))
    yield p.PoolMethod.Name(p.pool) + (" of all" if window is None else "")
    if window is not None:
        yield from window_words(window)


def window_words(window: Window) -> Iterator[str]:
    """The kernel, and all other settings that are not the default."""
    yield " x ".join(map(str, window.kernel))
    for word, default in (("stride", 1), ("pad", 0), ("dilation", 1)):
        values = getattr(window, word)
        if any(value != default for value in values):
            yield f"{word} {' x '.join(map(str, values if len(set(values)) > 1 else values[:1]))}"


def inner_product_words(layer: LayerParameter, bottom: Shape) -> Iterator[str]:
    yield str(layer.inner_product_param.num_output)


def eltwise_words(layer: LayerParameter, bottom: Shape) -> Iterator[str]:
    yield layer.eltwise_param.EltwiseOp.Name(layer.eltwise_param.operation)


def crop_words(layer: LayerParameter, bottom: Shape) -> Iterator[str]:
    yield f"offset {', '.join(map(str, layer.crop_param.offset)) or 0}"
