"""fcnkit heatmap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fcnkit.cli.reading_options import opening_options

EXAMPLES = """\b
Examples:
  fcnkit heatmap caffenet.caffemodel cat.png --class 281
  fcnkit heatmap caffenet.pth cat.png --class 281 --prototxt deploy.prototxt -o heat.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--class", "label", type=click.IntRange(min=0), required=True, help="Number of the class, from 0.")
@click.option(
    "--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in WEIGHTS."
)
@opening_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Output.  [default: the name of IMAGE with -heat.png]"
)
@click.option("--plain", is_flag=True, help="Run each layer as PyTorch does: slower, and the same up to rounding.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
def command(
    weights: Path,
    image: Path,
    label: int,
    prototxt: Path | None,
    output: Path | None,
    plain: bool,
    force: bool,
    **reading: Any,
) -> None:
    """Draw the probability of a class over an image, as a classifier or an FCN computes it.

    WEIGHTS is any net that fcnkit loads. A classifier is cast as by fcnkit fc2conv, and scores every window of IMAGE,
    which is not resized. The output is a PNG: IMAGE under colours from blue, probability 0, to red, the largest
    probability.
    """
    from fcnkit.files import check_output, writing

    output = output or Path(f"{image.stem}-heat.png")
    check_output(output, force)
    from fcnkit.errors import naming
    from fcnkit.formats import load
    from fcnkit.segment import images
    from fcnkit.segment.heatmap import draw, heat

    picture = images.read(image)
    net = load(weights, prototxt, untrained="refuse", **reading)
    with naming(weights):
        found = heat(net, picture, label, fast=not plain)
    with writing(output, force) as partial:
        draw(picture, found).save(partial, "PNG")
    height, width = found.scores.shape
    row, column = found.peak
    step = " x ".join(dict.fromkeys(f"{float(stride):g}" for stride in found.strides))
    click.echo(f"{image} -> {output}")
    click.echo(f"  scores       {height} x {width}, stride {step}")
    low, high = found.scores.min(), found.scores.max()
    click.echo(f"  probability  {low:.3g} to {high:.3g}, largest at row {row}, column {column}")
