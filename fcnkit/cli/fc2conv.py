"""fcnkit fc2conv."""

from __future__ import annotations

from pathlib import Path

import click

EXAMPLES = """\b
Examples:
  fcnkit fc2conv vgg16.pth
  fcnkit fc2conv caffenet.caffemodel -o caffenet-conv.caffemodel
"""


@click.command(epilog=EXAMPLES)
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output; by default -conv is added to the name.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
def command(weights: Path, output: Path | None, force: bool) -> None:
    """Reshape fully connected weights into convolution filters.

    WEIGHTS is a .pth file with a state dict, or a .caffemodel. The kernel of each filter follows from the shapes:
    VGG16's fc6, (4096, 25088), becomes (4096, 512, 7, 7). No value is changed, and all else stays as it was. In a
    .caffemodel the layers become Convolutions too, so the net in it takes images of any size.
    """
    from fcnkit.surgery import fc2conv

    output = output or Path(f"{weights.stem}-conv{weights.suffix}")
    casts = fc2conv(weights, output, force=force)
    click.echo(f"{weights} -> {output}")
    width = max(len(cast.name) for cast in casts)
    for cast in casts:
        click.echo(f"  {cast.name:{width}}  {cast.before} -> {cast.after}")
