"""Modules of layers that projects define in Python."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Weighted(nn.Module):
    """The product of a map and weights, whose axes of length 1 are repeated.

    Source: JXingZhao/ContrastPrior caffe/lib/add_weight.py.
    """

    def forward(self, bottom: Tensor, weights: Tensor) -> Tensor:
        top = bottom * weights
        if top.shape != bottom.shape:
            raise RuntimeError("the weights must not be larger than the first bottom")
        return top


class OrdinalDecode(nn.Module):
    """How many pairs of channels have a larger second value: (batch, 1, ...).

    The fork's own sum is right for a batch of one alone.

    Source: hufu6371/DORN caffe/pylayer/ordinal_decode_layer.py.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        pairs = bottom.shape[1] // 2 * 2
        larger = bottom[:, 1:pairs:2] > bottom[:, 0:pairs:2]
        return larger.sum(1, keepdim=True).to(bottom.dtype)


class FixedInterpolation(nn.Module):
    """Bilinear interpolation to a fixed size, with aligned corners.

    Source: CLT29/OpenSALICON custom_interpolation_layer.py, with scipy.ndimage.zoom.
    """

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.size = size

    def forward(self, bottom: Tensor) -> Tensor:
        return F.interpolate(bottom, self.size, mode="bilinear", align_corners=True)

    def extra_repr(self) -> str:
        return f"{self.size}"


class Repeated(nn.Module):
    """Values of (batch, channels, 1, 1) at all pixels of a second bottom.

    Source: junyanz/interactive-deep-colorization caffe_files/caffe_traininglayers.py, SpatialRepLayer.
    """

    def forward(self, bottom: Tensor, like: Tensor) -> Tensor:
        if bottom.shape[2:] != (1, 1):
            raise RuntimeError("height and width of the first bottom must be 1")
        return bottom.expand(*bottom.shape[:2], *like.shape[2:])


class BorderPad(nn.Module):
    """Pad height and width by what lies at their border.

    Args:
        sides: pixels at the left, right, top and bottom.
        mode: of torch.nn.functional.pad.
    """

    def __init__(self, sides: tuple[int, int, int, int], mode: str):
        super().__init__()
        self.sides, self.mode = sides, mode

    def forward(self, bottom: Tensor) -> Tensor:
        return F.pad(bottom, self.sides, self.mode)

    def extra_repr(self) -> str:
        return f"{self.sides}, {self.mode!r}"


class Sizes(nn.Module):
    """The lengths of the bottom's axes.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe python/shape.py, forward.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return torch.tensor(bottom.shape, dtype=bottom.dtype, device=bottom.device)


class CombinedRegressions(nn.Module):
    """Coordinates on a surface: at each pixel the offset of the interval, or of the part, that has the best score.

    Tops are those of the two axes. Label 0 is the background, whose offset is 0.

    Args:
        intervals: whether labels count intervals of an axis, in which the offset lies: (label + offset - 1) of all,
            with -1 for what is below 0. Else the offset itself, between 0 and 1.

    Source: ralpguler/DenseReg CombineRegressions.py and CombineRegressionsHuman.py, forward, for one image.
    """

    def __init__(self, intervals: bool):
        super().__init__()
        self.intervals = intervals

    def forward(self, first: Tensor, second: Tensor, offsets: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        return self._combined(first, offsets), self._combined(second, others)

    def _combined(self, labels: Tensor, offsets: Tensor) -> Tensor:
        count = offsets.shape[1]
        if labels.shape != (len(offsets), 1, *offsets.shape[2:]):
            raise RuntimeError("there must be one label for each pixel of the offsets")
        known = (labels > 0) & (labels < count) & (labels == labels.floor())
        chosen = offsets.gather(1, torch.where(known, labels, 0).long()) * known
        if not self.intervals:
            return chosen.clamp(0, 1)
        place = (labels + chosen - 1) / (count - 1)
        return torch.where(place < 0, -1, place)

    def extra_repr(self) -> str:
        return f"intervals={self.intervals}"


class Actions(nn.Module):
    """The most likely action of each object, read where the object was found.

    Source: openvinotoolkit/training_toolbox_caffe caffe/python/caffe/custom_layers/actions_detection_output_layer.py,
    forward, without use_nms.
    """

    def forward(self, objects: Tensor, *actions: Tensor) -> Tensor:
        """Rows of image, action, the object's score, the action's, and xmin, ymin, xmax and ymax: (1, 1, objects, 8).

        Args:
            objects: (..., 10), as `PlacedDetections` makes them.
            actions: for each box of a place, the scores of its actions (images, height, width, actions).
        """
        if objects.shape[-1] != 10:
            raise RuntimeError("an object has 10 numbers, the last of them a box of its place, a column and a row")
        rows = objects.reshape(-1, 10)
        image, box, column, row = rows[:, [0, 7, 8, 9]].long().unbind(1)
        scores, labels = torch.stack(actions)[box, image, row, column].max(1)
        found = [rows[:, 0], labels.to(rows.dtype), rows[:, 2], scores]
        return torch.cat([torch.stack(found, 1), rows[:, 3:7]], 1)[None, None]


class JoinedAtOneSize(nn.Module):
    """All bottoms at the height and width of the first, joined along the channels.

    Each pixel is repeated as many whole times as the sizes admit; what remains at the bottom and right is 0.

    Source: scutDACIM/MEnet layers/resize.py, simple_resize.
    """

    def forward(self, *bottoms: Tensor) -> Tensor:
        height, width = bottoms[0].shape[2:]
        resized = []
        for bottom in bottoms:
            images, channels, own_height, own_width = bottom.shape
            rows, columns = height // own_height, width // own_width
            if not (rows and columns):
                raise RuntimeError("no bottom may be larger than the first")
            squares = bottom[:, :, :, None, :, None].expand(-1, -1, -1, rows, -1, columns)
            repeated = squares.reshape(images, channels, own_height * rows, own_width * columns)
            resized.append(F.pad(repeated, (0, width - own_width * columns, 0, height - own_height * rows)))
        return torch.cat(resized, 1)


class GuidedDetail(nn.Module):
    """The difference between each channel, 0..255, and itself after a guided filter that it guides.

    Args:
        radius: of the filter's square windows, in pixels; at the edges they are cut off.
        epsilon: the filter's regularization, for values 0..1.

    Source: scutDACIM/MEnet layers/filter.py, guidedfilter.
    """

    def __init__(self, radius: int, epsilon: float):
        super().__init__()
        self.radius, self.epsilon = radius, epsilon

    def forward(self, bottom: Tensor) -> Tensor:
        values = bottom / 255
        mean = self._mean(values)
        variance = self._mean(values * values) - mean * mean
        slope = variance / (variance + self.epsilon)
        filtered = self._mean(slope) * values + self._mean(mean - slope * mean)
        return bottom - filtered * 255

    def _mean(self, values: Tensor) -> Tensor:
        return F.avg_pool2d(values, 2 * self.radius + 1, 1, self.radius, count_include_pad=False)

    def extra_repr(self) -> str:
        return f"{self.radius}, epsilon={self.epsilon}"


class RaisedSoftmax(nn.Module):
    """Softmax along the channels, with a least probability added before the sum is made 1 again.

    Source: kolesman/SEC pylayers/pylayers/pylayers.py, SoftmaxLayer.
    """

    def __init__(self, least: float):
        super().__init__()
        self.least = least

    def forward(self, bottom: Tensor) -> Tensor:
        raised = bottom.softmax(1) + self.least
        return raised / raised.sum(1, keepdim=True)

    def extra_repr(self) -> str:
        return f"{self.least}"


class Spread(nn.Module):
    """A map in which each channel has one value everywhere, from (batch, channels).

    The fork's own spreads the first item's values for all items.

    Source: weitianhan/human_parsing cmap_layer.py.
    """

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.size = size

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom[:, :, None, None].expand(-1, -1, *self.size)

    def extra_repr(self) -> str:
        return f"{self.size}"
