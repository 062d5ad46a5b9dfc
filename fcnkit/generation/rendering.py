"""Filling in the templates in `templates/`: names are quoted, numbers checked, errors say where."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from fcnkit.aliases import AnyPath
from fcnkit.errors import DefinitionError
from fcnkit.resources import folder

SUFFIX = ".prototxt.j2"
# Caffe computes with 32-bit ints; this leaves room for a kernel of twice the factor.
LARGEST = 2**30 - 1


class TemplateError(DefinitionError):
    """A template that cannot be used; says which, and where in it."""


def whole(what: str, value: Any, least: int = 1) -> int:
    """The value, if it is a whole number that Caffe could hold, else a DefinitionError that names it."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise DefinitionError(f"{what} is {value!r}; give a whole number from {least} to {LARGEST}")
    return value


def quote(name: str) -> str:
    """A name as a prototxt string: the one way by which names get into the text.

    Whatever does not print is written as the octal escapes of its UTF-8 bytes.

    Raises:
        DefinitionError: the name is empty or is not Unicode text.
    """
    if not name:
        raise DefinitionError("a layer or blob has an empty name; give it one")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DefinitionError(f"the name {name!r} is not Unicode text; give another") from None
    return '"' + "".join(_escape(character) for character in name) + '"'


def _escape(character: str) -> str:
    if character in "\"'\\":
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def environment(templates: AnyPath | None = None) -> SandboxedEnvironment:
    """Where templates are looked up: in the user's folder, if given, and then in fcnkit's own.

    It is sandboxed, since a folder of templates can be anyone's.

    Raises:
        TemplateError: there is no such folder.
    """
    if templates is None:
        return _environment(str(folder("templates")))
    if not Path(templates).is_dir():
        raise TemplateError("is not a folder of templates").in_file(templates)
    return _environment(str(templates), str(folder("templates")))


@lru_cache(maxsize=8)
def _environment(*folders: str) -> SandboxedEnvironment:
    # Kept, since it holds the templates compiled; Jinja looks whether their files have changed.
    sandbox = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sandbox.filters["quote"] = quote
    return sandbox


def render(environment: SandboxedEnvironment, template: str, values: Mapping[str, Any]) -> str:
    """Fill in a template, without the blank lines that its own layout leaves.

    Raises:
        TemplateError: it cannot be read, or does what cannot be done.
    """
    try:
        text = environment.get_template(template).render(values)
    except DefinitionError:
        raise
    except (
        jinja2.TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        problem = str(error) or type(error).__name__
        raise TemplateError(f"template {_place(error, template)}: {problem}") from None
    return re.sub(r"\n(\s*\n)+", "\n", text).strip("\n") + "\n"


def _place(error: Exception, template: str) -> str:
    """The template and line that an error comes from, and those that led there."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.name or template}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(SUFFIX)]
    return " from ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[::-1]) or template
