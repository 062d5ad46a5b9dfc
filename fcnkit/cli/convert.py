"""fcnkit convert."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.inputs import input_shape_option

if TYPE_CHECKING:
    from fcnkit.conversion import InputShape
    from fcnkit.net import CaffeNet

# From this many bytes on a progress bar is worth its place.
_LARGE = 100 * 10**6


EXAMPLES = """\b
Examples:
  fcnkit convert fcn8s.caffemodel
  fcnkit convert fcn8s.caffemodel --prototxt deploy.prototxt -o fcn8s.pth
  fcnkit convert fcn8s.caffemodel --input-shape 1,3,384,512 --force
  fcnkit convert --prototxt deploy.prototxt
"""


@click.command(epilog=EXAMPLES)
@click.argument("weights", type=click.Path(path_type=Path), required=False)
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition to use in place of the one in WEIGHTS.")
@input_shape_option
@click.option("--level", type=int, default=0, show_default=True, help="Level that the layers' rules are held against.")
@click.option("--stage", "stages", multiple=True, help="Stage that is set for the layers' rules; may be repeated.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output; its suffix chooses the format.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
def command(
    weights: Path | None,
    prototxt: Path | None,
    input_shape: InputShape | None,
    level: int,
    stages: tuple[str, ...],
    output: Path | None,
    force: bool,
) -> None:
    """Convert Caffe weights into the equivalent PyTorch net.

    WEIGHTS is a .caffemodel, which holds its whole net; that is cut down to what runs on an image. With --prototxt
    that definition rules, and weights are matched by layer name; WEIGHTS may then be a .caffemodel.h5 too, or be left
    out: the net is filled as its fillers say. The output is by default WEIGHTS' name with .safetensors in the current
    folder: weights, definition and preprocessing in one file. .pth holds a plain state dict, .caffemodel the net as
    Caffe reads it.
    """
    from fcnkit.files import check_output

    source = weights or prototxt
    if source is None:
        raise click.UsageError("give WEIGHTS, --prototxt, or both")
    output = output or Path(Path(source.name.removesuffix(".h5")).with_suffix(".safetensors"))
    check_output(output, force)
    from fcnkit import conversion, formats
    from fcnkit.caffe.schema import TEST, NetState

    formats.check_suffix(output)
    state = NetState(phase=TEST, level=level, stage=stages)
    net = conversion.build(weights, prototxt, input_shape, state, mapped=True)
    formats.save(net, output, force=force, watch=_watch(net))
    click.echo(summary(net, source, output, prototxt))


def summary(net: CaffeNet, source: Path, output: Path, prototxt: Path | None) -> str:
    """What was converted, and the two lines of Python that load it."""
    definition = net.definition()
    lines = [
        f"{source} -> {output}",
        f"  net     {definition.name or 'unnamed'}: {len(definition.layer)} layers,"
        f" {sum(p.numel() for p in net.parameters()):,} parameters",
    ]
    for name in net.inputs:
        lines.append(f"  input   {name} {_times(net.shapes[name])}" + pixels(net.preprocessing.get(name)))
    lines += [f"  output  {name} {_times(net.shapes[name])}" for name in net.outputs]
    if net.unused:
        lines.append(f"  unused  weights of {', '.join(net.unused)}")
    call = f"fcnkit.load({str(output)!r}"
    if output.suffix.lower() in (".pth", ".pt"):
        call += f", prototxt={str(prototxt)!r}" if prototxt else ", prototxt=...  # the net's definition"
    return "\n".join([*lines, "Load it:", "  import fcnkit", f"  net = {call})"])


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def pixels(preprocessing: dict[str, Any] | None) -> str:
    if not preprocessing:
        return ""
    low, high = preprocessing["range"]
    mean = ", ".join(f"{value:.6g}" for value in preprocessing["mean"])
    words = [preprocessing["channel_order"], f"{low}..{high}", mean and f"minus {mean}"]
    if preprocessing["scale"] != 1:
        words.append(f"times {preprocessing['scale']:.6g}")
    return f" ({', '.join(filter(None, words))}; {preprocessing['source']})"


def _watch(net: CaffeNet) -> Any:
    """A progress bar over the file that is being written, on a terminal and for a large file; else None."""
    total = sum(tensor.nbytes for tensor in net.state_dict().values())
    if total < _LARGE or not sys.stderr.isatty():
        return None
    return lambda partial: _progress(partial, total)


@contextmanager
def _progress(partial: Path, total: int) -> Iterator[None]:
    import threading

    bar: Any = click.progressbar(length=total, label="Writing", file=sys.stderr)
    with bar:
        done = threading.Event()

        def follow() -> None:
            while not done.wait(0.1):
                bar.update(min(partial.stat().st_size, total) - bar.pos)

        follower = threading.Thread(target=follow)
        follower.start()
        try:
            yield
        finally:
            done.set()
            follower.join()
        bar.update(total - bar.pos)
