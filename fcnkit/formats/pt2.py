"""PyTorch's exported programs, for torch.export.load and all that compiles from there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import BinaryIO

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
        patient = _Patient(file)
        torch.export.save(program, patient, extra_files=extra)
    if patient.error:
        raise patient.error


class _Patient(io.BytesIO):
    """A file that tells of a full disk at the end: torch's writer ends the process if it hears of it on its way."""

    def __init__(self, file: BinaryIO):
        super().__init__()
        self.file = file
        self.error: OSError | None = None

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        try:
            if self.error is None:
                self.file.write(data)
        except OSError as error:
            self.error = error
        return len(data)
