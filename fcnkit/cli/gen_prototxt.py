"""fcnkit gen-prototxt: Caffe prototxt from templates."""

from __future__ import annotations

import click

from fcnkit.cli.output import output_options, put
from fcnkit.generation import deconvolution

WHOLE = click.IntRange(min=1)

EXAMPLES = """\b
Examples:
  fcnkit gen-prototxt --factor 32
  fcnkit gen-prototxt --factor 8 --num-output 60 -o upsample.prototxt
"""


@click.command(epilog=EXAMPLES)
@click.option("--factor", type=WHOLE, required=True, help="Upsample by this whole factor.")
@click.option("--num-output", type=WHOLE, default=21, show_default=True, help="Channels, such as classes.")
@click.option("--name", default="upsample", show_default=True, help="Name of the layer.")
@click.option("--bottom", default="score", show_default=True, help="Blob to upsample.")
@click.option("--top", default="upscore", show_default=True, help="Blob to make.")
@output_options
def command(factor: int, num_output: int, name: str, bottom: str, top: str, output: str | None, force: bool) -> None:
    """Write a Caffe layer that upsamples by a whole factor with bilinear interpolation.
    """
    put(deconvolution(factor, num_output, name, bottom, top), output, force)
