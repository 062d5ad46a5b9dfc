"""fcnkit heatmap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fcnkit.cli.model_options import CLASSES_HELP, largest_image, show_tiles, single_image_options

EXAMPLES = """\b
Examples:
  fcnkit heatmap caffenet.caffemodel cat.png --class 281 --mean 104,117,123
  fcnkit heatmap caffenet.pth cat.png --class 281 --prototxt deploy.prototxt --mean 104,117,123 -o heat.png
  fcnkit heatmap caffenet.caffemodel cat.png --class tabby --classes synset_words.txt --mean 104,117,123 -o tabby.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--class", "label", metavar="CLASS", required=True, help="The class, by name or number.")
@click.option("--classes", metavar="NAMES", help=CLASSES_HELP)
@single_image_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Output.  [default: the name of IMAGE with -heat.png]"
)
@click.option("--force", is_flag=True, help="Replace an existing output.")
def command(
    model: Path,
    image: Path,
    label: str,
    classes: str | None,
    prototxt: Path | None,
    mean: list[float] | None,
    scale: float | None,
    rgb: bool,
    device: str,
    tile: Any,
    memory: int | None,
    max_pixels: int | None,
    plain: bool,
    output: Path | None,
    force: bool,
    **reading: Any,
) -> None:
    """Draw the probability of a class over an image, as a classifier or an FCN computes it.

    MODEL is any net that fcnkit loads. A classifier is cast as by fcnkit fc2conv, and scores every window of IMAGE,
    which is not resized. The output is a PNG: IMAGE under colours from blue, probability 0, to red, the largest
    probability.
    """
    from fcnkit.files import check_output, writing

    output = output or Path(f"{image.stem}-heat.png")
    check_output(output, force)
    from fcnkit.errors import naming
    from fcnkit.formats import load
    from fcnkit.segment import images, parallel
    from fcnkit.segment.classes import class_of, names_for
    from fcnkit.segment.heatmap import classes_of, draw, heat

    place = parallel.device(device)
    picture = images.read(image, largest_image(max_pixels, tile))
    net = load(model, prototxt, untrained="refuse", **reading)
    with naming(model):
        number = classes_of(net)
    names = names_for(number, classes, most=None)
    with naming(model):
        tiles: dict[str, Any] = {"tile": tile, "memory": memory, "watch": show_tiles}
        pixels: dict[str, Any] = {"mean": mean, "scale": scale, "rgb": rgb}
        found = heat(net, picture, class_of(label, names), device=place, fast=not plain, **tiles, **pixels)
    with writing(output, force) as partial:
        draw(picture, found).save(partial, "PNG")
    height, width = found.scores.shape
    row, column = found.peak
    step = " x ".join(dict.fromkeys(f"{float(stride):g}" for stride in found.strides))
    click.echo(f"{image} -> {output}")
    click.echo(f"  scores       {height} x {width}, stride {step}")
    low, high = found.scores.min(), found.scores.max()
    click.echo(f"  probability  {low:.3g} to {high:.3g}, largest at row {row}, column {column}")
