"""Counts how many published prototxts become a net, and groups the reasons of those that do not. Not run in CI.

    python -m tests.published FOLDER [--list] [--processes N]

FOLDER is searched for files that define a net; equal files count once. Each is built as it stands and, if that fails,
with each of five usual input shapes; a template also with a value for each placeholder, and a net whose Crops have two
readings with one of them. Nothing of the files is stored.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click

from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FcnkitError, PrototxtError, TemplateError, UnsupportedLayerError

SHAPES = ((1, 3, 224, 224), (1, 3, 300, 300), (1, 3, 512, 512), (1, 1, 28, 28), (1, 3, 227, 227))
CLASSES = 21
SHAPED, FILLED = "with an input shape", "with values for its placeholders"
CROPPED = "with a choice of its crops' offsets"
SUFFIXES = {".prototxt", ".pt", ".prototext", ".pbtxt", ".txt"}
# A net, not a solver or a table of labels.
NET = re.compile(rb"\blayers?\s*:?\s*\{")


class Tried(NamedTuple):
    """A file, how it became a net ("" if it did not), and the error that tells most."""

    path: Path
    how: str
    error: str


def files(folder: Path) -> Iterator[Path]:
    """The prototxts of nets in a folder, equal ones once."""
    seen = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            data = path.read_bytes()
            digest = hashlib.sha256(data).digest()
            if digest not in seen and NET.search(data) and sniff(path) in (FileKind.PROTOTXT, FileKind.TEXT):
                seen.add(digest)
                yield path


def tried(path: Path) -> Tried:
    """Build the net of a file; anything but an FcnkitError is a fault of fcnkit's and is named as such."""
    import torch

    from fcnkit.formats import load

    torch.set_num_threads(1)
    problem = ""
    attempts = ways()
    for how, options in attempts:
        try:
            load(path, untrained="leave", **options)
        except TemplateError as error:
            problem = str(error).removeprefix(f"{path}: ")
            if how == SHAPED and options["input_shape"] == SHAPES[-1]:
                attempts += [(FILLED, {**each, "values": stand_ins(error.names)}) for _, each in ways()]
        except FcnkitError as error:
            # An error that asks for a shape tells less than the one that a shape leads to.
            if not problem or "`input_shape`" in problem or "`values`" in problem:
                problem = str(error).removeprefix(f"{path}: ")
            if isinstance(error, UnsupportedLayerError | PrototxtError):
                break  # no shape changes that
            if "choose with `crop`" in problem and options == ways()[-1][1]:
                attempts += [(CROPPED, {**each, "crop": "derived"}) for _, each in ways()]
        except Exception as error:
            return Tried(path, "", f"FAULT {type(error).__name__}: {error}")
        else:
            return Tried(path, how, problem)
    return Tried(path, "", problem)


def ways() -> list[tuple[str, dict[str, Any]]]:
    """The ways a file is tried in, with a title for each."""
    return [("as it stands", {}), *((SHAPED, {"input_shape": shape}) for shape in SHAPES)]


def stand_ins(names: list[str]) -> dict[str, int]:
    """A value for each placeholder, as for 21 classes.

    cls3x is three times as many (chuanqi305/MobileNet-SSD gen.py).
    """
    times = {name: re.fullmatch(r"cls(\d)x", name) for name in names}
    return {name: CLASSES * (int(match[1]) if match else 1) for name, match in times.items()}


def reason(error: str) -> str:
    """An error without the names and numbers of one file."""
    kinds = re.findall(r"'[^']*' \((\S+?)\)(?=,|$)", error) if "unsupported layer" in error else []
    if kinds:
        return f"unsupported: {', '.join(sorted(set(kinds)))}"
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'|\"[^\"]*\"", "X", error))[:110]


# Errors of files that define no net which runs anywhere, by their kind.
NO_NET = {
    "data layers alone": r"no layer remains after data layers",
    "a piece of a net": r"is not a top of an earlier layer|the net has no input",
    "a template": r"the text is a template|in: [^,]*(\{\{|cls\dx)",
    "no prototxt: a patch, a log or merge markers": r"Expected identifier or number|missing ending quote",
}


def no_net(error: str) -> str:
    """The kind of a file that defines no net, by the error; "" for other files."""
    return next((kind for kind, pattern in NO_NET.items() if re.search(pattern, error)), "")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--list", "listed", is_flag=True, help="List each file that does not become a net, with its error.")
@click.option("--processes", type=int, default=2, show_default=True)
def main(folder: Path, listed: bool, processes: int) -> None:
    """Count the published nets in FOLDER that can be built."""
    with ProcessPoolExecutor(processes) as pool:
        results = list(pool.map(tried, files(folder), chunksize=8))
    for how, count in Counter(result.how for result in results).most_common():
        click.echo(f"{count:5} {how or 'not at all'}")
    click.echo(f"{len(results):5} files")
    failed = [result for result in results if not result.how]
    for kind, count in Counter(no_net(result.error) for result in failed).most_common():
        if kind:
            click.echo(f"{count:5} define no net: {kind}")
    for why, count in Counter(reason(result.error) for result in failed if not no_net(result.error)).most_common():
        click.echo(f"{count:5} {why}")
    for kind, count in missing_types(failed).most_common():
        click.echo(f"{count:5} files lack {kind}")
    for result in failed if listed else ():
        click.echo(f"{result.path.relative_to(folder)}: {result.error}")


def missing_types(failed: list[Tried]) -> Counter[str]:
    """The number of files that lack each layer type."""
    counts: Counter[str] = Counter()
    for result in failed:
        if "unsupported layer" in result.error:
            counts.update(set(re.findall(r"'[^']*' \((\S+?)\)(?=,|$)", result.error)))
    return counts


if __name__ == "__main__":
    main()
