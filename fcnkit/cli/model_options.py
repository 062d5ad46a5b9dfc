"""The options of the commands that run a model on images, and the loading of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.reading_options import opening_options

if TYPE_CHECKING:
    from fcnkit.segment import Segmenter

# The settings of --crf, as of fcnkit.crf.DenseCRF.
CRF = ("max_iter", "pos_w", "pos_xy_std", "bi_w", "bi_xy_std", "bi_rgb_std")
POSITIVE = click.IntRange(min=1)
PALETTE_HELP = (
    "Colours of the labels: an indexed image, or text with a line `red green blue` for each label.  [default: VOC's]"
)


def _mean(value: str) -> list[float]:
    """One number, or one for each channel, separated by commas."""
    try:
        return [float(number) for number in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not of the form 104.0,116.7,122.7") from None


def _crf(value: str | None) -> dict[str, float] | None:
    """Settings of a CRF by name, separated by commas."""
    if value is None:
        return None
    settings: dict[str, float] = {}
    for setting in filter(None, value.split(",")):
        name, _, number = setting.partition("=")
        try:
            settings[name.strip()] = (int if name.strip() == "max_iter" else float)(number)
        except ValueError:
            settings = {"": 0}
        if not settings.keys() <= set(CRF):
            raise click.BadParameter(
                f"{setting!r} is not of the form bi_w=4 with one of {', '.join(CRF)}; arguments stand before --crf"
            )
    return settings


_OPTIONS = [
    click.option(
        "--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in MODEL."
    ),
    click.option("--blob", "output", metavar="NAME", help="Output with the scores, in a net of several outputs."),
    click.option(
        "--mean",
        type=_mean,
        metavar="B,G,R",
        help="Mean to subtract from the pixels, 0..255, in the net's order of channels.  [default: stored in MODEL]",
    ),
    click.option("--rgb", is_flag=True, help="The net reads R, G, B.  [default: stored in MODEL, else B, G, R]"),
    click.option(
        "--crf",
        is_flag=False,
        flag_value="",
        type=_crf,
        metavar="[NAME=NUMBER,...]",
        help="Refine the scores by the colours and positions of all pixels, by a dense CRF with DeepLab's settings; "
        f"NAME, one of {', '.join(CRF)}, overrides a setting.",
    ),
    click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ..."),
    click.option(
        "--batch", type=POSITIVE, default=1, show_default=True, help="Number of images of equal size to run at once."
    ),
    click.option(
        "--tile",
        type=POSITIVE,
        metavar="PIXELS",
        help="Run large images in overlapping tiles; PIXELS is the side of the inner square. Same result.",
    ),
    click.option(
        "--max-pixels",
        type=POSITIVE,
        metavar="N",
        help="Refuse images of more pixels.  [default: 178,956,970; with --tile, no limit]",
    ),
    click.option(
        "--plain",
        is_flag=True,
        help="Run each layer as PyTorch does: slower, in less memory, and the same result up to rounding.",
    ),
    click.option(
        "--workers", type=POSITIVE, default=2, show_default=True, help="Number of threads that read and write images."
    ),
]


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a model to a command; `segmenter` accepts their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return opening_options(command)


def segmenter(
    model: Path,
    *,
    prototxt: Path | None,
    output: str | None,
    mean: list[float] | None,
    rgb: bool,
    crf: dict[str, Any] | None,
    device: str,
    tile: int | None,
    plain: bool,
    crop: str | None = None,
    ignore_fields: Sequence[str] = (),
    net: str | None = None,
    **kept: Any,
) -> Segmenter:
    """A model prepared for segmentation. Errors name the model.

    Args:
        kept: which results the Segmenter keeps.
    """
    from fcnkit.crf import DenseCRF
    from fcnkit.errors import InputError, naming
    from fcnkit.formats import load
    from fcnkit.segment import Segmenter, parallel

    place = parallel.device(device)
    try:
        refine = None if crf is None else DenseCRF(**crf)
    except ValueError as error:
        raise InputError(f"`crf`: {error}") from None
    loaded = load(model, prototxt, untrained="refuse", crop=crop, ignore_fields=ignore_fields, net=net)
    with naming(model):
        return Segmenter(
            loaded, output=output, mean=mean, rgb=rgb, tile=tile, crf=refine, device=place, fast=not plain, **kept
        )


def largest_image(max_pixels: int | None, tile: int | None) -> int | None:
    """The most pixels of an image that is read: the given number, else any number for a net that runs on tiles."""
    from fcnkit.segment.raster import MAX_PIXELS

    return max_pixels or (MAX_PIXELS if tile is None else None)
