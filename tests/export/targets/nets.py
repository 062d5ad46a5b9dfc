"""Nets of one layer at which a measure or a field has a given value, for the tests of limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fcnkit.export.targets.target import Limit

# The text of a net in which the measure of a limit has a value, for a layer type.
Build = Callable[[Limit, str, Any], str]

BUILDERS: dict[str, Build] = {}

CONVOLUTIONS = ("Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution")


def inputs(*shapes: Sequence[int]) -> str:
    """Inputs x0, x1, ..."""
    return "".join(
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ dim: {list(shape)} }} }} }}\n'
        for i, shape in enumerate(shapes)
    )


def layer(kind: str, settings: str = "", bottoms: int = 1, tops: int = 1) -> str:
    read = " ".join(f'bottom: "x{i}"' for i in range(bottoms))
    made = " ".join(f'top: "y{i}"' for i in range(tops))
    return f'layer {{ name: "y" type: "{kind}" {read} {made} {settings} }}\n'


def builds(name: str) -> Callable[[Build], Build]:
    def added(function: Build) -> Build:
        BUILDERS[name] = function
        return function

    return added


def _read(top: str) -> str:
    """A layer that reads a top."""
    return f'layer {{ name: "{top}_read" type: "Power" bottom: "{top}" top: "{top}_read" }}\n'


def windowed(limit: Limit, kind: str, window: str, shape: Sequence[int] = (1, 2, 4, 5), extra: str = "") -> str:
    """A layer with a window; `extra` are its other settings."""
    if kind == "Pooling":
        pool = (limit.when or {}).get("pooling_param.pool", ["MAX"])[0]
        return inputs(shape) + layer(kind, f"pooling_param {{ pool: {pool} {window} {extra} }}")
    depthwise = kind in ("ConvolutionDepthwise", "DepthwiseConvolution")
    filters = f"num_output: {shape[1] if depthwise else 1} " + (f"group: {shape[1]}" if "wiseC" in kind else "")
    return inputs(shape) + layer(kind, f"convolution_param {{ {filters} {window} {extra} }}")


@builds("kernel")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: {value}", (1, 2, value, value))


@builds("kernel_area")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_h: 1 kernel_w: {value}", (1, 2, 1, value))


@builds("filter_size")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, "kernel_size: 1", (1, value, 1, 1))


@builds("stride")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: {value} stride: {value}", (1, 2, value, value))


@builds("stride_area")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 1 stride_h: 1 stride_w: {value}")


@builds("stride_per_kernel")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 1 stride: {value:g}", (1, 2, 7, 13))


@builds("pad")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 3 pad: {value}")


@builds("excess_pad")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 3 stride: 2 pad: {1 + value:g}")


@builds("dilation")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 2 dilation: {value}", (1, 2, value + 1, value + 2))


@builds("dilation_gap")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 2 dilation: 1 dilation: {1 + value:g}")


@builds("dilation_rest")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, f"kernel_size: 2 stride: 2 dilation: {4 - value:g}", (1, 2, 6, 7))


@builds("entries")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, "kernel_size: 2 " * value)


@builds("multiplier")
def _(limit: Limit, kind: str, value: Any) -> str:
    settings = f"convolution_param {{ num_output: {2 * value} group: 2 kernel_size: 1 }}"
    return inputs((1, 2, 3, 4)) + layer(kind, settings)


@builds("group_channels")
def _(limit: Limit, kind: str, value: Any) -> str:
    dilation = (limit.when or {}).get("dilation", [1])[0]
    return windowed(limit, kind, f"kernel_size: 1 dilation: {dilation}", (1, value, 1, 1))


@builds("channels")
def _(limit: Limit, kind: str, value: Any) -> str:
    shape = (1, value, 1, 1)
    return windowed(limit, kind, "kernel_size: 1", shape) if kind in CONVOLUTIONS else inputs(shape) + layer(kind)


@builds("upsampled")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, "kernel_size: 1", (1, 1, 2, value))


@builds("average_buffer")
def _(limit: Limit, kind: str, value: Any) -> str:
    # A kernel of 1 x 1 with stride 1 takes 32 for itself, and 32 for each column.
    return windowed(limit, kind, "kernel_size: 1", (1, 1, 1, (value - 1) // 32))


@builds("area")
def _(limit: Limit, kind: str, value: Any) -> str:
    return windowed(limit, kind, "global_pooling: true", (1, 1, 1, value))


@builds("size")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 1, 1, value)) + layer(kind)


@builds("axes")
def _(limit: Limit, kind: str, value: Any) -> str:
    shape = (1, 2, 3, 2, 2, 2)[:value]
    settings = {"Convolution": "convolution_param { num_output: 1 kernel_size: 1 }"}.get(kind, "")
    if kind == "Scale" and value == 1:
        settings = "scale_param { axis: 0 }"
    return inputs(shape) + layer("ReLU" if kind == "Input" else kind, settings)


@builds("batch")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((value, 2, 3, 4)) + layer(kind, "tile_param { tiles: 2 }" if kind == "Tile" else "")


@builds("recurrent_batch")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((5, value, 3), (5, value)) + layer(kind, "recurrent_param { num_output: 2 }", 2)


@builds("last_side")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 1, 1, value)) + layer(kind, "softmax_param { axis: 3 }")


@builds("bottoms")
def _(limit: Limit, kind: str, value: Any) -> str:
    shapes: list[tuple[int, ...]] = [(1, 2, 3, 4)] * value
    tops = value if kind in CONVOLUTIONS else 1
    settings = "convolution_param { num_output: 1 kernel_size: 1 }" if kind in CONVOLUTIONS else ""
    if kind == "Scale":
        shapes, settings = [(1, 2, 3, 4), (2,)][:value], "scale_param { axis: 1 }"
    return inputs(*shapes) + layer(kind, settings, value, tops)


@builds("tops")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 2, 4, 6)) + layer(kind, "pooling_param { kernel_size: 2 stride: 2 }", 1, value)


@builds("name")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 2, 3, 4)) + layer(kind).replace('name: "y"', f'name: "{"n" * value}"')


@builds("outputs")
def _(limit: Limit, kind: str, value: Any) -> str:
    text = inputs((1, 2, 3, 4))
    return text + "".join(f'layer {{ name: "r{i}" type: "ReLU" bottom: "x0" top: "r{i}" }}\n' for i in range(value))


@builds("axis")
def _(limit: Limit, kind: str, value: Any) -> str:
    value = int(value)
    if kind == "Slice":
        shape = [2, 4, 6, 8]
        points = f"slice_param {{ axis: {value} slice_point: 1 }}"
        return inputs(shape) + layer(kind, points, 1, 2) + _read("y0") + _read("y1")
    if kind == "Crop":
        return inputs((2, 4, 6, 8), (2, 4, 6, 4)) + layer(kind, f"crop_param {{ axis: {value} }}", 2)
    bottoms = 2 if kind == "Concat" else 1
    settings = f"{kind.lower()}_param {{ axis: {value} }}"
    return inputs(*[(2, 4, 6, 8)] * bottoms) + layer(kind, settings, bottoms)


@builds("axis_from_end")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 2, 3, 4)) + layer(kind, f"{kind.lower()}_param {{ axis: {4 + value} }}")


@builds("first_order")
def _(limit: Limit, kind: str, value: Any) -> str:
    order = [value, *(axis for axis in range(4) if axis != value)]
    return inputs((1, 2, 3, 4)) + layer(kind, f"permute_param {{ order: {order} }}")


@builds("reshape_batch")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 2, 3, 4)) + layer(kind, f"reshape_param {{ shape {{ dim: [{value}, -1] }} }}")


@builds("missing_slice_points")
def _(limit: Limit, kind: str, value: Any) -> str:
    # OpenCV counts only the tops that a layer reads.
    settings = "" if value else "slice_param { slice_point: 1 }"
    return inputs((1, 2, 3, 4)) + layer(kind, settings, 1, 2) + _read("y0")


@builds("scale_axes")
def _(limit: Limit, kind: str, value: Any) -> str:
    settings = f"axis: {value}" if isinstance(value, int) else "num_axes: 2"
    return inputs((1, 2, 3, 4)) + layer(kind, f"scale_param {{ {settings} }}")


@builds("given_alpha")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((1, 2, 3, 4)) + layer(kind, f"lrn_param {{ {'alpha: 0.5' if value else ''} }}")


@builds("batch_statistics")
def _(limit: Limit, kind: str, value: Any) -> str:
    return inputs((2, 2, 3, 4)) + layer(kind, f"batch_norm_param {{ use_global_stats: {str(value).lower()} }}")


# For fields: the type, the net's inputs, other settings, and values outside of what any target reads.
FIELDS: dict[str, tuple[str, str, str, Sequence[Any]]] = {
    "pooling_param.round_mode": ("Pooling", inputs((1, 2, 5, 6)), "kernel_size: 2 stride: 2", ["FLOOR"]),
    "pooling_param.pool": ("Pooling", inputs((1, 2, 5, 6)), "kernel_size: 2 stride: 2", ["STOCHASTIC"]),
    "inner_product_param.axis": ("InnerProduct", inputs((1, 2, 3, 4)), "num_output: 2", [3]),
    "inner_product_param.transpose": ("InnerProduct", inputs((1, 2, 3, 4)), "num_output: 2", [True]),
    "eltwise_param.coeff": ("Eltwise", inputs(*[(1, 2, 3, 4)] * 2), "coeff: -1", [-1]),
    "eltwise_param.operation": ("Eltwise", inputs(*[(1, 2, 3, 4)] * 2), "", ["MAX"]),
    "concat_param.concat_dim": ("Concat", inputs(*[(1, 2, 3, 4)] * 2), "", [2]),
    "slice_param.slice_dim": ("Slice", inputs((2, 4, 6, 8)), "slice_point: 1", [2]),
    "flatten_param.axis": ("Flatten", inputs((1, 2, 3, 4)), "", [2]),
    "flatten_param.end_axis": ("Flatten", inputs((1, 2, 3, 4)), "", [2]),
    "prelu_param.channel_shared": ("PReLU", inputs((1, 2, 3, 4)), "", [True]),
    "lrn_param.norm_region": ("LRN", inputs((1, 2, 3, 4)), "", ["WITHIN_CHANNEL"]),
    "lrn_param.k": ("LRN", inputs((1, 2, 3, 4)), "alpha: 0.5", [2]),
    "reduction_param.coeff": ("Reduction", inputs((1, 2, 3, 4)), "axis: 3", [0.5]),
    "reduction_param.operation": ("Reduction", inputs((1, 2, 3, 4)), "axis: 3", ["SUM"]),
    "reduction_param.axis": ("Reduction", inputs((1, 2, 3, 4)), "", [0]),
    "interp_param.pad_beg": ("Interp", inputs((1, 2, 5, 6)), "zoom_factor: 2", [-1]),
    "interp_param.pad_end": ("Interp", inputs((1, 2, 5, 6)), "zoom_factor: 2", [-1]),
    "interp_param.shrink_factor": ("Interp", inputs((1, 2, 5, 7)), "zoom_factor: 2", [2]),
    "scale_param.axis": ("Scale", inputs((1, 2, 3, 4), (1, 2)), "", [1]),
    "argmax_param.top_k": ("ArgMax", inputs((1, 3, 4, 5)), "axis: 1", [2]),
    "argmax_param.axis": ("ArgMax", inputs((1, 3, 4, 5)), "", [0]),
    "crop_param.axis": ("Crop", inputs(*[(1, 2, 3, 4)] * 2), "", [0, 4 - 8]),
    "mvn_param.eps": ("MVN", inputs((1, 2, 3, 4)), "", [0.01]),
    "power_param.power": ("Power", inputs((1, 2, 3, 4)), "", [-1, 0.5]),
    "swish_param.beta": ("Swish", inputs((1, 2, 3, 4)), "", [1.5]),
    "exp_param.base": ("Exp", inputs((1, 2, 3, 4)), "", [2]),
    "exp_param.scale": ("Exp", inputs((1, 2, 3, 4)), "", [2]),
    "exp_param.shift": ("Exp", inputs((1, 2, 3, 4)), "", [1]),
    "log_param.base": ("Log", inputs((1, 2, 3, 4)), "", [2]),
    "log_param.scale": ("Log", inputs((1, 2, 3, 4)), "", [2]),
    "log_param.shift": ("Log", inputs((1, 2, 3, 4)), "", [1]),
}


def with_field(name: str, value: Any) -> str:
    """The text of a net with a value of a field."""
    kind, head, rest, _ = FIELDS[name]
    param, field = name.split(".")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if field == "axis" and kind == "Scale" and value == 1:
        head = inputs((1, 2, 3, 4), (2,))
    tops = 2 if kind == "Slice" else 1
    return head + layer(kind, f"{param} {{ {field}: {text} {rest} }}", head.count("Input"), tops)
