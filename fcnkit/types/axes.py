"""The axis that a layer works along."""

from __future__ import annotations

from typing import Any

# Of blobs of four axes.
CHANNELS = (1, -3)


def along_channels(param: Any, old: str = "") -> bool:
    """Whether a layer works along the channels.

    Args:
        param: the layer's settings, with a field `axis`.
        old: the older field for the axis, which `axis` replaced; "" if there was none.
    """
    return (getattr(param, old) if old and param.HasField(old) else param.axis) in CHANNELS
