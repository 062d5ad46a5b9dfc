"""Types that all packages share."""

from __future__ import annotations

from os import PathLike

# A path, as a string or a path object.
AnyPath = str | PathLike[str]
# (height, width).
Pair = tuple[int, int]
# The sizes of a blob's axes.
Shape = tuple[int, ...]
