"""Fillers: the initial values of parameter blobs before training.

Source: BVLC/caffe include/caffe/filler.hpp; those of forks state theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fcnkit.caffe.messages import FillerParameter
from fcnkit.errors import DefinitionError


def check_type(filler: FillerParameter, layer: str) -> None:
    """Raises DefinitionError if the type of a layer's filler is unknown."""
    if filler.type not in _FILLERS:
        raise DefinitionError(f"layer {layer!r}: unknown filler {filler.type!r}; the fillers are {', '.join(_FILLERS)}")


def fill(blob: Tensor, filler: FillerParameter, layer: str) -> None:
    """Fill a blob in place, with torch's default random generator.

    Args:
        blob: in Caffe's shape, (num_output, inputs, ...) for weights.
        filler: a FillerParameter.
        layer: name of the layer, for the error.

    Raises:
        DefinitionError: the type of the filler is unknown, its settings are invalid, or it does not fit the blob.
    """
    check_type(filler, layer)
    if filler.sparse >= 0 and filler.type != "gaussian":
        raise DefinitionError(f"layer {layer!r}: only the gaussian filler can be sparse, not {filler.type!r}")
    if filler.type == "bilinear" and (blob.dim() != 4 or blob.shape[2] != blob.shape[3]):
        raise DefinitionError(f"layer {layer!r}: the bilinear filler needs square filters, not {tuple(blob.shape)}")
    try:
        with torch.no_grad():
            _FILLERS[filler.type](blob, filler)
    except RuntimeError as error:
        # A negative deviation, or a minimum above the maximum; Caffe refuses them too.
        raise DefinitionError(f"layer {layer!r}: its {filler.type} filler cannot be used: {error}") from None


def bilinear_kernel(size: int) -> Tensor:
    """The (size, size) kernel with which a Deconvolution interpolates bilinearly.

    Source: BVLC/caffe include/caffe/filler.hpp, BilinearFiller.
    """
    reach = math.ceil(size / 2)
    centre = (size - 1) / (2 * reach)
    line = 1 - (torch.arange(size, dtype=torch.float64) / reach - centre).abs()
    return torch.outer(line, line).float()


def _constant(blob: Tensor, filler: FillerParameter) -> None:
    blob.fill_(filler.value)


def _uniform(blob: Tensor, filler: FillerParameter) -> None:
    blob.uniform_(filler.min, filler.max)


def _gaussian(blob: Tensor, filler: FillerParameter) -> None:
    blob.normal_(filler.mean, filler.std)
    if filler.sparse >= 0:
        # On average `sparse` inputs of each output are not zero.
        blob.mul_(torch.rand_like(blob) < filler.sparse / (blob.shape[0] if blob.dim() else 1))


def _positive_unitball(blob: Tensor, filler: FillerParameter) -> None:
    blob.uniform_(0, 1)
    blob.div_(blob.reshape(blob.shape[0], -1).sum(1).reshape(-1, *(1,) * (blob.dim() - 1)))


def _fan(blob: Tensor, filler: FillerParameter) -> float:
    """The number of inputs or outputs of a unit, as Caffe counts them from the blob's first two axes."""
    fan_in = blob.numel() / (blob.shape[0] if blob.dim() else 1)
    fan_out = blob.numel() / (blob.shape[1] if blob.dim() > 1 else 1)
    norm = filler.VarianceNorm.Name(filler.variance_norm)
    return {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}[norm]


def _xavier(blob: Tensor, filler: FillerParameter) -> None:
    bound = math.sqrt(3 / _fan(blob, filler))
    blob.uniform_(-bound, bound)


def _msra(blob: Tensor, filler: FillerParameter) -> None:
    blob.normal_(0, math.sqrt(2 / _fan(blob, filler)))


def _bilinear(blob: Tensor, filler: FillerParameter) -> None:
    # As in Caffe, every pair of channels gets the kernel, off the diagonal too; correct only if group is num_output.
    blob.copy_(bilinear_kernel(blob.shape[-1]))


def _expectation(blob: Tensor, filler: FillerParameter) -> None:
    """Weights of an InnerProduct that finds the mean position of a map, from -1 to 1.

    Source: cbfinn/caffe include/caffe/filler.hpp, ExpectationFiller.
    """
    height, width, option = filler.height, filler.width, filler.expectation_option
    if blob.dim() != 2 or min(height, width) < 2 or blob.shape[1] != height * width:
        raise RuntimeError(f"width {width} and height {height} do not fit a blob of {tuple(blob.shape)}")
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    rows = {"x": [x], "y": [y], "xy": [x, y], "-x^2y^2": [-x.square(), -y.square()]}.get(option, [])
    if len(rows) != len(blob):
        raise RuntimeError(f"expectation_option {option!r} does not fit a blob of {tuple(blob.shape)}")
    blob.copy_(torch.stack([row.flatten() for row in rows]))


def _expectation_data(blob: Tensor, filler: FillerParameter) -> None:
    """The position of each pixel of a map, from -1 to 1.

    Source: cbfinn/caffe include/caffe/filler.hpp, ExpectationDataFiller.
    """
    option = filler.expectation_option
    if option not in ("x", "y") or blob.dim() < 2 or min(blob.shape[-2:]) < 2:
        raise RuntimeError("expectation_option is x or y, and the blob a map")
    axis = -1 if option == "x" else -2
    line = torch.linspace(-1, 1, blob.shape[axis])
    blob.copy_(line if option == "x" else line[:, None])


def _diagonal(blob: Tensor, filler: FillerParameter) -> None:
    """Filters that take the mean of a window in the channel of their number, times diag_val.

    Source: lmb-freiburg/flownet2 include/caffe/filler.hpp, DiagonalFiller.
    """
    blob.zero_()
    planes = blob.reshape(*blob.shape[:2], -1)
    for index in range(min(blob.shape[:2])):
        value = filler.diag_val[index] if index < len(filler.diag_val) else 1.0
        planes[index, index] = value / planes.shape[2]


def _gaussian_unitball(blob: Tensor, filler: FillerParameter) -> None:
    """Vectors of length 1 in any direction.

    Source: happynear/caffe-windows include/caffe/filler.hpp, GaussianUnitBallFiller.
    """
    blob.normal_()
    blob.div_(blob.reshape(len(blob), -1).norm(dim=1).reshape(-1, *(1,) * (blob.dim() - 1)))


def _flow_border_mask(blob: Tensor, filler: FillerParameter) -> None:
    """1, but 0 in the last column of channel 0 and the last row of channel 1, where differences lack a pixel.

    Source: bryanyzhu/Hidden-Two-Stream include/caffe/filler.hpp, FlowBorderMaskFiller.
    """
    if blob.dim() != 4 or blob.shape[1] != 2:
        raise RuntimeError(f"the blob must be a map of 2 channels, not {tuple(blob.shape)}")
    blob.fill_(1)
    blob[:, 0, :, -1:] = 0
    blob[:, 1, -1:] = 0


def _border_mask(blob: Tensor, filler: FillerParameter) -> None:
    """1, but 0 at the borders, border_ratio of the shorter side wide.

    Source: bryanyzhu/Hidden-Two-Stream include/caffe/filler.hpp, BorderMaskFiller.
    """
    if blob.dim() != 4 or not filler.HasField("border_ratio"):
        raise RuntimeError("the blob must be a map, and border_ratio given")
    blob.fill_(1)
    # As C rounds: half away from 0.
    width = math.floor(min(blob.shape[2:]) * filler.border_ratio + 0.5)
    for axis in (2, 3):
        for start in (0, max(blob.shape[axis] - width, 0)):
            blob.narrow(axis, start, min(width, blob.shape[axis])).zero_()


_FILLERS: dict[str, Callable[[Tensor, FillerParameter], None]] = {
    "constant": _constant,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "uniform": _uniform,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
    "expectation": _expectation,
    "expectation_data": _expectation_data,
    "diagonal": _diagonal,
    "gaussian_unitball": _gaussian_unitball,
    "flowBorderMask": _flow_border_mask,
    "borderMask": _border_mask,
}
