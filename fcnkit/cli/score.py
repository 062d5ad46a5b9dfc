"""fcnkit score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcnkit.cli.model_options import PALETTE_HELP, largest_image, model_options, segmenter

if TYPE_CHECKING:
    from fcnkit.segment.parallel import Ranks
    from fcnkit.segment.scoring import Counts, Pair

EXAMPLES = """\b
Examples:
  fcnkit score predictions/ labels/
  fcnkit score predictions/ labels/ --classes 21 --list seg11valid.txt --json
  fcnkit score predictions/ labels/ --plot scores.png
  fcnkit score fcn8s.safetensors --images photos/ --labels labels/ --classes names.txt --batch 4
"""


@click.command(epilog=EXAMPLES)
@click.argument("first", type=click.Path(path_type=Path), metavar="PREDICTIONS|MODEL")
@click.argument("second", type=click.Path(path_type=Path), required=False, metavar="[LABELS]")
@click.option("--images", type=click.Path(path_type=Path), metavar="DIR", help="Images to segment with MODEL.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="DIR", help="Ground truth for --images.")
@click.option(
    "--list",
    "only",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Names of the images to score, one per line.",
)
@click.option(
    "--classes",
    metavar="N|NAMES",
    help="Number of classes, or their names as in fcnkit predict.  [default: those of MODEL, or as many as occur]",
)
@click.option(
    "--ignore", type=click.IntRange(0), default=255, show_default=True, help="Label of pixels that are not scored."
)
@click.option("--palette", type=click.Path(path_type=Path), metavar="FILE", help=PALETTE_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), metavar="FILE", help="Plot the scores into FILE.")
@click.option("--force", is_flag=True, help="Replace an existing plot.")
@model_options
def command(
    first: Path,
    second: Path | None,
    images: Path | None,
    labels: Path | None,
    only: Path | None,
    classes: str | None,
    ignore: int,
    palette: Path | None,
    as_json: bool,
    picture: Path | None,
    force: bool,
    batch: int,
    workers: int,
    max_pixels: int | None,
    **options: Any,
) -> None:
    """Score label maps, or a model, against ground truth: pixel accuracy, mean accuracy, mean IU, f.w. IU, IU by class.

    PREDICTIONS and LABELS are folders, patterns or .txt lists of label maps, which are matched by name. Label maps are
    indexed or grey images, masks in the palette's colours, or .mat files of SBD, SIFT Flow or NYUDv2. The white
    borders of masks are ignored; so are pixels of other colours, and their number is reported. With MODEL, images are
    segmented and scored in one pass, and no file is written.

    On several processes: torchrun --nproc-per-node 2 -m fcnkit score ...
    """
    if (images is None) != (labels is None) or (images is None) == (second is None):
        raise click.UsageError("give PREDICTIONS and LABELS, or MODEL with --images and --labels")
    from fcnkit.cli import score_tables as tables
    from fcnkit.files import check_output
    from fcnkit.segment import classes as class_names
    from fcnkit.segment.images import by_stem, find, read_lines, read_palette
    from fcnkit.segment.mat import MAT
    from fcnkit.segment.metrics import Scores
    from fcnkit.segment.parallel import ranks
    from fcnkit.segment.plot import check_plot, plot
    from fcnkit.segment.scoring import Scorer, add_up, partners

    if picture is not None:
        check_plot(picture)
        check_output(picture, force)
    names = None if classes is None else class_names.resolve(classes)
    with ranks() as processes:
        run = None if images is None else segmenter(first, **options)
        if run is not None:
            names = class_names.names_for(run.classes, classes)
        count = len(names) if names else None
        predicted, truth = (by_stem(find([p], [MAT])) for p in (images or first, labels or second or first))
        if images is not None and only is None:
            # A data set's folder of images contains more images than are labelled.
            unlabelled = [str(path) for stem, path in predicted.items() if stem not in truth]
            predicted = {stem: path for stem, path in predicted.items() if stem in truth}
            if unlabelled and processes.first:
                click.echo(_unscored(unlabelled), err=True)
        pairs = processes.share(partners(predicted, truth, None if only is None else read_lines(only)))
        scorer = Scorer(count, ignore, None if palette is None else read_palette(palette))
        reading = {"batch": batch, "workers": workers, "max_pixels": largest_image(max_pixels, options["tile"])}
        each = scorer.images(run, pairs, **reading) if run else scorer.files(pairs, workers)
        hist, ignored, unknown = add_up(_watched(each, pairs, processes), count, processes)
    if not processes.first:
        return
    if unknown:
        click.echo(f"{unknown} pixels have colours that are not in the palette and were ignored", err=True)
    scores = Scores(hist)
    names = names or class_names.by_count(len(hist))
    if picture is not None:
        plot(scores, names, picture, force)
    if as_json:
        import json

        click.echo(json.dumps({"classes": list(names), **scores.as_dict(), "ignored": ignored}))
    else:
        tables.show(scores, names)


def _unscored(images: Sequence[str]) -> str:
    some = ", ".join(map(repr, images[:5])) + ", ..." * (len(images) > 5)
    are = "1 image has no label map and is" if len(images) == 1 else f"{len(images)} images have no label map and are"
    return f"{are} not scored: {some}"


def _watched(each: Iterator[Counts], pairs: Sequence[Pair], processes: Ranks) -> Iterator[Counts]:
    from fcnkit.cli.progress import progress

    with progress("Scoring", len(pairs), processes) as bar:
        for counts in each:
            yield counts
            bar.advance()
