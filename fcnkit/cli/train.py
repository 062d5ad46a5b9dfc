"""fcnkit train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.reading_options import crop_option

if TYPE_CHECKING:
    from fcnkit.segment.parallel import Ranks
    from fcnkit.train.events import Watcher

EXAMPLES = """\b
Examples:
  fcnkit train solver.prototxt
  fcnkit train solver.prototxt --weights vgg16.caffemodel,extra.caffemodel --log train.jsonl
  fcnkit train solver.prototxt --snapshot auto
  fcnkit train solver.prototxt --snapshot snap_iter_6.solverstate --workers 2
  fcnkit train solver.prototxt --data data=mydata:factory
"""


class DataType(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone of some versions
    """LAYER=module:factory."""

    name = "data"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str, str]:
        layer, equals, factory = value.partition("=")
        module, colon, attribute = factory.rpartition(":")
        if not (layer and equals and module and colon and attribute):
            self.fail(f"{value!r} is not LAYER=module:factory", param, ctx)
        return layer, module, attribute


_RUNNING = (
    click.option("--device", default="cpu", show_default=True, help="Where to train: cpu, cuda, cuda:1."),
    click.option(
        "--workers",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Number of processes that read ahead.",
    ),
    click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR", help="Write events for TensorBoard."),
    click.option("--amp", type=click.Choice(["bf16", "fp16"]), help="Automatic mixed precision; changes the numbers."),
    click.option("--compile", "compiled", is_flag=True, help="Run the net through torch.compile."),
    click.option("--allow-zero", is_flag=True, help="Train although some filters are zero and cannot learn."),
    click.option("--channels-last", is_flag=True, help="Store images with channels last; faster on some GPUs."),
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose where and how a net is trained, but not what it learns, to a command."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command


@click.command(epilog=EXAMPLES)
@click.argument("solver", type=click.Path(path_type=Path))
@click.option("--weights", metavar="FILE,...", help="Weights to start from, by layer name; later ones override.")
@click.option("--snapshot", metavar="STATE|auto", help="A .solverstate to resume from; auto: the newest, if any.")
@click.option("--data", type=DataType(), multiple=True, metavar="LAYER=MODULE:FACTORY", help="Data of your own.")
@click.option("--log", "log", type=click.Path(path_type=Path), metavar="FILE", help="Write one JSON object per line.")
@crop_option
@click.option("--force", is_flag=True, help="Replace an existing log.")
@running_options
def command(
    solver: Path,
    weights: str | None,
    snapshot: str | None,
    data: tuple[tuple[str, str, str], ...],
    log: Path | None,
    tensorboard: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Train a net as `caffe train` does, from Caffe's own solver, nets and data.

    SOLVER is a solver's prototxt; relative paths in it start at the working folder. Snapshots, PREFIX_iter_N.caffemodel
    and .solverstate, are Caffe's, and Caffe's are read. A file beside each has the place of the data and the random
    state: with it a run goes on exactly. Existing snapshots of the same name are replaced.

    Ctrl-C and SIGTERM write a snapshot and stop; SIGHUP writes one and goes on.

    On several processes, each with its own batches: torchrun --nproc-per-node 2 -m -- fcnkit train ...

    To train an FCN on images in a folder, see fcnkit train fcn --help.
    """
    if snapshot not in (None, "auto") and weights:
        raise click.UsageError("give --snapshot or --weights, not both")
    from fcnkit.segment.parallel import ranks
    from fcnkit.train.events import Watchers
    from fcnkit.train.trainer import Trainer

    with ranks() as processes:
        seen = Watchers(*watchers(processes, tensorboard), *_log(processes, log, snapshot is not None, force))
        try:
            trainer = Trainer(
                solver,
                weights=[name for name in (weights or "").split(",") if name],
                snapshot=snapshot,
                data={layer: _factory(module, name) for layer, module, name in data},
                processes=processes,
                watcher=seen,
                **options,
            )
            try:
                with trainer.requests.listening():
                    stopped = trainer.run()
            finally:
                trainer.close()
        finally:
            seen.close()
    if stopped:
        raise click.exceptions.Exit(128 + stopped)


def watchers(processes: Ranks, tensorboard: Path | None) -> list[Watcher]:
    """The watchers of a run other than its log, in the first process only."""
    from fcnkit.cli.train_progress import Progress

    if not processes.first:
        return []
    found: list[Watcher] = [Progress()]
    if tensorboard is not None:
        from fcnkit.train.board import Board

        found.append(Board(tensorboard))
    return found


def _log(processes: Ranks, log: Path | None, resumed: bool, force: bool) -> list[Watcher]:
    """The log of the run, in the first process only."""
    from fcnkit.train.logs import LogFile

    if not processes.first or log is None:
        return []
    return [LogFile(log, append=resumed and not force, force=force)]


def _factory(module: str, name: str) -> Callable[..., Any]:
    """The object with a given name in a user's module; modules in the working folder are found, as by `python -m`."""
    import importlib
    import sys

    from fcnkit.errors import InputError

    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InputError(f"--data: {module}:{name} cannot be imported: {error}") from None
    factory: Callable[..., Any] = found
    return factory
