"""The memory that a net's blobs take, and that a machine has left."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from fcnkit.aliases import Pair, Shape
from fcnkit.net import CaffeNet

_FLOAT = 4
# Where the operating system does not report what is left.
_UNKNOWN = 8 * 2**30


class Memory(NamedTuple):
    """A number of bytes, and its origin in words for messages."""

    bytes: int
    origin: str


def budget(given: int | None, device: torch.device) -> Memory:
    """The memory that blobs may take: as given, else half of what the device has left.

    Args:
        given: the number of bytes, or None.
        device: where the net runs.
    """
    if given is not None:
        return Memory(given, "as given")
    left = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else _left()
    return Memory(left // 2, "half of what is free")


def _left() -> int:
    """The bytes that this process can still allocate on Linux, by the system's count and its control group's limit."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        found.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return max(min(found, default=_UNKNOWN), 0)


@torch.inference_mode()
def sizes(net: CaffeNet, size: Pair, fast: bool = False) -> tuple[dict[str, Shape], int]:
    """The shapes of a net's outputs and the bytes of its blobs for one image, at the layer where they are most.

    The net runs on an empty batch, which takes no time. While a layer runs, its bottoms, its tops and all blobs that a
    later layer reads are in memory. PyTorch copies the larger of a layer's blobs into a layout of its own; prepared
    weights work on one layout throughout.

    Args:
        net: a net of one image.
        size: (height, width) of the image.
        fast: the net runs with prepared weights (see `fcnkit.fast`).

    Returns:
        The outputs' shapes (1, channels, height, width) by name, and the largest sum, in bytes.

    Raises:
        InputError: a layer cannot work with the size.
    """
    [name] = net.inputs
    like = next(net.parameters(), torch.empty(0))
    image = torch.empty(0, net.shapes[name][1], *size, device=like.device, dtype=like.dtype)
    live, most, shapes = {name: _values(image)}, 0, {}
    for step, tops in net.walk(image):
        made = dict(zip(step.tops, tops, strict=True))
        copied = 0 if fast else max(*(live[bottom] for bottom in step.bottoms), *map(_values, made.values()), 0)
        most = max(most, sum(live.values()) + sum(map(_values, made.values())) + copied)
        live.update({top: _values(blob) for top, blob in made.items()})
        shapes.update({top: (1, *blob.shape[1:]) for top, blob in made.items() if top in net.outputs})
        for free in step.free:
            live.pop(free, None)
    return shapes, most * _FLOAT


def _values(blob: Tensor) -> int:
    return math.prod(blob.shape[1:])
