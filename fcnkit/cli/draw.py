"""fcnkit draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options
from fcnkit.cli.text_output import output_options, put
from fcnkit.errors import OutputError
from fcnkit.files import check_output

if TYPE_CHECKING:
    from fcnkit.net.conversion import InputShape

EXAMPLES = """\b
Examples:
  fcnkit draw fcn8s.caffemodel -o fcn8s.svg
  fcnkit draw deploy.prototxt -o fcn8s.html
  fcnkit draw deploy.prototxt --input-shape 1,3,224,224 -o fcn8s.dot
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in FILE.")
@input_shape_option
@opening_options
@output_options
def command(
    file: Path,
    prototxt: Path | None,
    input_shape: InputShape | None,
    output: str | None,
    force: bool,
    **reading: Any,
) -> None:
    """Draw a net: its layers from top to bottom, with the shapes of the blobs between them.

    FILE is a prototxt, a .caffemodel or a file that fcnkit writes. The output's suffix chooses the format: .svg for a
    picture, .html for a page that pans, zooms and describes each layer on a click, .dot for Graphviz. Without -o, SVG
    goes to standard output. Layers that run in place, such as ReLU, share the box of the layer whose blob they change.
    Skips are orange and fusions violet. A dashed line is a blob of which a layer reads only the size.
    """
    suffix = Path(output).suffix.lower() if output else ".svg"
    if output:
        check_output(output, force)
    from fcnkit.formats import load
    from fcnkit.inspect.drawing import PICTURES

    if suffix not in PICTURES:
        known = ", ".join(PICTURES)
        raise OutputError(f"has no suffix of a known picture format; known are {known}").in_file(output or "")
    net = load(file, prototxt, input_shape=input_shape, mapped=True, untrained="leave", **reading)
    put(PICTURES[suffix](net), output, force)
