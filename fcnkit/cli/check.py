"""fcnkit check."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.text_output import columns, output_options, put

if TYPE_CHECKING:
    from fcnkit.export import LayerProblem
    from fcnkit.export.targets import Target
    from fcnkit.net.conversion import InputShape

_WIDTH = 100

EXAMPLES = """\b
Examples:
  fcnkit check fcn8s.caffemodel --target ncnn
  fcnkit check deploy.prototxt --target bvlc-1.0 --input-shape 1,3,60,80
  fcnkit check --list
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--target", metavar="NAME", help="The tool that is to read the net.")
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in FILE.")
@input_shape_option
@click.option("--list", "listing", is_flag=True, help="List the targets, with the documents of their limits.")
@output_options
def command(
    file: Path | None,
    target: str | None,
    prototxt: Path | None,
    input_shape: InputShape | None,
    listing: bool,
    output: str | None,
    force: bool,
) -> None:
    """Check each layer of a net against the layers and limits of a tool that reads Caffe's files.

    FILE is any file of a net that fcnkit loads. Its net for inference is checked, as `fcnkit convert` writes it, at the
    definition's input shapes or at --input-shape.

    A problem is "refused" if the tool refuses or misreads the layer, "slow" if it computes the layer on a slower
    processor, and "not known" if no document was found. The exit status is 1 if there are problems of the first two
    kinds. `fcnkit convert --target` removes those that are a matter of writing.
    """
    if listing:
        from fcnkit.export.targets import TARGETS

        put("".join(f"{line}\n" for each in TARGETS.values() for line in _described(each)), output, force)
        return
    if file is None or target is None:
        raise click.UsageError("give FILE and --target, or --list")
    from fcnkit.errors import naming
    from fcnkit.export import Verdict, check, targets
    from fcnkit.formats import load

    chosen = targets.find(target)
    net = load(file, prototxt, input_shape=input_shape, untrained="leave", mapped=True)
    with naming(file):
        problems = check(net, chosen)
    put("".join(f"{line}\n" for line in _lines(file, chosen, problems, len(net.steps))), output, force)
    if any(each.verdict is not Verdict.NOT_KNOWN for each in problems):
        raise click.exceptions.Exit(1)


def _lines(file: Path, target: Target, problems: list[LayerProblem], layers: int) -> list[str]:
    lines = []
    if problems:
        rows = [["layer", "type", "problem", "limit"]]
        rows += [[each.layer or "the net", each.type, each.verdict.value, each.limit] for each in problems]
        lines += [columns(rows), ""]
        ways = dict.fromkeys((each.limit, each.way_out) for each in problems if each.way_out)
        lines += [f"{limit}: {way_out}" for limit, way_out in ways]
        lines += [f"source: {source}" for source in dict.fromkeys(each.source for each in problems)]
        lines.append("")
    count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
    lines.append(f"{file}: {layers} layers, {count} for {target.title}")
    return lines + [f"not known: {fact}" for fact in target.not_known]


def _described(target: Target) -> list[str]:
    """A target as lines: its name, its layers and fields, and its sources."""
    lines = [f"{target.name}: {target.title}"]
    facts = [f"source: {source}" for source in target.sources.values()]
    facts += [f"not known: {fact}" for fact in target.not_known]
    for fact in facts:
        lines += textwrap.wrap(fact, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    return lines
