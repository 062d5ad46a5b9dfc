"""fcnkit from-torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.errors import naming

if TYPE_CHECKING:
    from fcnkit.aliases import Shape

EXAMPLES = """\b
Examples:
  fcnkit from-torch my_nets:Classifier --input-shape 1,3,64,64
  fcnkit from-torch my_nets:Classifier --state weights.pth --input-shape 1,3,64,64 -o edge.caffemodel
  fcnkit from-torch my_nets:Classifier --input-shape image=1,3,64,64 --target bvlc-1.0 --verify -o old.caffemodel
"""


@click.command(epilog=EXAMPLES)
@click.argument("factory", metavar="PACKAGE.MODULE:FACTORY")
@click.option("--state", type=click.Path(path_type=Path), help="State dict that is loaded into the module.")
@input_shape_option
@click.option("--target", default="bvlc", show_default=True, metavar="NAME", help="Tool that is to read the net.")
@click.option("--approximate", multiple=True, metavar="OPERATION", help="Operation to approximate; may be repeated.")
@click.option("--verify", is_flag=True, help="Compare the result of every operation, not only the outputs.")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Output; its suffix chooses the format. May be repeated.",
)
@click.option("--force", is_flag=True, help="Replace existing outputs.")
def command(
    factory: str,
    state: Path | None,
    input_shape: Mapping[str, Shape] | Shape | None,
    target: str,
    approximate: tuple[str, ...],
    verify: bool,
    outputs: tuple[Path, ...],
    force: bool,
) -> None:
    """Convert a PyTorch module into a Caffe net that computes the same.

    PACKAGE.MODULE:FACTORY is a function or class that makes the module, for example torchvision.models:resnet18.
    The command imports and runs this code; use only code that you trust. Modules in the current folder are found.

    The net is run beside the module on two random inputs. It is written only if their outputs differ by less than
    1e-4 of the largest value. `fcnkit check --list` lists the targets. --approximate gelu writes the tanh form of
    GELU.

    By default the output is FACTORY.caffemodel in the current folder, with its .prototxt.
    """
    from fcnkit.files import check_output

    if ":" not in factory:
        raise click.UsageError(f"{factory!r} is not of the form PACKAGE.MODULE:FACTORY; fcnkit convert converts files")
    if input_shape is None:
        raise click.UsageError("give --input-shape, once for each input of the module")
    outputs = outputs or (Path(f"{factory.rpartition(':')[2]}.caffemodel"),)
    from fcnkit import formats
    from fcnkit.cli.convert_report import summary
    from fcnkit.export import from_torch
    from fcnkit.export.factory import load_state, made, random_inputs
    from fcnkit.formats.pth import read_state

    written = formats.outputs(outputs)
    for output in written:
        check_output(output, force)
    module = made(factory)
    if state is not None:
        with naming(state):
            load_state(module, read_state(state))
    shapes = input_shape if isinstance(input_shape, Mapping) else {"": input_shape}
    names = list(shapes) if "" not in shapes else None
    inputs = random_inputs(list(shapes.values()))
    net = from_torch(module, inputs, input_names=names, target=target, approximate=approximate, verify=verify)
    formats.save(net, *outputs, force=force)
    click.echo(summary(net, Path(factory), written, None, None))
