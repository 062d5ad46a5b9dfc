"""fcnkit gen-prototxt: Caffe nets, solvers and upsampling layers from templates."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from fcnkit.cli.fcn_options import OF_FCN, fcn_options, own_net
from fcnkit.cli.key_values import key_values
from fcnkit.cli.text_output import columns, output_options, put
from fcnkit.cli.wording import in_options
from fcnkit.errors import DefinitionError
from fcnkit.generation.classifiers import CLASSIFIERS
from fcnkit.generation.rendering import TemplateError
from fcnkit.generation.upsampling import deconvolution

WHOLE = click.IntRange(min=1)
# The options that are valid in only one form of the command.
OF_FACTOR = ("num_output", "name", "bottom", "top", "templates")
OF_NETS = ("phase", "solver", "settings", "templates")


def _settings(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, text in key_values(values).items():
        try:
            settings[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            settings[key] = text
    return settings


EXAMPLES = """\b
Examples:
  fcnkit gen-prototxt --factor 32
  fcnkit gen-prototxt --list
  fcnkit gen-prototxt voc-fcn8s --phase deploy -o deploy.prototxt
  fcnkit gen-prototxt siftflow-fcn16s --solver
  fcnkit gen-prototxt vgg16 -o vgg16.prototxt
  fcnkit gen-prototxt fcn --stride 8 --classes 4 --fillers xavier
  fcnkit gen-prototxt fcn --data-layer my_layers.Images --set folder=/data
"""


@click.command(epilog=EXAMPLES)
@click.argument("net", required=False)
@click.option("--list", "listing", is_flag=True, help="List the published nets and classifiers.")
@click.option("--factor", type=WHOLE, help="Write one layer that upsamples bilinearly by this factor.")
@click.option("--num-output", type=WHOLE, default=21, show_default=True, help="With --factor: number of channels.")
@click.option("--name", default="upsample", show_default=True, help="With --factor: name of the layer.")
@click.option("--bottom", default="score", show_default=True, help="With --factor: blob to upsample.")
@click.option("--top", default="upscore", show_default=True, help="With --factor: upsampled blob.")
@click.option(
    "--phase", default="train", show_default=True, help="train, val or deploy; some nets have trainval and test."
)
@click.option("--solver", is_flag=True, help="Write the solver instead of the net.")
@fcn_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
    metavar="KEY=VALUE",
    help="Setting of fcn's data layer or, with --solver, of the solver; may be repeated.",
)
@click.option(
    "--templates", type=click.Path(exists=True, file_okay=False), help="Folder of templates that override fcnkit's own."
)
@output_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    net: str | None,
    listing: bool,
    factor: int | None,
    output: str | None,
    force: bool,
    **given: Any,
) -> None:
    """Write a Caffe net from templates: a published FCN, an FCN of your own, or one upsampling layer.

    NET is the name of a published net, or `fcn` for a net that the options below describe. The offsets of Crop layers
    are derived from the net; `fcnkit offsets` explains them. The net of a classifier, such as vgg16, is for inference.
    """
    if (net is not None) + (factor is not None) + listing != 1:
        raise click.UsageError("give one of NET, --factor and --list")
    _only(ctx, "--list" if listing else "--factor" if factor is not None else net)
    if listing:
        put(_listing(), output, force)
    elif factor is not None:
        put(deconvolution(factor, **{key: given[key] for key in OF_FACTOR}), output, force)
    elif net is not None:
        put(_net(net, given), output, force)


def _listing() -> str:
    from fcnkit.generation import published as zoo

    fcns = columns([zoo.HEADER, *([name, *model.row] for name, model in zoo.PUBLISHED.items())])
    header = ["classifier", "input", "weights"]
    rows = [[name, f"{each.side} x {each.side}", each.weights or "-"] for name, each in CLASSIFIERS.items()]
    return f"{fcns}\n\n{columns([header, *rows])}\n"


def _net(name: str, given: Mapping[str, Any]) -> str:
    """The text of a net or of its solver; impossible options are usage errors."""
    # A single layer needs none of these imports, and is faster without them.
    from fcnkit.generation.nets import describe, generate, generate_solver, smallest_input

    templates, settings = given["templates"], given["settings"]
    if name in CLASSIFIERS:
        return generate(name, "deploy", templates)
    try:
        net = describe(name, **(own_net(given) if name == "fcn" else {}))
        if given["solver"]:
            return generate_solver(net if name == "fcn" else name, settings, templates)
        phase = net.phase(given["phase"])
        net = replace(net, settings={**net.settings, **settings})
    except TemplateError:
        raise
    except DefinitionError as error:
        raise click.UsageError(in_options(str(error), click.get_current_context().command)) from None
    text = generate(net, phase, templates)
    if net.pad is not None and sys.stderr.isatty() and (least := smallest_input(text)) > 1:
        click.echo(f"with this pad, images must be {least} x {least} or larger", err=True)
    return text


def _only(ctx: click.Context, way: str | None) -> None:
    """Reject options that have no effect in this form of the command."""
    ways = {"--list": (), "--factor": OF_FACTOR, "fcn": OF_NETS + OF_FCN}
    ways |= dict.fromkeys(CLASSIFIERS, ("templates",) if ctx.params["phase"] != "deploy" else ("templates", "phase"))
    meant = {"net", "listing", "factor", "output", "force", *ways.get(way or "", OF_NETS)}
    if ctx.params["solver"] and "solver" in meant:
        meant.discard("phase")
        way = "--solver"
    for param in ctx.command.params:
        given = param.name and ctx.get_parameter_source(param.name) == click.core.ParameterSource.COMMANDLINE
        if given and param.name not in meant:
            raise click.UsageError(f"{param.opts[0]} has no effect with {way}; leave it out")
