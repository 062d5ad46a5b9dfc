"""fcnkit upgrade: old nets and solvers to the present form."""

from __future__ import annotations

import click

from fcnkit.caffe import prototxt
from fcnkit.caffe.upgrade import upgrade_text
from fcnkit.errors import naming
from fcnkit.files import check_output, writing


@click.command("upgrade")
@click.argument("old", type=click.Path())
@click.option("-o", "--output", metavar="NEW", type=click.Path(), help="File to write, instead of standard output.")
@click.option("--force", is_flag=True, help="Replace NEW if it exists.")
def command(old: str, output: str | None, force: bool) -> None:
    """Bring an old net or solver to the present form, as Caffe's own upgrade tools do.

    OLD is a prototxt of any generation of Caffe: layers of V0 and V1, padding layers, inputs outside of layers, image
    transformations outside of transform_param, solver types in capitals. A file of the present form is passed on as
    it is.

    \b
    Examples:
      fcnkit upgrade old.prototxt
      fcnkit upgrade old.prototxt -o new.prototxt
      fcnkit upgrade solver.prototxt -o solver.prototxt --force
    """
    if output is not None:
        check_output(output, force)
    with naming(old):
        upgraded = upgrade_text(prototxt.decode(prototxt.read_bytes(old)))
    if output is None:
        click.echo(upgraded, nl=False)
    else:
        with writing(output, force) as partial:
            partial.write_text(upgraded, encoding="utf-8", newline="")
