"""The command line: one thin module per command, each imported only when its command runs."""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys

import click

from fcnkit.cli.wording import in_options
from fcnkit.errors import FcnkitError, nearest

# Each command with its line in `fcnkit --help`; the module is named after the command.
COMMANDS = {
    "convert": "Convert Caffe weights into the equivalent PyTorch net.",
    "from-torch": "Convert a PyTorch module into a Caffe net.",
    "fc2conv": "Reshape fully connected weights into convolution filters.",
    "gen-prototxt": "Write Caffe networks from templates.",
    "heatmap": "Draw the probability of a class over an image.",
    "init": "Start an FCN from the weights of another net.",
    "summary": "List the layers of a net: shapes, parameters, multiply-adds.",
    "draw": "Draw a net as SVG, PNG, an HTML page, or for Graphviz.",
    "diff": "Compare two nets: structure, weights and blobs.",
    "verify": "Compare a net with another runtime, blob by blob.",
    "check": "Check a net against the limits of the tool that is to read it.",
    "offsets": "Explain and fill in the crop offsets of a network.",
    "predict": "Segment images: label maps, overlays, heat maps and scores.",
    "score": "Score label maps, or a model, against ground truth.",
    "train": "Train a net from Caffe's solver, as caffe train does.",
    "train fcn": "Train an FCN on your own images, and score it.",
    "plot-log": "Draw loss, rate and scores of a training run.",
    "upgrade": "Upgrade nets and solvers of older versions of Caffe.",
}


# Where the context keeps the command that runs.
_CHOSEN = "fcnkit.command"


class _Commands(click.Group):
    """Imports a command's module when the command runs, and converts FcnkitError into exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fcnkit.cli.{re.sub('[ -]', '_', cmd_name)}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"No such command {args[0]!r}{nearest(args[0], COMMANDS)}.")
        name, command, rest = super().resolve_command(ctx, args)
        if name == "train" and rest and _is_net(rest[0]):
            # The name of a net in place of a solver.
            command = self.get_command(ctx, "train fcn")
        elif name == "train" and rest and (hint := _like_a_net(rest[0])):
            ctx.fail(f"{rest[0]!r} is neither a solver's file nor a net{hint}")
        ctx.meta[_CHOSEN] = command
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FcnkitError as error:
            raise click.ClickException(in_options(str(error), ctx.meta.get(_CHOSEN))) from None
        except MemoryError:
            raise click.ClickException("not enough memory") from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None


def _is_net(word: str) -> bool:
    """Whether a word is `fcn` or the name of a published net."""
    if word == "fcn" or "-" not in word:
        return word == "fcn"
    from fcnkit.generation.published import PUBLISHED

    return word in PUBLISHED


def _like_a_net(word: str) -> str:
    """The net that a word that is no file may mean, as a question."""
    if word.startswith("-") or "." in word or os.path.exists(word):
        return ""
    from fcnkit.generation.published import PUBLISHED

    return nearest(word, ["fcn", *PUBLISHED])


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
    """The command line, in a process of its own; `fcnkit.__main__` handles signals before it is imported."""
    # PyTorch allocates each blob anew, and Linux clears its pages: a ReLU of 64 MB takes 2.5 times as long in small
    # pages as in huge ones. Read when torch is imported.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    # Importing torch creates so many objects that, with Python's default thresholds, the garbage collector runs
    # repeatedly without effect, and once more at exit: a third of the total time of `import torch`.
    gc.set_threshold(10_000, 10, 10)
    try:
        sys.exit(main(prog_name=prog_name))
    finally:
        gc.freeze()
