"""Render the templates in `templates/`: names are quoted, numbers are checked, errors give template and line."""

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
# Caffe computes with 32-bit ints; a kernel of twice the factor must fit.
LARGEST = 2**30 - 1


class TemplateError(DefinitionError):
    """A template cannot be rendered; the message gives the template and the line."""


def whole(what: str, value: Any, least: int = 1) -> int:
    """The value, if it is a whole number that Caffe can represent, else a DefinitionError that names it."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise DefinitionError(f"{what} is {value!r}; give a whole number from {least} to {LARGEST}")
    return value


def quote(name: str) -> str:
    """A name as a prototxt string; the templates write every name through this filter.

    Unprintable characters are written as octal escapes of their UTF-8 bytes.

    Raises:
        DefinitionError: the name is empty or is not Unicode text.
    """
    if not name:
        raise DefinitionError("the name of a layer or blob is empty; give it a name")
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
    """The environment that looks templates up: first in the caller's folder, if given, and then in fcnkit's own.

    It is sandboxed, because the author of a template folder need not be trusted.

    Raises:
        TemplateError: the folder does not exist.
    """
    if templates is None:
        return _environment(str(folder("templates")))
    if not Path(templates).is_dir():
        raise TemplateError("is not a folder of templates").in_file(templates)
    return _environment(str(templates), str(folder("templates")))


@lru_cache(maxsize=8)
def _environment(*folders: str) -> SandboxedEnvironment:
    # Cached with its compiled templates; Jinja checks whether their files have changed.
    sandbox = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sandbox.filters["quote"] = quote
    return sandbox


def render(environment: SandboxedEnvironment, template: str, values: Mapping[str, Any]) -> str:
    """Render a template and remove the blank lines that its layout leaves.

    Raises:
        TemplateError: it cannot be read, or fails while it is rendered.
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
    """The template and line of an error, and those of the templates that include it."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.name or template}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(SUFFIX)]
    return " from ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[::-1]) or template
