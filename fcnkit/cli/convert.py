"""fcnkit convert."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options

if TYPE_CHECKING:
    from fcnkit.net import CaffeNet
    from fcnkit.net.conversion import InputShape

# Outputs of at least this many bytes get a progress bar.
_LARGE = 100 * 10**6

EXAMPLES = """\b
Examples:
  fcnkit convert fcn8s.caffemodel
  fcnkit convert fcn8s.caffemodel --prototxt deploy.prototxt -o fcn8s.pth -o fcn8s.npz
  fcnkit convert fcn8s.caffemodel --input-shape 1,3,384,512 --force
  fcnkit convert fcn8s.safetensors -o back.caffemodel
  fcnkit convert fcn8s.caffemodel --simplify --input-shape 1,3,384,512 --legacy-inputs -o edge.caffemodel
  fcnkit convert fcn8s.caffemodel --target ncnn --input-shape 1,3,60,80 -o small.caffemodel
  fcnkit convert --prototxt deploy.prototxt
  fcnkit convert exported.pt2 -o exported.caffemodel
"""


@click.command(epilog=EXAMPLES)
@click.argument("weights", type=click.Path(path_type=Path), required=False)
@click.option(
    "--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in WEIGHTS."
)
@input_shape_option
@opening_options
@click.option("--simplify", is_flag=True, help="Remove and fold layers without changing the output.")
@click.option("--fold-batchnorm", is_flag=True, help="Fold BatchNorm and Scale into the filters before them.")
@click.option("--legacy-inputs", is_flag=True, help="Declare inputs by `input` and `input_dim`, without Input layers.")
@click.option("--target", metavar="NAME", help="Write the net for a tool, as ascend; `fcnkit check --list` lists them.")
@click.option(
    "--level", type=int, default=0, show_default=True, help="Level for the layers' include and exclude rules."
)
@click.option(
    "--stage", "stages", multiple=True, help="Stage for the layers' include and exclude rules; may be repeated."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Output; its suffix chooses the format. May be repeated.",
)
@click.option("--force", is_flag=True, help="Replace existing outputs.")
def command(
    weights: Path | None,
    prototxt: Path | None,
    input_shape: InputShape | None,
    simplify: bool,
    fold_batchnorm: bool,
    legacy_inputs: bool,
    target: str | None,
    level: int,
    stages: tuple[str, ...],
    outputs: tuple[Path, ...],
    force: bool,
    **reading: Any,
) -> None:
    """Convert Caffe weights into the equivalent PyTorch net, or a net back into Caffe's files.

    WEIGHTS is a .caffemodel, which contains the definition of its net. Data layers become inputs, and losses,
    accuracies and Split layers are removed. --prototxt overrides the definition; weights are then matched by layer
    name, and WEIGHTS may also be a .caffemodel.h5, .pth or .npz. Without WEIGHTS, the layers' fillers set the weights.
    The .safetensors, .caffemodel, .pth, .h5 and .npz files that convert writes are accepted as WEIGHTS too, and so is a
    .pt2, a program that torch.export made of any PyTorch module.

    By default the output has the name of WEIGHTS, the suffix .safetensors, and lies in the current folder. It contains
    weights, definition and preprocessing. A .caffemodel is written together with its .prototxt; .pth, .h5 (Caffe's
    layout) and .npz contain the weights alone; .onnx, .pt2 and .py contain the net for use without fcnkit.

    With --target, layers are written as that tool reads them, where this changes no value, and a net that it cannot
    read is refused. Limits that only make layers slow, and types of layers that no document states, are remarked.
    """
    from fcnkit.files import check_output

    source = weights or prototxt
    if source is None:
        raise click.UsageError("give WEIGHTS, --prototxt, or both")
    outputs = outputs or (Path(Path(source.name.removesuffix(".h5")).with_suffix(".safetensors")),)
    for output in outputs:
        check_output(output, force)
    from fcnkit import formats
    from fcnkit.cli.convert_report import summary

    written = formats.outputs(outputs)
    for output in written:
        check_output(output, force)
    options: dict[str, Any] = {"input_shape": input_shape, "level": level, "stages": stages, **reading}
    if weights is None:
        net = formats.convert(None, prototxt, **options)
        _warn_of_zeros(net, source)
    else:
        # Weights are copied from file to file.
        net = formats.load(weights, prototxt, **options, mapped=True, untrained="refuse", target=target or "bvlc")
    report = None
    if simplify or fold_batchnorm or legacy_inputs:
        from fcnkit.simplification import rewrites as simplification

        if simplify or fold_batchnorm:
            rewrite = simplification.simplify if simplify else simplification.fold_batchnorm
            report = rewrite(net, mapped=True)
            net = report.net
        if legacy_inputs:
            net = simplification.with_legacy_inputs(net, mapped=True)
    if target:
        net = _for_target(net, target, source)
    formats.save(net, *outputs, force=force, watch=_watch(net))
    nothing = "Nothing to simplify." if simplify else "No BatchNorm to fold."
    click.echo(summary(net, source, written, prototxt, report, nothing))


def _warn_of_zeros(net: CaffeNet, source: Path) -> None:
    """Warn that fillers leave filters at zero; score layers may be zero among others that are not."""
    from fcnkit.net.zeros import filter_layers, some_named
    from fcnkit.surgery.transplant import score_layers

    found = filter_layers(net)
    zero = [name for name, is_zero in found.items() if is_zero]
    which = "all filters are zero"
    if len(zero) < len(found):
        scores = score_layers(net.definition())
        zero = [name for name in zero if name not in scores]
        which = f"the filters of {some_named(zero)} are zero"
    if zero:
        click.echo(
            f"warning: {source}: {which}: the prototxt has no fillers for them and no weights were given;"
            " give WEIGHTS, or add a weight_filler to each layer",
            err=True,
        )


def _for_target(net: CaffeNet, target: str, source: Path) -> CaffeNet:
    """The net as a target reads it; remarks go to standard error."""
    from fcnkit import export
    from fcnkit.errors import naming

    with naming(source):
        net = export.spelled(net, target, mapped=True)
        for remark in export.require(net, target):
            click.echo(f"{source}: {remark}", err=True)
    return net


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
                # Some formats take long to prepare before the file is opened.
                with suppress(FileNotFoundError):
                    bar.update(min(partial.stat().st_size, total) - bar.pos)

        follower = threading.Thread(target=follow)
        follower.start()
        try:
            yield
        finally:
            done.set()
            follower.join()
        bar.update(total - bar.pos)
