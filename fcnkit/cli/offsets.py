"""fcnkit offsets: the positions of a net's blobs, and the crop offsets that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.reading_options import opening_options
from fcnkit.cli.text_output import columns, output_options, put

if TYPE_CHECKING:
    from fcnkit.caffe.messages import NetParameter

EXAMPLES = """\b
Examples:
  fcnkit offsets fcn8s.prototxt
  fcnkit offsets fcn8s.prototxt --fill -o filled.prototxt
  fcnkit offsets fcn8s.caffemodel
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in FILE.")
@click.option(
    "--fill", "filling", is_flag=True, help="Write the net with its missing offsets filled in; comments are lost."
)
@opening_options
@output_options
def command(
    file: Path, prototxt: Path | None, filling: bool, crop: str | None, output: str | None, force: bool, **reading: Any
) -> None:
    """Explain the crop offsets of a net: stride, offset and receptive field of every blob, then every crop.

    FILE is a prototxt, a .caffemodel or a file that fcnkit writes. A prototxt is read as it stands; of other files, the
    net is the one that runs on an image.

    The offset of a blob is the position of its first pixel in the input. A receptive field that begins outside of the
    image covers padding.
    """
    from fcnkit.caffe.prototxt import to_text
    from fcnkit.errors import naming
    from fcnkit.geometry.coordinates import Coordinates, fill
    from fcnkit.geometry.report import HEADER, explain

    definition = _definition(file, prototxt, crop, reading)
    with naming(file):
        coordinates = Coordinates(definition)
        if filling:
            put(to_text(fill(definition, coordinates)), output, force)
            return
        told = explain(coordinates)
        parts = [columns([HEADER, *told.rows]), *told.crops, *told.notes]
        put("".join(f"{part}\n" for part in parts), output, force)
        for problem in told.problems:
            raise problem


def _definition(file: Path, prototxt: Path | None, crop: str | None, reading: dict[str, Any]) -> NetParameter:
    """The definition in a file; of a prototxt without importing torch."""
    from fcnkit.caffe.prototxt import read_leniently
    from fcnkit.caffe.sniff import FileKind, sniff
    from fcnkit.caffe.upgrade import upgrade_net
    from fcnkit.errors import naming
    from fcnkit.geometry.unstated import settle_crops

    if prototxt is None and reading.get("net") is None and sniff(file) in (FileKind.PROTOTXT, FileKind.TEXT):
        with naming(file):
            definition = upgrade_net(read_leniently(file, reading.get("values"))[0])
            if crop is not None:
                settle_crops(definition, crop)
        return definition
    from fcnkit.formats import load
    from fcnkit.inspect.summary import layered

    net = load(file, prototxt, mapped=True, untrained="leave", crop=crop, **reading)
    return layered(net)
