"""PyTorch's exported programs, for torch.export.load and all that compiles from there."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch.export import ExportedProgram

from fcnkit.formats.export import export
from fcnkit.net import CaffeNet


def save(net: CaffeNet, path: Path) -> None:
    """Write the traced net to path, with definition and preprocessing as extra files.

    Raises:
        OutputError: a layer cannot be traced.
    """
    program: ExportedProgram = export(net, ".pt2", lambda traced: traced)
    extra = {"prototxt": net.prototxt, "preprocessing": json.dumps(net.preprocessing)}
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files=extra)
