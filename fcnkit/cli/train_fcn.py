"""fcnkit train fcn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.fcn_options import OF_SHAPE, heads_option, own_net, shape_options
from fcnkit.cli.key_values import by_head, key_values
from fcnkit.cli.model_options import PALETTE_HELP
from fcnkit.cli.train import running_options, watchers

if TYPE_CHECKING:
    from fcnkit.train.fcn.folder import Run
    from fcnkit.train.fcn.preparing import Plan

EXAMPLES = """\b
Examples:
  fcnkit train fcn --images photos/ --labels masks/ --classes 4 --from vgg16.pth -o run
  fcnkit train fcn --images photos/ --labels masks/ --classes names.txt --stride 8 --stages -o run
  fcnkit train fcn --images photos/ --labels masks/ --classes 2 --recipe accum --set base_lr=1e-3 -o run
  fcnkit train fcn --images photos/ --heads part:7,side:2 --labels part=parts/ --labels side=sides/ -o run
  fcnkit train voc-fcn32s --voc VOCdevkit/VOC2012 --sbd benchmark_RELEASE --from vgg16.caffemodel -o voc32s
  fcnkit train fcn --resume -o run
"""
# The options that Trainer takes as they are, and those that a resumed run takes; its folder has all others.
_OF_TRAINER = ("device", "workers", "amp", "compiled", "channels_last", "allow_zero")
_OF_RESUMED = {"net", "resume", "output", "tensorboard", *_OF_TRAINER}
# The options that `planning.plan` takes by head, and those that it takes as they are.
_BY_HEAD = ("labels", "val_labels", "classes", "palette", "class_weights")
_SHARED = ("palette", "class_weights")
_OF_PLAN = (
    *("images", "val_images", "val_share", "voc", "sbd", "augment", "templates", "weights", "recipe", "staged"),
    *("settings", "batch", "score_every", "seed"),
)


def _settings(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    return key_values(values, "FIELD=VALUE")


def _patches(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[tuple[int, int], bool] | None:
    """HxW or HxW:rare: height and width, and whether half of the patches contain a rare class."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)(:rare)?", value)
    if match is None or not int(match[1]) * int(match[2]):
        raise click.BadParameter(f"{value!r} is not of the form HEIGHTxWIDTH or HEIGHTxWIDTH:rare")
    return (int(match[1]), int(match[2])), match[3] is not None


_FILE = click.Path(path_type=Path)


@click.command(epilog=EXAMPLES)
@click.argument("net")
@click.option("--images", type=_FILE, metavar="DIR", help="Images to train on: a folder, a pattern or a .txt list.")
@click.option(
    "--labels", multiple=True, metavar="[HEAD=]DIR", help="Their label maps, of the same names; one for each head."
)
@click.option("--val-images", type=_FILE, metavar="DIR", help="Images to score on.")
@click.option("--val-labels", multiple=True, metavar="[HEAD=]DIR", help="Their label maps.")
@click.option(
    "--val-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Score on this share of the images, and train on the others.  [default: 0.1]",
)
@click.option("--palette", multiple=True, metavar="[HEAD=]FILE", help=PALETTE_HELP)
@click.option("--voc", type=_FILE, metavar="DIR", help="A VOC data set, such as VOCdevkit/VOC2012, for both.")
@click.option("--sbd", type=_FILE, metavar="DIR", help="The SBD data set, benchmark_RELEASE, to train on.")
@click.option(
    "--classes",
    multiple=True,
    metavar="[HEAD=]N|NAMES",
    help="Number of classes, or their names as in fcnkit predict; with several heads the names of one.",
)
@heads_option
@click.option("--from", "weights", type=_FILE, metavar="WEIGHTS", help="Weights of a classifier or an FCN.")
@click.option("-o", "--output", type=_FILE, default=Path("run"), show_default=True, help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Continue the run in the folder where it was interrupted.")
@click.option("--force", is_flag=True, help="Replace an earlier run in the folder.")
@click.option(
    "--recipe",
    type=click.Choice(["heavy", "accum"]),
    help="heavy: momentum 0.99, a step per image, summed loss; accum: momentum 0.9, a step per 20 images, mean loss."
    "  [default: heavy; a published net's own]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
    metavar="[STAGE.]FIELD=VALUE",
    help="Field of the solver, such as base_lr=1e-4 or 16s.max_iter=500; may be repeated.",
)
@click.option("--stages", "staged", is_flag=True, help="Train stride 32 first, then 16, ... down to --stride.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Number of images in a batch.")
@click.option(
    "--class-weights",
    multiple=True,
    metavar="[HEAD=]median|inverse|FILE",
    help="Weights of the classes in the loss.  [default: equal]",
)
@click.option(
    "--patches",
    callback=_patches,
    metavar="HxW[:rare]",
    help="Train on random patches; rare: half around rare classes.",
)
@click.option("--augment", metavar="HOW,...", help="Vary images: mirror, scale:0.5-2, color.")
@click.option("--score-every", type=click.IntRange(1), metavar="N", help="Iterations between scorings.")
@click.option("--seed", type=click.IntRange(0), default=1337, show_default=True, help="Seed of all random numbers.")
@click.option(
    "--templates", type=click.Path(exists=True, file_okay=False), help="Folder of templates that override fcnkit's own."
)
@shape_options
@running_options
@click.pass_context
def command(ctx: click.Context, /, net: str, output: Path, resume: bool, force: bool, **given: Any) -> None:
    """Train an FCN on your own images, score it while it trains, and keep the best net.

    NET is `fcn` for a net that the options describe, or a published net (fcnkit gen-prototxt --list). Images and label
    maps are matched by name. Label maps are indexed or grey images, masks in the palette's colours, or .mat files of
    SBD, SIFT Flow or NYUDv2; label 255 is ignored. For a net with several heads, options marked [HEAD=] are repeated
    for each.

    The folder of the run has the prototxts of nets and solver, snapshots, the log, report.html, and the best net as
    best.safetensors and best.caffemodel. Without --from the net starts from random fillers.

    On several processes, each with its own batches: torchrun --nproc-per-node 2 -m -- fcnkit train fcn ...
    """
    running = {name: given.pop(name) for name in _OF_TRAINER}
    tensorboard = given.pop("tensorboard")
    _check_usage(ctx, net, resume, given)
    from fcnkit.segment.parallel import ranks
    from fcnkit.train.fcn.folder import Run
    from fcnkit.train.fcn.preparing import prepare
    from fcnkit.train.fcn.stages import train_run

    with ranks() as processes:
        if not resume:
            with processes.together():
                if processes.first:
                    prepare(_planned(net, given), output, force)
        run = Run.load(output)
        stopped = train_run(
            run,
            processes,
            lambda stage: watchers(processes, None if tensorboard is None else tensorboard / stage.name),
            **running,
        )
        if processes.first and not stopped:
            _tell(run)
    if stopped:
        raise click.exceptions.Exit(128 + stopped)


def _check_usage(ctx: click.Context, net: str, resume: bool, given: dict[str, Any]) -> None:
    """Reject options that contradict each other."""
    typed = {
        param.name: param.opts[0]
        for param in ctx.command.params
        if param.name and ctx.get_parameter_source(param.name) == click.core.ParameterSource.COMMANDLINE
    }
    if resume:
        for name in typed.keys() - _OF_RESUMED:
            raise click.UsageError(f"{typed[name]} has no effect with --resume; leave it out")
        return
    for name in typed.keys() & set((*OF_SHAPE, "heads") if net != "fcn" else ()):
        raise click.UsageError(f"{typed[name]} has no effect with {net}; leave it out")
    if (given["images"] is None) == (given["voc"] is None) or (given["images"] is None) == bool(given["labels"]):
        raise click.UsageError("give --images and --labels, or --voc")
    if given["staged"] and given["at_once"]:
        raise click.UsageError("--at-once trains all strides together; leave out --stages")
    if given["sbd"] is not None and given["voc"] is None:
        raise click.UsageError("--sbd has no effect without --voc; leave it out")
    if (given["val_images"] is None) == bool(given["val_labels"]):
        raise click.UsageError("give --val-images and --val-labels together")
    if given["val_share"] is not None and (given["val_images"] is not None or given["voc"] is not None):
        raise click.UsageError("--val-share has no effect with images to score on; leave it out")
    if given["val_images"] is not None and given["voc"] is not None:
        raise click.UsageError("--val-images has no effect with --voc; leave it out")
    if net == "fcn" and not given["classes"] and given["heads"] is None and given["voc"] is None:
        raise click.UsageError("give --classes, the number of classes or a file with their names")


def _planned(net: str, given: dict[str, Any]) -> Plan:
    """What the options describe."""
    from fcnkit.generation.nets import describe
    from fcnkit.segment import classes as class_names
    from fcnkit.train.fcn.planning import plan

    if net != "fcn":
        described = describe(net)
    else:
        # The run sets the loss.
        task: dict[str, Any] = {"classes": None, "data": "images", "weights": {}, "normalize": False}
        if given["heads"] is None:
            text = by_head("--classes", given["classes"] or ["voc"], [""])
            task["heads"] = {"": len(class_names.resolve(str(text)))}
        described = describe("fcn", **own_net({**given, **task}))
    patches, rare = given["patches"] or (None, False)
    options: dict[str, Any] = {
        name: by_head(f"--{name.replace('_', '-')}", given[name], described.heads, shared=name in _SHARED)
        for name in _BY_HEAD
    }
    return plan(
        described if net == "fcn" else net,
        patches=patches,
        rare=rare,
        note=lambda text: click.echo(text, err=True),
        progress=_reading,
        **options,
        **{name: given[name] for name in _OF_PLAN},
    )


@contextmanager
def _reading(files: int) -> Iterator[Callable[[], object]]:
    from fcnkit.cli.progress import progress
    from fcnkit.segment.parallel import Ranks

    with progress("Reading labels", files, Ranks()) as bar:
        yield bar.advance


def _tell(run: Run) -> None:
    """The best scores of each stage, of several heads those of each too, and where the results are."""
    from fcnkit.cli.text_output import columns
    from fcnkit.segment.metrics import MEANS
    from fcnkit.train.fcn.reporting import best_of, scores_of
    from fcnkit.train.logs import by_head

    staged, several = len(run.stages) > 1, len(run.heads) > 1
    table = [[*(["stage"] * staged), "best iteration", *(["head"] * several), *MEANS.values()]]
    for stage in run.each:
        record = best_of(scores_of(stage))
        of_heads = {**({"all, mean": record["score"]} if several else {}), **by_head(record["score"])}
        for head, score in of_heads.items():
            numbers = ["-" if score[name] is None else f"{100 * score[name]:.2f}" for name in MEANS]
            first = [*([stage.name] * staged), str(record["iteration"])]
            table.append([*first, *([head] * several), *numbers])
    click.echo(columns(table))
    click.echo(f"{run.folder / 'best.safetensors'}, best.caffemodel: the best net; {run.report.name}: the report")
