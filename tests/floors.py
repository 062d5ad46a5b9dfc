"""The rooms of the house, from the ground up: a room may import only rooms below it, and itself.

CONTRIBUTING.md shows this table; a test compares.
"""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """A module or folder of the package: what lives there, and whether importing it imports torch."""

    name: str
    holds: str
    torch: bool


FLOORS = [
    [Room("aliases", "the types that all rooms share: paths, shapes, pairs", False)],
    [Room("errors", "the one family of errors", False)],
    [
        Room("files", "files written whole or not at all", False),
        Room("mapped", "files mapped into memory", False),
        Room("resources", "where `templates/` and `proto/` lie", False),
        Room("palette", "colours of label maps, a public module", False),
    ],
    [Room("types/", "one record per layer type: everything that is known of it without torch", False)],
    [
        Room(
            "caffe/",
            "Caffe's files: messages, text, binary, HDF5, what a file is, old generations, phases, the net that runs, "
            "input shapes, forks",
            False,
        )
    ],
    [Room("geometry/", "coordinate maps, receptive fields, crop offsets, tiles, the same in words", False)],
    [Room("generation/", "templates filled in, the published nets as data, whole nets and solvers", False)],
    [
        Room("nn/", "the few modules PyTorch lacks: plain torch, knowing nothing of Caffe's files", True),
        Room("crf/", "dense conditional random fields and the lattice that they filter on: plain torch", True),
    ],
    [Room("layers/", "per layer type: how to build its module, how blobs map to tensors", True)],
    [Room("net/", "`CaffeNet`, its weights, conversion from Caffe's files", True)],
    [Room("export/", "PyTorch modules as nets: one rule per ATen operation", True)],
    [Room("formats/", "one module per file format", True)],
    [Room("inspect/", "summary, diff, verify, draw", True)],
    [Room("surgery/", "casting and transplanting weights", True)],
    [Room("simplification/", "rewriting a net so that it computes the same with less", True)],
    [Room("fast/", "running a net faster: prepared weights, and only the pixels that an image reaches", True)],
    [Room("segment/", "images to label maps, pictures and scores", True)],
    [Room("train/", "solvers, rates, data layers, snapshots and logs: training as Caffe trains", True)],
    [Room("__init__", "the public names, loaded on first use", False)],
    [Room("cli/", "one thin module per command; torch is imported inside commands only", False)],
    [Room("__main__", "`python -m fcnkit`", False)],
]


def table() -> str:
    """The table in Markdown."""
    rows = ["| floor | room | what lives there | torch? |", "|---|---|---|---|"]
    for floor, rooms in enumerate(FLOORS):
        rows += [f"| {floor} | `{room.name}` | {room.holds} | {'yes' if room.torch else 'no'} |" for room in rooms]
    return "\n".join(rows) + "\n"
