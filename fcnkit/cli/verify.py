"""fcnkit verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.input_shape import input_shape_option
from fcnkit.cli.reading_options import opening_options
from fcnkit.cli.text_output import columns, output_options, put
from fcnkit.errors import naming

if TYPE_CHECKING:
    from fcnkit.inspect.verification import Verification
    from fcnkit.net.conversion import InputShape

EXAMPLES = """\b
Examples:
  fcnkit verify fcn8s.caffemodel --input-shape 1,3,60,80
  fcnkit verify fcn8s.safetensors --against opencv --input-shape 1,3,60,80
  fcnkit verify net.caffemodel --prototxt net.prototxt --against blobs.npz
  fcnkit verify edge.caffemodel --against my_nets:Classifier --state weights.pth
"""


@click.command(epilog=EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--against",
    metavar="RUNTIME|DUMP.npz|PACKAGE.MODULE:FACTORY",
    help="caffe, opencv, onnxruntime, a file of blobs, or a PyTorch module.  [default: the first runtime installed]",
)
@click.option("--state", type=click.Path(path_type=Path), help="State dict that is loaded into the PyTorch module.")
@click.option("--prototxt", type=click.Path(path_type=Path), help="Definition of the net; overrides the one in MODEL.")
@input_shape_option
@opening_options
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random input.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-4,
    show_default=True,
    help="Allowed error, relative to the largest value of a blob.",
)
@output_options
def command(
    model: Path,
    against: str | None,
    state: Path | None,
    prototxt: Path | None,
    input_shape: InputShape | None,
    seed: int,
    tolerance: float,
    output: str | None,
    force: bool,
    **reading: Any,
) -> None:
    """Run a net in PyTorch and in another runtime, and report the largest error of each blob.

    MODEL is any file of a net that fcnkit loads or converts. Both runtimes get the same random input. Without
    --against, the first of Caffe, OpenCV and ONNX Runtime that is installed is used. DUMP.npz contains blobs that a
    runtime computed elsewhere: arrays in/NAME are the inputs, arrays out/NAME the blobs. The exit status is 1 if an
    error exceeds the tolerance.

    PACKAGE.MODULE:FACTORY is a function or class that makes the PyTorch module of which `fcnkit from-torch` made the
    net. The command imports and runs this code; use only code that you trust. Both run on two random inputs, and
    the outputs are compared.
    """
    if against is not None and ":" in against and not Path(against).exists():
        from fcnkit.inspect.modules import verify_with_module

        found = verify_with_module(model, against, state, prototxt, input_shape, seed, **reading)
    elif state is not None:
        raise click.UsageError("--state needs --against PACKAGE.MODULE:FACTORY")
    else:
        from fcnkit.inspect.verification import verify

        found = verify(model, against, prototxt, input_shape, seed, **reading)
    put("".join(f"{line}\n" for line in _lines(found)), output, force)
    with naming(model):
        found.require(tolerance)


def _lines(found: Verification) -> list[str]:
    rows = [["layer", "blob", "shape", "largest error", "largest value", "relative"]]
    for layer, blob, gap in found.gaps:
        shape = " x ".join(map(str, gap.shape)) or "one value"
        rows.append([layer, blob, shape, f"{gap.difference:.2g}", f"{gap.value:.3g}", f"{gap.relative:.1g}"])
    worst = max(found.gaps, key=lambda each: each.gap.relative)
    count = f"{len(found.gaps)} blob{'s' * (len(found.gaps) > 1)}"
    told = f"the largest error is {worst.gap.relative:.1g} of the blob's largest value, at layer {worst.layer!r}"
    lines = [columns(rows, right=range(3, 6)), f"{count} against {found.against}: {told}"]
    lines += [f"remark: {note}" for note in found.notes]
    return lines + ([f"not compared: {', '.join(map(repr, found.unseen))}"] if found.unseen else [])
