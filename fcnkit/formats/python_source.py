"""The source of modules, with the definitions that it needs from the same files."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class PythonSource(NamedTuple):
    """Import statements as linters sort them, torch last; definitions, each after those it needs; their names.

    The names are those that the statements bind and those that they use.
    """

    imports: list[str]
    definitions: list[str]
    names: set[str]


class Import(NamedTuple):
    """The object that a name refers to: a module, or with `part` a member of it."""

    module: str
    part: str = ""


def source_of(classes: Sequence[type], imported: dict[str, Import]) -> PythonSource:
    """The source of classes, of the bases and helpers in their files, and the imports of all these.

    Args:
        classes: in any order; each at the top level of its file.
        imported: further imports that are needed, by name.
    """
    imported, used = dict(imported), set()
    definitions: list[str] = []
    pending: dict[str, set[str]] = {}
    for each in classes:
        pending.setdefault(each.__module__, set()).add(each.__name__)
    for module in sorted(pending):
        used |= _collect(module, pending[module], imported, definitions)
    return PythonSource(_import_lines(imported), definitions, used | imported.keys())


def _collect(module: str, names: Iterable[str], imported: dict[str, Import], definitions: list[str]) -> set[str]:
    """Add to both the imports and definitions that names of a module need; returns all names that these use."""
    file = _File(module)
    places, used = file.needed(names)
    for name in sorted(used & file.imports.keys()):
        source, part = file.imports[name]
        if source.startswith("fcnkit."):
            # Not installed where the source will run: the helper is included.
            used |= _collect(source, [part], imported, definitions)
        else:
            imported[name] = file.imports[name]
    definitions += [each for each in map(file.definition, places) if each not in definitions]
    return used


class _File:
    """A Python file by its top-level statements."""

    def __init__(self, module: str):
        text = inspect.getsource(importlib.import_module(module))
        self.lines = text.splitlines()
        self.statements = ast.parse(text).body
        self.places: dict[str, int] = {}
        self.imports: dict[str, Import] = {}
        for place, node in enumerate(self.statements):
            if isinstance(node, ast.Import):
                self.imports.update({each.asname or each.name: Import(each.name) for each in node.names})
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                self.imports.update({each.asname or each.name: Import(module, each.name) for each in node.names})
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                self.places[node.name] = place
            else:
                names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
                self.places.update({each.id: place for each in names if isinstance(each.ctx, ast.Store)})

    def needed(self, names: Iterable[str]) -> tuple[list[int], set[str]]:
        """The indices of the statements that bind names and of their dependencies, and every name that these use."""
        pending, places, seen = list(names), set(), set()
        while pending:
            name = pending.pop()
            if name not in seen and name in self.places:
                places.add(self.places[name])
                pending += [n.id for n in ast.walk(self.statements[self.places[name]]) if isinstance(n, ast.Name)]
            seen.add(name)
        return sorted(places), seen

    def definition(self, place: int) -> str:
        """The text of a statement with the comments directly above it."""
        node = self.statements[place]
        start = node.lineno - 1
        while self.lines[start - 1].startswith("#"):
            start -= 1
        return "\n".join(self.lines[start : node.end_lineno])


def _import_lines(imported: dict[str, Import]) -> list[str]:
    lines: dict[tuple[bool, bool, str], str] = {}
    parts: dict[str, list[str]] = {}
    for name, (module, part) in imported.items():
        if part:
            parts.setdefault(module, []).append(part if part == name else f"{part} as {name}")
        else:
            line = f"import {module}" if module == name else f"import {module} as {name}"
            lines[_is_torch(module), False, module] = line
    for module, names in parts.items():
        # Classes first, as isort has them.
        listed = ", ".join(sorted(names, key=lambda name: (not name[0].isupper(), name)))
        lines[_is_torch(module), True, module] = f"from {module} import {listed}"
    return [lines[key] for key in sorted(lines)]


def _is_torch(module: str) -> bool:
    return module.split(".")[0] == "torch"
