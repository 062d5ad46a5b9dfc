"""fcnkit upgrade."""

from __future__ import annotations

import click

from fcnkit.caffe import prototxt
from fcnkit.caffe.upgrade import upgrade_text
from fcnkit.cli.output import output_options, put
from fcnkit.errors import naming

EXAMPLES = """\b
Examples:
  fcnkit upgrade old.prototxt
  fcnkit upgrade old.prototxt -o new.prototxt
  fcnkit upgrade solver.prototxt -o solver.prototxt --force
"""


@click.command(epilog=EXAMPLES)
@click.argument("old", type=click.Path())
@output_options
def command(old: str, output: str | None, force: bool) -> None:
    """Bring an old net or solver to the present form, as Caffe's own upgrade tools do.

    OLD is a prototxt of any generation of Caffe: layers of V0 and V1, padding layers, inputs outside of layers, image
    transformations outside of transform_param, solver types in capitals. A file of the present form is passed on as
    it is.
    """
    with naming(old):
        upgraded = upgrade_text(prototxt.decode(prototxt.read_bytes(old)))
    put(upgraded, output, force)
