"""PyTorch's exported programs, for torch.export.load and the compilers that use it."""

from __future__ import annotations

import io
import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch.export import ExportedProgram

from fcnkit.aliases import AnyPath
from fcnkit.caffe.preprocessing import to_json
from fcnkit.errors import FileFormatError
from fcnkit.export import from_program
from fcnkit.export.archive import read_program
from fcnkit.formats.export import export
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions

_LONGEST_NAME = 200


def save(net: CaffeNet, path: Path) -> None:
    """Write the traced net to path, with definition, preprocessing and names as extra files.

    A weight keeps its name from the net's state dict if the name consists of identifiers. Loading a .pt2 writes these
    names into code and executes it, so weights of layers with other names are stored under `layer_0` and so on. The
    extra file `names` maps each of these to its name in the net, as JSON.

    Raises:
        OutputError: a layer cannot be traced.
    """
    program, names = export(net, ".pt2", _with_names)
    extra = {
        "prototxt": net.prototxt,
        "preprocessing": to_json(net.preprocessing),
        "names": json.dumps(names),
    }
    with path.open("wb") as file:
        patient = _Patient(file)
        torch.export.save(program, patient, extra_files=extra)
    if patient.error:
        raise patient.error


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Convert the program in the file to a net. No code in the file is run."""
    if options.given is not None:
        raise FileFormatError(f"is a program, which is converted to a definition; leave `{options.by}` out")
    # Whoever writes the net for the target checks it again, since it may have been changed.
    net = from_program(read_program(Path(path)), target=options.target, remarks=False)
    net.source = Path(path)
    return net


def _with_names(program: ExportedProgram, paths: Mapping[str, str]) -> tuple[ExportedProgram, dict[str, str]]:
    """The traced net, with the net's own names restored where they are harmless; and the names that are not."""

    def name(weight: str | None) -> str | None:
        module, _, part = (weight or "").rpartition(".")
        return f"{paths[module]}.{part}" if module in paths and _is_harmless(paths[module]) else weight

    for spec in program.graph_signature.input_specs:
        spec.target = name(spec.target)
    for tensors in (program.state_dict, program.constants):
        renamed = {name(weight): tensor for weight, tensor in tensors.items()}
        tensors.clear()
        tensors.update(renamed)
    return program, {module: path for module, path in paths.items() if not _is_harmless(path)}


def _is_harmless(path: str) -> bool:
    """Whether a module's path is safe in code: each part is an identifier or a number."""
    return len(path) <= _LONGEST_NAME and all(
        re.fullmatch(r"[A-Za-z0-9_]+", part) and not keyword.iskeyword(part) for part in path.split(".")
    )


class _Patient(io.BytesIO):
    """A file that reports a full disk only at the end: torch's writer ends the process if a write fails."""

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
