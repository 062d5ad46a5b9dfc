"""fcnkit summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcnkit.caffe.preprocessing import pixels_in_words
from fcnkit.cli.input_shape import input_shape_option
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
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition to use in place of the one in FILE.")
@input_shape_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@output_options
def command(
    file: Path,
    prototxt: Path | None,
    input_shape: InputShape | None,
    as_json: bool,
    output: str | None,
    force: bool,
) -> None:
    """Tell what a net is made of, layer by layer and in all.

    FILE is a prototxt, a .caffemodel, or what fcnkit writes. Of Caffe's files the net that runs is told, and what was
    left out of it.

    Multiply-adds are those of one forward at the input shape. A Convolution counts its kernel over the channels it
    reads (of a group) for each value it makes; a Deconvolution its kernel over the channels it makes for each value
    it reads; an InnerProduct its inputs for each value it makes; an LSTM or RNN its weights for each step. A layer that
    only moves values, such as Concat, Crop or Dropout, counts none, and every other one for each value it makes. Biases
    are not counted.

    Receptive field and stride are in pixels of the input; where branches join, those of the widest. A layer that keeps
    no grid of pixels, and all behind it, has none.
    """
    from fcnkit.inspect.summary import summarize_file

    told = summarize_file(file, prototxt, input_shape)
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
