"""fcnkit plot-log."""

from __future__ import annotations

from pathlib import Path

import click

EXAMPLES = """\b
Examples:
  fcnkit plot-log train.jsonl -o train.png
  fcnkit plot-log train.jsonl caffe.INFO -o both.svg
"""


@click.command(epilog=EXAMPLES)
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), metavar="PNG", help="The picture.")
@click.option("--force", is_flag=True, help="Replace an existing picture.")
def command(logs: tuple[Path, ...], output: Path, force: bool) -> None:
    """Draw loss, rate and scores of training runs.

    FILE is a log of fcnkit train --log, or one that Caffe wrote. Several are drawn into one picture.
    """
    from fcnkit.files import check_output
    from fcnkit.segment.plot import check_plot
    from fcnkit.train.logs import read
    from fcnkit.train.plot import plot

    check_plot(output)
    check_output(output, force)
    plot({str(path): read(path) for path in logs}, output, force)
