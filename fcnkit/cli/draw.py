"""fcnkit draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options, phase_option
from fcnkit.cli.text_output import output_options, put
from fcnkit.errors import naming
from fcnkit.files import check_output

if TYPE_CHECKING:
    from fcnkit.net.conversion import InputShape

EXAMPLES = """\b
Examples:
  fcnkit draw fcn8s.caffemodel -o fcn8s.svg
  fcnkit draw deploy.prototxt -o fcn8s.html
  fcnkit draw deploy.prototxt --input-shape 1,3,224,224 -o fcn8s.dot
  fcnkit draw train.prototxt --phase train -o train.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in FILE.")
@input_shape_option
@phase_option
@opening_options
@output_options
def command(
    file: Path,
    prototxt: Path | None,
    input_shape: InputShape | None,
    phase: str,
    output: str | None,
    force: bool,
    **reading: Any,
) -> None:
    """Draw a net: its layers from top to bottom, with the shapes of the blobs between them.

    FILE is a prototxt, a .caffemodel or a file that fcnkit writes. The output's suffix chooses the format: .svg for a
    picture, .png for one of pixels, .html for a page that pans, zooms and describes each layer on a click, .dot for
    Graphviz. Without -o, SVG goes to standard output. Layers that run in place, such as ReLU, share the box of the
    layer whose blob they change. The last line of a box is the shape of its top. Skips are orange and fusions violet.
    A dashed line is a blob of which a layer reads only the size.
    """
    suffix = Path(output).suffix.lower() if output else ".svg"
    if output:
        check_output(output, force)
    from fcnkit.formats import load
    from fcnkit.inspect.drawing import PICTURES, check_picture

    if output:
        check_picture(output)
    net = load(file, prototxt, input_shape=input_shape, phase=phase, mapped=True, untrained="leave", **reading)
    with naming(file):
        picture = PICTURES[suffix](net)
    put(picture, output, force)
