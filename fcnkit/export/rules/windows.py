"""The fields of convolution_param for a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Sizes = Sequence[int]


def window(kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes) -> dict[str, Any]:
    """Fields of convolution_param. Readers differ on fields of two entries, so those are written as _h and _w."""
    settings: dict[str, Any] = {}
    for field, stem, values, default in (
        ("kernel_size", "kernel", kernel, 0),
        ("stride", "stride", stride, 1),
        ("pad", "pad", pad, 0),
    ):
        if len(set(values)) == 1:
            settings |= {field: [values[0]]} if values[0] != default else {}
        elif len(values) == 2:
            settings |= {f"{stem}_h": values[0], f"{stem}_w": values[1]}
        else:
            settings[field] = list(values)
    if set(dilation) != {1}:
        settings["dilation"] = list(dilation[:1] if len(set(dilation)) == 1 else dilation)
    return settings
