"""The definition alone, as Caffe reads it beside the weights."""

from __future__ import annotations

from pathlib import Path

from fcnkit.aliases import AnyPath
from fcnkit.caffe.prototxt import to_text
from fcnkit.errors import FileFormatError
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions, net_from_definition
from fcnkit.net.images import stated_definition


def save(net: CaffeNet, path: Path) -> None:
    """Write the definition to path; its Input layers state the mean and the scale of images."""
    stated = stated_definition(net)
    # The net's own text may have a fork's spellings.
    text = net.prototxt if stated == net.definition() else to_text(stated)
    path.write_bytes(text.encode())


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net that the file defines."""
    if options.given is not None:
        raise FileFormatError(f"is a prototxt itself; give weights in its place, or leave `{options.by}` out")
    return net_from_definition(path, options)
