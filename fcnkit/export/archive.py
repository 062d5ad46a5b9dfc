"""Exported programs read from .pt2 files, without running code from them.

Reading a .pt2, torch unpickles parts of it, resolves the operations that it names, and writes its names into code that
it executes. Each of these is checked first.

Source: pytorch/pytorch torch/export/pt2_archive/_package.py and torch/_export/serde/serialize.py.
"""

from __future__ import annotations

import io
import json
import keyword
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from fcnkit.errors import FileFormatError

# Keys under which a name stands that becomes part of code.
_NAMES = {"name", "parameter_name", "buffer_name", "tensor_constant_name", "custom_obj_name"}
# The members of an archive that are read. Others may be libraries, which torch would load and run.
_PLACE = re.compile(
    r"[^/]+/(models/[^/]+\.json|data/(weights|constants|sample_inputs)/[^/]+|(?P<extra>extra/.*)"
    r"|archive_format|archive_version|byteorder|version|\.data/[^/]+|\.format_version|\.storage_alignment)"
)
# The files of tensors that are not pickled.
_PLAIN = re.compile(r"(weight|tensor)_\d+")
_OPERATION = re.compile(r"torch\.ops\.aten\.\w+\.\w+|_operator\.getitem")


def read_program(path: Path) -> ExportedProgram:
    """The program in a .pt2 file.

    Raises:
        FileFormatError: the file is damaged, contains pickled code, or names that are not identifiers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                _check(member, archive)
        with _quietly():
            return torch.export.load(path)
    except FileFormatError as error:
        raise error.in_file(path) from None
    # Damage makes zipfile and torch raise nearly anything.
    except Exception as error:
        problem = next(iter(str(error).splitlines()), type(error).__name__)
        raise FileFormatError(f"cannot be read as an exported program: {problem}").in_file(path) from None


def _check(member: str, archive: zipfile.ZipFile) -> None:
    place = _PLACE.fullmatch(member)
    if place is None:
        raise FileFormatError(f"contains {member!r}, which is not read; export the module with torch.export.save")
    if place["extra"] is not None:
        return
    if member.endswith(".json"):
        content = json.loads(archive.read(member))
        for key, value in _fields(content):
            _check_field(key, value)
        for name, entry in content.get("config", {}).items():
            _check_field("name", name)
            if entry.get("use_pickle") or not _PLAIN.fullmatch(entry.get("path_name", "")):
                raise FileFormatError("contains pickled objects, which are not read; export the module with tensors")
    elif member.endswith(".pt"):
        try:
            torch.load(io.BytesIO(archive.read(member)), weights_only=True)
        except Exception:
            problem = f"contains pickled code in {member!r}, which is not run; export the module with tensors"
            raise FileFormatError(problem) from None


def _check_field(key: str, value: str) -> None:
    if key in _NAMES and not all(
        re.fullmatch(r"\w*", part) and not keyword.iskeyword(part) for part in value.split(".")
    ):
        raise FileFormatError(f"has the name {value!r}; only names of letters, digits and underscores are read")
    if key == "target" and not _OPERATION.fullmatch(value):
        raise FileFormatError(f"contains {value!r}, which is not an ATen operation")


def _fields(content: Any) -> Iterator[tuple[str, str]]:
    """All strings in a JSON document with their keys, metadata aside, which torch only carries along."""
    entries = content.items() if isinstance(content, dict) else ()
    for key, value in entries:
        if isinstance(value, str):
            yield key, value
        elif key != "metadata":
            yield from _fields(value)
    for value in content if isinstance(content, list) else ():
        yield from _fields(value)


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress what torch reports beside the errors that it raises."""
    log = logging.getLogger("torch.export")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
