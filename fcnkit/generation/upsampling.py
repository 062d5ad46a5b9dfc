"""Deconvolutions that upsample: kernel, stride and pad, and a single layer as prototxt."""

from __future__ import annotations

from dataclasses import dataclass

from fcnkit.aliases import AnyPath
from fcnkit.errors import DefinitionError
from fcnkit.generation.rendering import environment, render, whole


@dataclass(frozen=True)
class Upsampling:
    """Kernel, stride and pad in pixels of the top; dense if net surgery sets the kernel."""

    kernel: int
    stride: int
    pad: int
    dense: bool


def upsampling(factor: int, odd: bool = False, dense_pad: int | None = None) -> Upsampling:
    """The settings with which a Deconvolution upsamples bilinearly.

    Args:
        factor: a whole number from 1 up.
        odd: use a kernel of odd size for an even factor too; kernel and top are then one pixel smaller.
        dense_pad: the pad of a dense kernel. None is a kernel per channel, padded so that the top has exactly
            factor times the size.

    Source: BVLC/caffe include/caffe/filler.hpp, BilinearFiller.
    """
    kernel = 2 * factor - factor % 2
    if odd and kernel % 2 == 0:
        kernel -= 1
    pad = factor // 2 if dense_pad is None else dense_pad  # factor // 2 = ceil((factor - 1) / 2)
    return Upsampling(kernel, factor, pad, dense=dense_pad is not None)


def deconvolution(
    factor: int,
    num_output: int = 21,
    name: str = "upsample",
    bottom: str = "score",
    top: str = "upscore",
    templates: AnyPath | None = None,
) -> str:
    """One Deconvolution layer that upsamples bilinearly, channel by channel, to exactly factor times the size.

    Its weights are fixed: the bilinear filler sets them, and lr_mult and decay_mult are 0.

    Args:
        factor: a whole number from 1 up.
        num_output: channels of the bottom and of the top; also the group, because Caffe's bilinear filler fills
            every pair of channels within a group.
        name, bottom, top: names of the layer and of its blobs.
        templates: a folder of templates that override fcnkit's own.

    Returns:
        Prototxt that ends in a newline.

    Raises:
        DefinitionError: a number is not whole or is out of range, or a name is empty or not Unicode text.
    """
    up = upsampling(whole("factor", factor))
    whole("num_output", num_output)
    if bottom == top:
        raise DefinitionError(f"a Deconvolution cannot run in place on {bottom!r}; give the top another name")
    values = {"name": name, "bottom": bottom, "top": top, "channels": num_output, "up": up}
    return render(environment(templates), "upsample.prototxt.j2", values)
