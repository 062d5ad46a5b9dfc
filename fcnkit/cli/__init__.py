"""The command line: one thin module per command, each imported only when its command runs."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys

import click

from fcnkit.cli.wording import in_options
from fcnkit.errors import FcnkitError

# Each command with its line in `fcnkit --help`; the module is named after the command.
COMMANDS = {
    "convert": "Convert Caffe weights into the equivalent PyTorch net.",
    "fc2conv": "Reshape fully connected weights into convolution filters.",
    "gen-prototxt": "Write Caffe networks from templates.",
    "heatmap": "Draw the probability of a class over an image.",
    "init": "Start an FCN from the weights of another net.",
    "summary": "List the layers of a net: shapes, parameters, multiply-adds.",
    "draw": "Draw a net as SVG, as an HTML page, or for Graphviz.",
    "diff": "Compare two nets: structure, weights and blobs.",
    "verify": "Compare a net with another runtime, blob by blob.",
    "offsets": "Explain and fill in the crop offsets of a network.",
    "predict": "Segment images: label maps, overlays, heat maps and scores.",
    "score": "Score label maps, or a model, against ground truth.",
    "train": "Train a net from Caffe's solver, as caffe train does.",
    "plot-log": "Draw loss, rate and scores of a training run.",
    "upgrade": "Upgrade nets and solvers of older versions of Caffe.",
}


class _Commands(click.Group):
    """Imports a command's module when the command runs, and converts FcnkitError into exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fcnkit.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FcnkitError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            raise click.ClickException(in_options(str(error), command)) from None
        except MemoryError:
            raise click.ClickException("not enough memory") from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fcnkit")
def main() -> None:
    """Caffe networks to PyTorch and back, Fully Convolutional Networks first among them.

    \b
    Examples:
      fcnkit convert fcn8s.caffemodel
      fcnkit gen-prototxt --factor 32
      fcnkit fc2conv vgg16.pth
      fcnkit predict fcn8s.safetensors photo.jpg --overlay
      fcnkit score predictions/ labels/
    """


def run(prog_name: str | None = None) -> None:
    """The entry point of `fcnkit` and `python -m fcnkit`: main, in a process of its own."""
    # PyTorch allocates each blob anew, and Linux clears its pages: a ReLU of 64 MB takes 2.5 times as long in small
    # pages as in huge ones. Read when torch is imported.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    # Importing torch creates so many objects that, with Python's default thresholds, the garbage collector runs
    # repeatedly without effect, and once more at exit: a third of the total time of `import torch`.
    gc.set_threshold(10_000, 10, 10)
    # SIGTERM, from timeout or a container's shutdown, is handled as Ctrl-C is: no partial file is left.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(main(prog_name=prog_name))
    finally:
        gc.freeze()
