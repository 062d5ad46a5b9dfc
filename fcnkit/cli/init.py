"""fcnkit init."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.fcn_options import OF_FCN, fcn_options, own_net
from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import reading_options
from fcnkit.cli.text_output import columns
from fcnkit.cli.wording import in_options

if TYPE_CHECKING:
    from fcnkit.net.conversion import InputShape
    from fcnkit.surgery.transplant import Transplanted

EXAMPLES = """\b
Examples:
  fcnkit init voc-fcn32s --from vgg16.pth -o voc-fcn32s.caffemodel
  fcnkit init voc-fcn16s --from voc-fcn32s.caffemodel
  fcnkit init fcn --stride 8 --classes 4 --from voc-fcn16s.safetensors --expand-score
  fcnkit init my.prototxt --from vgg16.pth -o my.pth
  fcnkit init nyud-fcn32s-color-hha --from color=rgb.caffemodel --from hha=hha.caffemodel
"""


def _source(value: str) -> tuple[str, Path]:
    """WEIGHTS, or INPUT=WEIGHTS."""
    stream, equals, path = value.partition("=")
    if equals and stream.isidentifier() and not Path(value).exists():
        return stream, Path(path)
    return "", Path(value)


@click.command(epilog=EXAMPLES)
@click.argument("net")
@click.option(
    "--from",
    "sources",
    type=_source,
    multiple=True,
    required=True,
    metavar="[INPUT=]WEIGHTS",
    help="Weights of a classifier or an FCN; with INPUT=, repeated, for each stream of a late fusion.",
)
@click.option("--expand-score", is_flag=True, help="Copy the score filters of the classes that both nets have.")
@click.option(
    "--new", multiple=True, metavar="LAYER", help="Layer to start from its filler, not from WEIGHTS; may be repeated."
)
@input_shape_option
@reading_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output; its suffix chooses the format.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
@fcn_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    net: str,
    sources: tuple[tuple[str, Path], ...],
    expand_score: bool,
    new: tuple[str, ...],
    input_shape: InputShape | None,
    output: Path | None,
    force: bool,
    crop: str | None,
    ignore_fields: tuple[str, ...],
    values: dict[str, str],
    **given: Any,
) -> None:
    """Start an FCN from the weights of a classifier or of a coarser FCN.

    NET is a published net (fcnkit gen-prototxt --list), `fcn` for a net that the options describe, or a prototxt.
    Layers are matched by name. Their weights are copied, cast where a fully connected layer becomes a convolution, or
    converted between grouped and dense filters. Score layers that WEIGHTS lack start at zero, and deconvolutions are
    bilinear. WEIGHTS is any file of weights that fcnkit reads; a VGG or AlexNet may have torchvision's names.
    """
    from fcnkit.files import check_output

    if net != "fcn":
        for param in ctx.command.params:
            if param.name in OF_FCN and ctx.get_parameter_source(param.name) == click.core.ParameterSource.COMMANDLINE:
                raise click.UsageError(f"{param.opts[0]} has no effect with {net}; leave it out")
    if len(dict(sources)) < len(sources):
        raise click.UsageError("--from needs INPUT= for each of several files of weights")
    output = output or Path(Path(net).with_suffix(".safetensors").name)
    check_output(output, force)
    from fcnkit import formats
    from fcnkit.surgery.start import start

    for file in formats.outputs([output]):
        check_output(file, force)
    started = start(
        net,
        dict(sources),
        expand_score=expand_score,
        new=new,
        input_shape=input_shape,
        reading={"crop": crop, "ignore_fields": ignore_fields, "values": values},
        **(own_net(given) if net == "fcn" else {}),
    )
    formats.save(started.net, output, force=force)
    click.echo(f"{net} from {', '.join(str(path) for _, path in sources)} -> {output}")
    click.echo(_table(started.rows))
    for note in started.notes:
        click.echo(f"note: {note}")


def _table(rows: Sequence[Transplanted]) -> str:
    cells = [
        [f"  {row.layer}", row.what, " -> ".join(map(str, _shapes(row))), in_options(row.note, command)] for row in rows
    ]
    return columns(cells)


def _shapes(row: Transplanted) -> list[tuple[int, ...]]:
    shapes = [shape for shape in (row.before, row.after) if shape is not None]
    return shapes[:1] if len(set(shapes)) == 1 else shapes
