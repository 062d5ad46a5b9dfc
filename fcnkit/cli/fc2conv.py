"""fcnkit fc2conv."""

from __future__ import annotations

from pathlib import Path

import click

from fcnkit.aliases import Pair
from fcnkit.cli.text_output import columns


def _kernel(value: str) -> tuple[str, Pair]:
    """H,W for all layers that read a map, or LAYER=H,W."""
    layer, _, text = value.rpartition("=")
    height, _, width = text.partition(",")
    if not height.isdecimal() or not width.isdecimal():
        raise click.BadParameter(f"{value!r} is not of the form H,W or LAYER=H,W")
    return layer, (int(height), int(width))


EXAMPLES = """\b
Examples:
  fcnkit fc2conv vgg16.pth
  fcnkit fc2conv vgg16.pth --names caffe -o vgg16-caffe.pth
  fcnkit fc2conv vgg16-caffe.pth --back --names torchvision -o vgg16-again.pth
  fcnkit fc2conv caffenet.caffemodel -o caffenet-conv.caffemodel
  fcnkit fc2conv wide.safetensors --kernel 3,6
"""


@click.command(epilog=EXAMPLES)
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of a .caffemodel or .h5 file.")
@click.option(
    "--kernel",
    "kernel",
    type=_kernel,
    multiple=True,
    metavar="[LAYER=]H,W",
    help="Kernel, where the shapes allow several; with LAYER=, repeated, of one layer.",
)
@click.option(
    "--order",
    type=click.Choice(["chw", "hwc"]),
    default="chw",
    show_default=True,
    help="Order in which maps were flattened; hwc for weights from TensorFlow.",
)
@click.option(
    "--names",
    type=click.Choice(["caffe", "torchvision"]),
    help="Rename the layers of a VGG or AlexNet: features.0 is conv1_1.",
)
@click.option("--back", is_flag=True, help="Cast filters to fully connected weights instead.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="With --back: a layer to cast; may be repeated.  [default: fc6, classifier.0, ...]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Output.  [default: the name of WEIGHTS with -conv, or -fc with --back]",
)
@click.option("--force", is_flag=True, help="Replace an existing output.")
def command(
    weights: Path,
    prototxt: Path | None,
    kernel: tuple[tuple[str, Pair], ...],
    order: str,
    names: str | None,
    back: bool,
    layers: tuple[str, ...],
    output: Path | None,
    force: bool,
) -> None:
    """Reshape fully connected weights into convolution filters.

    WEIGHTS is a .caffemodel, an .h5 file, or a .pth, .pt or .safetensors file with a state dict or a checkpoint that
    contains one. The kernel of each filter follows from the shapes: VGG16's fc6, (4096, 25088), becomes
    (4096, 512, 7, 7). No value changes. In a .caffemodel the layers become Convolutions too, so that the net takes
    images of any size; its prototxt is written beside it.
    """
    if back and kernel:
        raise click.UsageError("--kernel has no effect with --back; leave it out")
    if layers and not back:
        raise click.UsageError("--layer has no effect without --back; leave it out")
    from fcnkit.surgery.fc2conv_files import default_output, fc2conv, prototxt_beside

    output = output or default_output(weights, back)
    casts = fc2conv(
        weights,
        output,
        prototxt=prototxt,
        kernel=dict(kernel),
        order=order,
        names=names,
        back=back,
        layers=layers,
        force=force,
    )
    written = [output, prototxt_beside(output, weights, prototxt)]
    click.echo(f"{weights} -> {' and '.join(str(path) for path in written if path)}")
    rows = [[f"  {cast.name}", f"{cast.before} -> {cast.after}"] for cast in casts]
    if rows:
        click.echo(columns(rows))
