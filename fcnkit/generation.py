"""Caffe nets from the Jinja templates in `templates/`: the arithmetic here, the text there."""

from __future__ import annotations

from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from fcnkit.errors import DefinitionError
from fcnkit.resources import folder

# Caffe computes with 32-bit ints; this leaves room for a kernel of twice the factor.
LARGEST = 2**30 - 1


def deconvolution(
    factor: int, num_output: int = 21, name: str = "upsample", bottom: str = "score", top: str = "upscore"
) -> str:
    """One Deconvolution layer that upsamples bilinearly, channel by channel, to exactly factor times the size.

    Its weights are fixed: lr_mult and decay_mult are 0, and the bilinear filler makes them.

    Args:
        factor: whole, from 1 up.
        num_output: channels of the bottom and of the top; also the group, since Caffe's bilinear filler fills
            every pair of channels within a group.
        name, bottom, top: of the layer and its blobs.

    Returns:
        Prototxt, ending in a newline.

    Raises:
        DefinitionError: a number that is not whole or out of range; a name that Caffe could not hold.

    Source: BVLC/caffe include/caffe/filler.hpp, BilinearFiller, states the recipe.
    """
    factor, num_output = _positive("factor", factor), _positive("num_output", num_output)
    if bottom == top:
        raise DefinitionError(f"a Deconvolution cannot run in place on {bottom!r}; give the top another name")
    kernel = 2 * factor - factor % 2
    pad = factor // 2  # ceil((factor - 1) / 2)
    return _render(
        "deconvolution.prototxt.j2",
        name=name,
        bottom=bottom,
        top=top,
        channels=num_output,
        kernel=kernel,
        stride=factor,
        pad=pad,
    )


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
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def _positive(what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise DefinitionError(f"{what} is {value!r}; give a whole number from 1 to {LARGEST}")
    return value


def _render(template: str, **values: Any) -> str:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(folder("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = quote
    return environment.get_template(template).render(values)
