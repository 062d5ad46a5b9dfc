"""What the commands that run a model on images share: its options, and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fcnkit.segment import Segmenter

POSITIVE = click.IntRange(min=1)
PALETTE_HELP = "Colours of the labels: an indexed image, or text with a line `red green blue` each. [default: VOC's]"


class MeanType(click.ParamType):
    """One number, or one for each channel, with commas between."""

    name = "mean"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        try:
            return [float(number) for number in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} is not of the form 104.0,116.7,122.7", param, ctx)


_OPTIONS = [
    click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of MODEL, if it holds none."),
    click.option("--blob", "output", metavar="NAME", help="The scores, in a net of several outputs."),
    click.option(
        "--mean",
        type=MeanType(),
        metavar="B,G,R",
        help="Taken off the pixels, 0..255, in the order of the net's channels. [default: what MODEL says]",
    ),
    click.option("--rgb", is_flag=True, help="The net reads R, G, B. [default: what MODEL says, else B, G, R]"),
    click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ..."),
    click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Images of equal size run at once."),
    click.option(
        "--tile",
        type=POSITIVE,
        metavar="PIXELS",
        help="Run large images in squares of this side and what surrounds them; the result is the same.",
    ),
    click.option(
        "--max-pixels",
        type=POSITIVE,
        metavar="N",
        help="Refuse images of more pixels. [default: 178,956,970; with --tile, no limit]",
    ),
    click.option("--workers", type=POSITIVE, default=2, show_default=True, help="Threads that read and write."),
]


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a model, whose values `segmenter` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def segmenter(
    model: Path,
    *,
    prototxt: Path | None,
    output: str | None,
    mean: list[float] | None,
    rgb: bool,
    device: str,
    tile: int | None,
    **kept: Any,
) -> Segmenter:
    """A model ready to segment. Errors name it.

    Args:
        kept: what of a Segmenter's results is kept.
    """
    from fcnkit.errors import naming
    from fcnkit.formats import load
    from fcnkit.segment import Segmenter, parallel

    place = parallel.device(device)
    net = load(model, prototxt, untrained="refuse")
    with naming(model):
        return Segmenter(net, output=output, mean=mean, rgb=rgb, tile=tile, device=place, **kept)


def largest_image(max_pixels: int | None, tile: int | None) -> int | None:
    """The most pixels of an image that is read: as chosen, else any number for a net that runs on tiles."""
    from fcnkit.segment.raster import MAX_PIXELS

    return max_pixels or (MAX_PIXELS if tile is None else None)
