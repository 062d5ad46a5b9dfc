"""fcnkit diff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options
from fcnkit.cli.text_output import columns, output_options, put

if TYPE_CHECKING:
    from fcnkit.inspect.comparison import Comparison, LayerGap
    from fcnkit.net.conversion import InputShape

EXAMPLES = """\b
Examples:
  fcnkit diff fcn8s.caffemodel fcn8s.safetensors
  fcnkit diff fcn8s.caffemodel fcn8s.safetensors --run --input-shape 1,3,60,80
  fcnkit diff fcn8s.caffemodel fcn8s.safetensors --outputs --tolerance 1e-5
  fcnkit diff train.prototxt deploy.prototxt
  fcnkit diff fcn8s.pth fcn8s.caffemodel --prototxt deploy.prototxt
"""


@click.command(epilog=EXAMPLES)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--prototxt", type=click.Path(path_type=Path), help="Definition for A or B, where it contains weights alone."
)
@click.option("--run", is_flag=True, help="Run both nets on the same input and compare every blob.")
@click.option("--outputs", is_flag=True, help="Run both nets, and compare the outputs and nothing else.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random input.")
@input_shape_option
@opening_options
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    help="Allowed difference, relative to the largest value of a blob.",
)
@output_options
def command(
    a: Path,
    b: Path,
    prototxt: Path | None,
    run: bool,
    outputs: bool,
    seed: int,
    input_shape: InputShape | None,
    tolerance: float,
    output: str | None,
    force: bool,
    **reading: Any,
) -> None:
    """Compare two nets of any formats: structure, weights and, with --run, every blob.

    A and B are .caffemodel files, prototxts or files that fcnkit writes. Data layers and losses are removed first, so
    a training net and its deploy net can be equal. Layers are matched by name, and blobs are compared after the last
    layer that changes them. The exit status is 1 if the nets differ.
    """
    from fcnkit.inspect.comparison import compare_files

    found = compare_files(a, b, prototxt, input_shape, run, seed, outputs, **reading)
    put("".join(f"{line}\n" for line in _lines(found, tolerance)), output, force)
    if found.apart(tolerance):
        raise click.exceptions.Exit(1)


def _lines(found: Comparison, tolerance: float) -> list[str]:
    lines = [] if found.structure is None else ["structure: equal"]
    if found.structure:
        rows = [["layer", "property", "in A", "in B"], *map(list, found.structure)]
        lines = [f"structure: {len(found.structure)} difference{'s' * (len(found.structure) > 1)}", columns(rows)]
    if found.weights is not None:
        lines += _told("weights", found.weights, tolerance)
    if found.values is not None:
        lines += _told("blobs", found.values, tolerance)
        first = next((each for each in found.values if each.gap.relative > tolerance), None)
        if first:
            lines.append(f"first to diverge: blob {first.blob!r} of layer {first.layer!r}")
    return lines


def _told(what: str, gaps: Sequence[LayerGap], tolerance: float) -> list[str]:
    """The number that was compared, and those that differ."""
    apart = [each for each in gaps if each.gap.relative > tolerance]
    if not apart:
        within = f" up to {tolerance:g} of their largest value" if tolerance else ""
        return [f"{what}: {len(gaps)} compared, equal{within}"]
    rows = [["layer", "blob", "shape", "values that differ", "largest difference", "largest value"]]
    for layer, blob, gap in apart:
        shape = " x ".join(map(str, gap.shape)) or "one value"
        rows.append([layer, blob, shape, f"{gap.differing:,}", f"{gap.difference:.3g}", f"{gap.value:.3g}"])
    return [f"{what}: {len(gaps)} compared, {len(apart)} differ", columns(rows, right=range(3, 6))]
