"""Where the pixels of a blob lie among those of the blob it comes from: exact, one axis at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.windows import convolution_window, pooling_window

CONVOLUTIONS = {"Convolution", "Im2col", "DepthwiseConvolution", "ConvolutionDepthwise"}
WINDOWED = CONVOLUTIONS | {"Deconvolution", "Pooling"}
# Their tops lie on the grid of their first bottom.
POINTWISE = {
    *("AbsVal", "BatchNorm", "Bias", "BN", "BNLL", "Clip", "Dropout", "ELU", "Exp", "Log", "LRN", "MVN", "Normalize"),
    *("Power", "PReLU", "ReLU", "ReLU6", "Scale", "ShuffleChannel", "Sigmoid", "Split", "Swish", "TanH", "Threshold"),
}
# Likewise if they work along the channels: the field that says so.
ALONG = {"ArgMax": "argmax_param", "Concat": "concat_param", "Slice": "slice_param", "Softmax": "softmax_param"}


def exactly(value: Fraction) -> str:
    """A number in decimals where they are exact and few, else as a fraction."""
    decimals = f"{float(value):.10g}"
    return decimals if Fraction(decimals) == value else str(value)


@dataclass(frozen=True)
class Map:
    """Pixel x of one blob lies at pixel scale * x + shift of another."""

    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)

    def after(self, first: Map) -> Map:
        """The map that goes by `first` and then by this one."""
        return Map(self.scale * first.scale, self.scale * first.shift + self.shift)

    def inverse(self) -> Map:
        return Map(1 / self.scale, -self.shift / self.scale)

    def __str__(self) -> str:
        numerator, denominator = self.scale.as_integer_ratio()
        scaled = ("" if numerator == 1 else str(numerator)) + "x" + ("" if denominator == 1 else f"/{denominator}")
        return scaled + (f" {'-' if self.shift < 0 else '+'} {exactly(abs(self.shift))}" if self.shift else "")


@dataclass(frozen=True)
class AxisWindow:
    """A window along one axis: a kernel that reads a bottom or, with up, writes into a top; all lengths in pixels.

    kernel counts its dilation; ceil says that the output size rounds up, as in pooling.
    """

    kernel: int
    stride: int = 1
    pad: int = 0
    up: bool = False
    ceil: bool = False

    @property
    def map(self) -> Map:
        """From the bottom to the top, centre to centre.

        Source: BVLC/caffe python/caffe/coord_map.py.
        """
        half = Fraction(self.kernel - 1, 2)
        if self.up:
            return Map(Fraction(self.stride), half - self.pad)
        return Map(Fraction(1, self.stride), (self.pad - half) / self.stride)

    @property
    def reach(self) -> int:
        """How many pixels of the bottom beyond the first a pixel of the top can depend on."""
        return -(-self.kernel // self.stride) - 1 if self.up else self.kernel - 1

    def size(self, bottom: int) -> int:
        """Size of the top for that of the bottom; below 1 where the window finds no place.

        Source: BVLC/caffe src/caffe/layers/{conv,deconv,pooling}_layer.cpp.
        """
        if self.up:
            return self.stride * (bottom - 1) + self.kernel - 2 * self.pad
        room = bottom + 2 * self.pad - self.kernel
        if not self.ceil:
            return room // self.stride + 1
        size = -(-room // self.stride) + 1
        # Caffe drops a last window that would begin in the padding behind the bottom.
        return size - 1 if self.pad and (size - 1) * self.stride >= bottom + self.pad else size


@dataclass(frozen=True)
class WindowStep:
    """A window on the way to a blob; jump is the stride of the window's bottom in pixels of the source."""

    layer: str
    window: AxisWindow
    jump: Fraction


@dataclass(frozen=True)
class Grid:
    """Where a blob's pixels lie along one axis: map goes there from the source, by those steps.

    field is the receptive field in pixels of the source. Where branches join, it is that of the widest one.
    """

    map: Map = Map()
    field: Fraction = Fraction(1)
    steps: tuple[WindowStep, ...] = ()

    @property
    def stride(self) -> Fraction:
        """How many pixels of the source one pixel of the blob stands for."""
        return 1 / self.map.scale

    @property
    def start(self) -> Fraction:
        """The pixel of the source on which the blob's first pixel is centred."""
        return self.map.inverse().shift

    def through(self, layer: str, window: AxisWindow) -> Grid:
        """The grid of the top that a window makes."""
        steps = (*self.steps, WindowStep(layer, window, self.stride))
        return Grid(window.map.after(self.map), self.field + window.reach * self.stride, steps)

    def cropped(self, offset: int) -> Grid:
        """The grid of what begins at pixel `offset`."""
        return Grid(Map(self.map.scale, self.map.shift - offset), self.field, self.steps)


# Grids along height and width by source; a blob can come from several, such as color and depth.
Grids = Mapping[str, tuple[Grid, Grid]]


def windows(layer: Message) -> tuple[AxisWindow, AxisWindow]:
    """The windows of a convolution, deconvolution or pooling layer, along height and width.

    Raises:
        DefinitionError: it keeps no grid of two axes, and why.
    """
    if layer.type == "Pooling":
        both = pooling_window(layer)
        if both is None:
            raise DefinitionError(f"Pooling {layer.name!r} covers its whole bottom")
    else:
        if layer.convolution_param.axis != 1:
            raise DefinitionError(f"{layer.type} {layer.name!r} does not have its channels on axis 1")
        both = convolution_window(layer, 2)
    up = layer.type == "Deconvolution"
    ceil = layer.type == "Pooling" and layer.pooling_param.round_mode == layer.pooling_param.CEIL
    height, width = (
        AxisWindow((kernel - 1) * dilation + 1, stride, pad, up, ceil)
        for kernel, stride, pad, dilation in zip(*both, strict=True)
    )
    return height, width


def keeps_grid(layer: Message) -> bool:
    """Whether the tops lie on the grid of the bottoms: of the first one, or of all that are joined."""
    if layer.type in POINTWISE or layer.type == "Eltwise":
        return True
    if layer.type not in ALONG:
        return False
    param = getattr(layer, ALONG[layer.type])
    old = {"Concat": "concat_dim", "Slice": "slice_dim"}.get(layer.type)
    if old and param.HasField(old):
        return getattr(param, old) == 1
    # ArgMax has no default axis: without one it looks at all values of an image.
    return param.axis in (1, -3) and (layer.type != "ArgMax" or param.HasField("axis"))
