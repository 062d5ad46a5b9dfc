"""Casting fully connected weights to equivalent filters, and finding the kernel from a layer's shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from fcnkit.aliases import Pair
from fcnkit.errors import FcnkitError, nearest

# The kernels that a caller sets: one for all layers that read a map, or kernels by layer ("" is all others).
Kernels = Pair | Mapping[str, Pair] | None

ORDERS = ("chw", "hwc")

# Names of fully connected layers in classifiers, as one part of a layer's name.
_FULLY_CONNECTED = re.compile(
    r"(fc|ip|linear|dense|classifier|head|heads|logits?|pre_logits|predictions?)[-_]?\d*(_.*)?", re.IGNORECASE
)


class CastError(FcnkitError):
    """Weights that cannot be cast; the message states the option that specifies the cast."""


class Cast(NamedTuple):
    """A cast layer: its name, and the shapes of its weight before and after."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


def conv_weight_from_fc(weight: Any, channels: int, kernel: Pair, order: str = "chw") -> Any:
    """Reshape an InnerProduct weight into the equivalent convolution filter.

    Caffe and PyTorch both flatten a bottom in C, H, W order, so nothing is transposed. Weights trained where maps
    are stored as H, W, C have their columns in that order, and are reordered to Caffe's.

    Args:
        weight: (num_output, channels * kernel_h * kernel_w), a tensor or an array.
        channels: channels of the bottom that the layer reads.
        kernel: (kernel_h, kernel_w), in elements of that bottom.
        order: the order in which the bottom was flattened, "chw" or "hwc".

    Returns:
        (num_output, channels, kernel_h, kernel_w); a view of weight for "chw".

    Source: BVLC/caffe src/caffe/layers/inner_product_layer.cpp, LayerSetUp.
    """
    if order == "chw":
        return weight.reshape(weight.shape[0], channels, *kernel)
    return _permuted(weight.reshape(weight.shape[0], *kernel, channels), (0, 3, 1, 2))


def fc_weight_from_conv(filters: Any, order: str = "chw") -> Any:
    """The reverse cast: (num_output, channels, kernel_h, kernel_w) to (num_output, channels * kernel_h * kernel_w)."""
    if order == "hwc":
        filters = _permuted(filters, (0, 2, 3, 1))
    return filters.reshape(filters.shape[0], -1)


def _permuted(values: Any, axes: tuple[int, ...]) -> Any:
    return values.permute(axes).contiguous() if isinstance(values, Tensor) else values.transpose(axes)


def is_fully_connected(name: str) -> bool:
    """Whether a layer has a usual name of a classifier's fully connected layer: fc6, classifier.0, head.fc."""
    return any(_FULLY_CONNECTED.fullmatch(part) for part in re.split(r"[./]", name))


class KernelFinder:
    """Finds the kernels of fully connected layers by shape, or from the caller's kernels if shapes are ambiguous.

    Args:
        said: the caller's kernels.
        order: the order in which maps were flattened, "chw" or "hwc".
    """

    def __init__(self, said: Kernels = None, order: str = "chw"):
        self.said: dict[str, Pair] = dict(said) if isinstance(said, Mapping) else {"": said} if said else {}
        if order not in ORDERS:
            raise CastError(f"order is {order!r}; give one of {', '.join(ORDERS)}")
        for kernel in self.said.values():
            if not isinstance(kernel, Sequence) or not all(isinstance(size, int) for size in kernel):
                raise CastError(f"a kernel cannot be {kernel!r}; give height and width, from 1 up")
            if len(kernel) != 2 or min(kernel) < 1:
                raise CastError(f"a kernel cannot be {tuple(kernel)}; give height and width, from 1 up")
        self.order = order
        self._unused = self.said.keys() - {""}
        self._cast: list[str] = []

    def filters(self, name: str, weight: Any, channels: int, kernel: Pair | None = None) -> Any:
        """Cast a layer's weight.

        Args:
            name: of the layer.
            weight: (num_output, inputs).
            channels: of the layer's input; 0 if unknown.
            kernel: height and width of the layer's input, if known.

        Raises:
            CastError: no kernel fits, or several do.
        """
        inputs = int(weight.shape[1])
        self._cast.append(name)
        if name not in self.said and kernel and channels * kernel[0] * kernel[1] == inputs:
            return conv_weight_from_fc(weight, channels, kernel, self.order)
        channels, kernel = self._kernel(name, inputs, channels)
        return conv_weight_from_fc(weight, channels, kernel, self.order)

    def check_used(self) -> None:
        """Raises CastError if a kernel was set for a layer that was not cast."""
        if self._unused:
            names = ", ".join(map(repr, sorted(self._unused)))
            hint = nearest(sorted(self._unused)[0], self._cast)
            raise CastError(f"no fully connected layer is called {names}, whose kernel is given{hint}")

    def _kernel(self, name: str, inputs: int, channels: int) -> tuple[int, Pair]:
        said = self.said.get(name)
        if said:
            self._unused -= {name}
            if inputs % math.prod(said):
                raise CastError(f"layer {name!r} has {inputs} inputs, which no kernel of {_times(said)} has")
            return inputs // math.prod(said), said
        says = "give its kernel with `kernel`"
        if not channels:
            raise CastError(f"layer {name!r} is fully connected, but no convolution stands before it; {says}")
        area, rest = divmod(inputs, channels)
        said = self.said.get("")
        if rest or not area:
            raise CastError(
                f"layer {name!r} has {inputs} inputs, which fit no kernel over the {channels} channels before it;"
                f" {says}"
            )
        each = f"layer {name!r} has {inputs} inputs, {area} for each of the {channels} channels before it"
        if area == 1:
            return channels, (1, 1)
        if said:
            if math.prod(said) != area:
                raise CastError(
                    f"{each}, which is not {_times(said)}; give the kernel of this layer alone with `kernel`"
                )
            return channels, said
        side = math.isqrt(area)
        if side * side != area:
            pairs = [(h, area // h) for h in range(1, area + 1) if area % h == 0]
            listed = ", ".join(map(_times, pairs))
            raise CastError(f"{each}, which may be {listed}; choose one with `kernel`")
        return channels, (side, side)


def _times(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes))
