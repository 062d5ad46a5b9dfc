"""The Caffes, and the tools that read Caffe's files, that a net can be written for: one data file for each."""

from __future__ import annotations

from pathlib import Path

from fcnkit.errors import InputError, nearest
from fcnkit.export.targets.target import Target, read

__all__ = ["TARGETS", "Target", "find"]

# In the order of the documentation: Caffe itself, the tools for chips, then the other readers.
_NAMES = (
    "bvlc", "bvlc-1.0", "ascend", "nnie", "rknn", "horizon", "sophgo", "sigmastar", "tensorrt", "ncnn", "opencv",
)  # fmt: skip

TARGETS = {name: read(Path(__file__).with_name(f"{name}.toml")) for name in _NAMES}


def find(name: str | Target) -> Target:
    """A target by its name; a target itself is returned as it is.

    Raises:
        InputError: there is none of that name.
    """
    if isinstance(name, Target):
        return name
    if name not in TARGETS:
        name = str(name)
        raise InputError(f"unknown `target` {name!r}{nearest(name, TARGETS)}; the targets are {', '.join(TARGETS)}")
    return TARGETS[name]
