"""fcnkit summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.caffe.preprocessing import pixels_in_words
from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options, phase_option
from fcnkit.cli.text_output import columns, output_options, put
from fcnkit.errors import printable

if TYPE_CHECKING:
    from fcnkit.inspect.summary import Summary
    from fcnkit.net.conversion import InputShape

EXAMPLES = """\b
Examples:
  fcnkit summary fcn8s.caffemodel
  fcnkit summary deploy.prototxt --input-shape 1,3,224,224
  fcnkit summary fcn8s.safetensors --json
  fcnkit summary train.prototxt --phase train
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in FILE.")
@input_shape_option
@phase_option
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@output_options
def command(
    file: Path,
    prototxt: Path | None,
    input_shape: InputShape | None,
    phase: str,
    as_json: bool,
    output: str | None,
    force: bool,
    **reading: Any,
) -> None:
    """List the layers of a net: output shapes, parameters, multiply-adds and receptive fields.

    FILE is a prototxt, a .caffemodel or a file that fcnkit writes. For Caffe's files, the summary is of the net that
    runs on an image, or with --phase train of the net that is trained. The layers that were left out of it are listed.

    Multiply-adds are those of one forward pass at the input shape. A Convolution counts its kernel times the channels
    of a group for each output value, a Deconvolution the same for each input value. An InnerProduct counts its inputs
    for each output value, an LSTM or RNN its weights for each step. Layers that only move values, such as Concat, Crop
    or Dropout, count none; all others count one for each output value. Biases are not counted.

    Receptive field and stride are in pixels of the input; where branches join, the largest is shown. Layers without a
    grid of pixels, such as InnerProduct, and the layers after them have none.
    """
    from fcnkit.inspect.summary import summarize_file

    told = summarize_file(file, prototxt, input_shape, phase=phase, **reading)
    if as_json:
        put(json.dumps({"file": str(file), **told.to_dict()}, indent=2) + "\n", output, force)
    else:
        put("".join(f"{line}\n" for line in _lines(file, told)), output, force)


def _lines(file: Path, told: Summary) -> list[str]:
    from fcnkit.inspect.summary import in_words

    title = f"{file}: {told.name or 'unnamed'}"
    lines = [f"input   {name} {in_words(shape)}{pixels_in_words(told.preprocessing.get(name))}"
              for name, shape in told.inputs.items()]  # fmt: skip
    lines += [f"output  {name} {in_words(shape)}" for name, shape in told.outputs.items()]
    totals = f"total   {len(told.rows)} layers, {told.parameters:,} parameters, {told.multiply_adds:,} multiply-adds"
    lines.append(totals + (f", {told.statistics:,} values of statistics" if told.statistics else ""))
    lines += [f"remark  {remark}" for remark in told.remarks]
    return [printable(title), columns(told.table(), right=range(3, 7)), "", *map(printable, lines)]
