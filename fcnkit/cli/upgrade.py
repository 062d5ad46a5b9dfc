"""fcnkit upgrade."""

from __future__ import annotations

import click

from fcnkit.caffe import caffemodel, prototxt
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.caffe.upgrade import upgrade_net, upgrade_text
from fcnkit.cli.text_output import output_options, put
from fcnkit.errors import naming
from fcnkit.files import writing

EXAMPLES = """\b
Examples:
  fcnkit upgrade old.prototxt
  fcnkit upgrade old.prototxt -o new.prototxt
  fcnkit upgrade solver.prototxt -o solver.prototxt --force
  fcnkit upgrade old.caffemodel -o new.caffemodel
"""


@click.command(epilog=EXAMPLES)
@click.argument("old", type=click.Path())
@output_options
def command(old: str, output: str | None, force: bool) -> None:
    """Upgrade an old net or solver to the current format, as Caffe's own upgrade tools do.

    OLD is a prototxt of any version of Caffe: V0 and V1 layers, padding layers, inputs declared outside of layers,
    image transformations outside of transform_param, solver types as enum values. A current file is written
    unchanged. OLD may also be a .caffemodel; then -o is required.
    """
    with naming(old):
        if sniff(old).intact is FileKind.NET:
            if output is None:
                raise click.UsageError("a .caffemodel is upgraded into a file; name it with -o")
            net, blobs = caffemodel.read(old)
            upgraded = upgrade_net(net)
            with writing(output, force) as partial:
                caffemodel.write(partial, upgraded, blobs)
        else:
            put(upgrade_text(prototxt.decode(prototxt.read_bytes(old))), output, force)
