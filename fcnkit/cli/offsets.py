"""fcnkit offsets: the positions of a net's blobs, and the crop offsets that follow from them."""

from __future__ import annotations

import click

from fcnkit.caffe import prototxt
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.cli.reading_options import crop_option
from fcnkit.cli.text_output import columns, output_options, put
from fcnkit.errors import naming
from fcnkit.geometry.coordinates import Coordinates, fill
from fcnkit.geometry.report import HEADER, explain
from fcnkit.geometry.unstated import settle_crops

EXAMPLES = """\b
Examples:
  fcnkit offsets fcn8s.prototxt
  fcnkit offsets fcn8s.prototxt --fill -o filled.prototxt
"""


@click.command(epilog=EXAMPLES)
@click.argument("net", metavar="NET.prototxt", type=click.Path())
@click.option(
    "--fill", "filling", is_flag=True, help="Write the net with its missing offsets filled in; comments are lost."
)
@crop_option
@output_options
def command(net: str, filling: bool, crop: str | None, output: str | None, force: bool) -> None:
    """Explain the crop offsets of a net: stride, offset and receptive field of every blob, then every crop.

    The offset of a blob is the position of its first pixel in the input. A receptive field that begins outside of the
    image covers padding.
    """
    with naming(net):
        definition = upgrade_net(prototxt.read_leniently(net)[0])
        if crop is not None:
            settle_crops(definition, crop)
        coordinates = Coordinates(definition)
        if filling:
            put(prototxt.to_text(fill(definition, coordinates)), output, force)
            return
        told = explain(coordinates)
        parts = [columns([HEADER, *told.rows]), *told.crops, *told.notes]
        put("".join(f"{part}\n" for part in parts), output, force)
        for problem in told.problems:
            raise problem
