"""The options of the commands that run a model on images, and the loading of the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.image_options import image_options
from fcnkit.cli.reading_options import opening_options

if TYPE_CHECKING:
    from fcnkit.segment import Segmenter
    from fcnkit.segment.tiled import Division

# The settings of --crf, as of fcnkit.crf.DenseCRF.
CRF = ("max_iter", "pos_w", "pos_xy_std", "bi_w", "bi_xy_std", "bi_rgb_std")
POSITIVE = click.IntRange(min=1)
PALETTE_HELP = (
    "Colours of the labels: an indexed image, or text with a line `red green blue` for each label.  [default: VOC's]"
)


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
                f"{setting!r} is not of the form bi_w=4 with one of {', '.join(CRF)}; put arguments before --crf"
            )
    return settings


CLASSES_HELP = (
    "Names of the classes: a file with one name per line, or voc, pascal-context, pascal-context-59, siftflow, "
    "siftflow-geo, nyud.  [default: chosen by the number of classes]"
)


def _tile(value: str) -> int | str:
    if value == "auto":
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number of pixels nor auto")
    return int(value)


def _memory(value: str) -> int:
    """A number of bytes, with a unit: 4GB, 500MB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])i?B?", value, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{value!r} is not of the form 4GB or 500MB")
    return int(float(match[1]) * 1000 ** (1 + "KMGT".index(match[2].upper())))


# Of all commands that run a net on images, by name.
_OPTIONS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "prototxt": click.option(
        "--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in MODEL."
    ),
    "output": click.option(
        "--blob", "output", metavar="NAME", help="Output with the scores, in a net of several outputs."
    ),
    "image": image_options,
    "crf": click.option(
        "--crf",
        is_flag=False,
        flag_value="",
        type=_crf,
        metavar="[NAME=NUMBER,...]",
        help="Refine the scores by the colours and positions of all pixels, by a dense CRF with DeepLab's settings; "
        f"NAME, one of {', '.join(CRF)}, overrides a setting.",
    ),
    "device": click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ..."),
    "batch": click.option(
        "--batch", type=POSITIVE, default=1, show_default=True, help="Number of images of equal size to run at once."
    ),
    "tile": click.option(
        "--tile",
        type=_tile,
        metavar="PIXELS|auto",
        help="Run large images in overlapping tiles; PIXELS is the side of the inner square. With auto, images that "
        "fit into --memory run whole, and others in bands of rows, as high as fits. Same result.",
    ),
    "memory": click.option(
        "--memory",
        type=_memory,
        metavar="SIZE",
        help="With --tile auto: memory for the blobs of the net, such as 4GB.  [default: half of what is free]",
    ),
    "max_pixels": click.option(
        "--max-pixels",
        type=POSITIVE,
        metavar="N",
        help="Refuse images of more pixels.  [default: 178,956,970; with --tile, no limit]",
    ),
    "plain": click.option(
        "--plain",
        is_flag=True,
        help="Run each layer as PyTorch does: slower, in less memory, and the same result up to rounding.",
    ),
    "workers": click.option(
        "--workers", type=POSITIVE, default=2, show_default=True, help="Number of threads that read and write images."
    ),
}


def model_options(command: Callable[..., Any], only: Collection[str] = tuple(_OPTIONS)) -> Callable[..., Any]:
    """Add the options of a model to a command; `segmenter` accepts their values.

    Args:
        command: the command's function.
        only: the names of the options to add.
    """
    for name in reversed(_OPTIONS):
        if name in only:
            command = _OPTIONS[name](command)
    return opening_options(command)


def single_image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those of a command that runs a net on one image."""
    return model_options(command, ("prototxt", "image", "device", "tile", "memory", "max_pixels", "plain"))


def show_tiles(division: Division) -> None:
    """Report the division of an image into parts, and its cost, before the net runs on them."""
    click.echo(str(division), err=True)


def segmenter(
    model: Path,
    *,
    prototxt: Path | None,
    output: str | None,
    crf: dict[str, Any] | None,
    device: str,
    tile: Any,
    memory: int | None,
    plain: bool,
    crop: str | None = None,
    ignore_fields: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    net: str | None = None,
    **settings: Any,
) -> Segmenter:
    """A model prepared for segmentation. Errors name the model.

    Args:
        settings: of the Segmenter: how pixels become the net's input, and which results it keeps.
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
    loaded = load(model, prototxt, untrained="refuse", crop=crop, ignore_fields=ignore_fields, net=net, values=values)
    with naming(model):
        tiles = {"tile": tile, "memory": memory, "watch": show_tiles}
        return Segmenter(loaded, output=output, crf=refine, device=place, fast=not plain, **tiles, **settings)


def largest_image(max_pixels: int | None, tile: int | str | None) -> int | None:
    """The most pixels of an image that is read: the given number, else any number for a net that runs on tiles."""
    from fcnkit.segment.raster import MAX_PIXELS

    return max_pixels or (MAX_PIXELS if tile is None else None)
