"""The definition alone, as Caffe reads it beside the weights."""

from __future__ import annotations

from pathlib import Path

from fcnkit.net import CaffeNet


def save(net: CaffeNet, path: Path) -> None:
    """Write the definition to path."""
    path.write_bytes(net.prototxt.encode())
