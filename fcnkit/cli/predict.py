"""fcnkit predict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.model_options import CLASSES_HELP, PALETTE_HELP, largest_image, model_options, segmenter
from fcnkit.cli.wording import in_options

if TYPE_CHECKING:
    from fcnkit.segment import Segmenter
    from fcnkit.segment.parallel import Ranks
    from fcnkit.segment.prediction_files import Results

EXAMPLES = """\b
Examples:
  fcnkit predict fcn8s.safetensors photo.jpg
  fcnkit predict fcn8s.caffemodel photos/ -o labels --overlay --legend
  fcnkit predict fcn8s.caffemodel photos/ -o all --recursive --skip-existing --overlay --opacity 0.3 --contours
  fcnkit predict fcn8s.pth 'photos/*.png' --prototxt deploy.prototxt --mean 104,116.7,122.7 --heatmap 1 --scores
  fcnkit predict fcn8s.safetensors photos/ -o tiled --tile 256 --batch 4 --workers 4
"""


@click.command(epilog=EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "-o",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default="predictions",
    show_default=True,
    help="Folder for the results.",
)
@click.option("--palette", type=click.Path(path_type=Path), metavar="FILE", help=PALETTE_HELP)
@click.option("--classes", metavar="NAMES", help=CLASSES_HELP)
@click.option("--recursive", is_flag=True, help="Segment the images of subfolders too, into equal subfolders of DIR.")
@click.option("--overlay", is_flag=True, help="Write DIR/overlay/: the image under the colours of its labels.")
@click.option(
    "--opacity",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of the colours in the overlay, 0 to 1.  [default: 0.5]",
)
@click.option("--contours", is_flag=True, help="Draw the borders of the classes on the overlay.")
@click.option(
    "--legend",
    is_flag=True,
    help="Write DIR/legend/: colour, name and share of each class in the image; with --overlay, beside the image too.",
)
@click.option("--heatmap", metavar="CLASS", help="Write DIR/heatmap-CLASS/: probability of a class, by name or number.")
@click.option("--scores", is_flag=True, help="Write DIR/scores/: the scores as .npz.")
@click.option("--skip-existing", is_flag=True, help="Resume: skip images whose results exist.")
@click.option("--force", is_flag=True, help="Replace existing results.")
@model_options
def command(
    model: Path,
    images: tuple[Path, ...],
    folder: Path,
    palette: Path | None,
    classes: str | None,
    recursive: bool,
    overlay: bool,
    opacity: float | None,
    contours: bool,
    legend: bool,
    heatmap: str | None,
    scores: bool,
    skip_existing: bool,
    force: bool,
    batch: int,
    workers: int,
    max_pixels: int | None,
    **options: Any,
) -> None:
    """Segment images: write a label map DIR/NAME.png for each, indexed, in the colours of PASCAL VOC.

    MODEL is any file of a net that fcnkit loads or converts. IMAGE is an image of any size, a folder, a pattern, or a
    .txt file with one path per line. An image that cannot be read is reported and skipped; the exit status is then 1.
    Results of images that differ in their suffix alone are named with it: same.jpg.png and same.png.png.

    On several processes: torchrun --nproc-per-node 2 -m fcnkit predict ...
    """
    if skip_existing and force:
        raise click.UsageError("--skip-existing and --force exclude each other")
    if not overlay and (contours or opacity is not None):
        raise click.UsageError("--opacity and --contours need --overlay")
    from fcnkit.segment.images import places, read_palette, subfolders
    from fcnkit.segment.parallel import ranks
    from fcnkit.segment.prediction_files import Results

    reading = {"batch": batch, "workers": workers, "max_pixels": largest_image(max_pixels, options["tile"])}
    with ranks() as processes:
        with processes.together():
            found = places(images, recursive=recursive, leave=folder)
            colours = None if palette is None else read_palette(palette)
            run, names = _prepare(model, classes, heatmap, scores, options)
            extras: dict[str, Any] = {"overlay": overlay, "legend": legend, "heat": run.heat, "scores": scores}
            extras |= {"opacity": 0.5 if opacity is None else opacity, "contours": contours, "keep": skip_existing}
            results = Results(folder, names, palette=colours, force=force, **extras)
            paths = results.prepare(found)
        if processes.first and not recursive:
            for source in images:
                if left := subfolders(source, leave=folder):
                    click.echo(f"{source}: {left} with images left out; --recursive reads them too", err=True)
        with processes.together():
            failed = _run(run, results, processes.share(paths), reading, names, processes)
        failed = processes.total(failed)
    if processes.first:
        done, skipped = len(paths) - failed, len(found) - len(paths)
        click.echo(f"{done} {_images(done)} -> {folder}" + (f", {skipped} skipped" if skipped else ""))
    if failed:
        if processes.first:
            click.echo(f"Error: {failed} of {len(paths)} images could not be segmented", err=True)
        raise click.exceptions.Exit(1)


def _prepare(
    model: Path, classes: str | None, heatmap: str | None, scores: bool, options: dict[str, Any]
) -> tuple[Segmenter, Sequence[str]]:
    """The model prepared for segmentation, and the names of its classes."""
    from fcnkit.segment.classes import class_of, names_for

    run = segmenter(model, scores=scores, **options)
    names = names_for(run.classes, classes)
    run.heat = None if heatmap is None else class_of(heatmap, names)
    return run, names


def _run(
    run: Segmenter,
    results: Results,
    paths: Sequence[Path],
    reading: dict[str, Any],
    names: Sequence[str],
    processes: Ranks,
) -> int:
    """Segment the images and write the results; returns the number of images that failed."""
    from fcnkit.cli.progress import progress
    from fcnkit.segment.batches import segment_files
    from fcnkit.segment.parallel import Behind
    from fcnkit.segment.pictures import shares

    failed = 0
    with Behind(reading["workers"]) as behind, progress("Segmenting", len(paths), processes) as bar:
        for path, image, prediction, error in segment_files(run, paths, **reading):
            if error is not None:
                failed += 1
                bar.say(f"Error: {in_options(str(error), command)}")
            elif image is not None and prediction is not None:
                behind(results.write, path, image, prediction)
                if len(paths) == 1 and processes.world == 1:
                    found = ", ".join(f"{names[label]} {share:.1%}" for label, share in shares(prediction.labels))
                    click.echo(f"{path}: {found}")
            bar.advance()
    return failed


def _images(number: int) -> str:
    return "image" if number == 1 else "images"
