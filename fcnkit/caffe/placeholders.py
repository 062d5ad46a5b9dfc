"""Placeholders of templates: names in a prototxt that a project replaces by values before Caffe reads it.

They are written as shells write variables (${NAME}, $NAME), as Jinja ({{ name }}), Python ({name}) or Collective
Knowledge ($#name#$) do, in angle brackets, or as a bare word where a number is due (the templates of
chuanqi305/MobileNet-SSD).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

from fcnkit.errors import ArgumentError, nearest

Values = Mapping[str, str | float]

_MARKED = r"\$\{(\w+)\}|\$#(\w+)#\$|\$([A-Za-z_]\w*)|\{\{ *(\w+) *\}\}|\{ *([A-Za-z_]\w*) *\}|<([A-Za-z_]\w*)>"
# The same outside of quotes and comments.
_OUTSIDE = re.compile(rf"""{_MARKED}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#[^\n]*""")
# How many images run at once is no property of a net (see `data.top_shape`).
_BATCH = re.compile(r"(\w+_)?batch_?size", re.IGNORECASE)
# Sizes for FlowNet are multiples of 64 pixels, for LiteFlowNet of 32.
_FLOW_STEP = 64


def filled(text: str, values: Values) -> str:
    """Text with values in place of the placeholders that have one; a batch size without one is 1."""
    bare = "|".join(map(re.escape, values))
    if bare:
        text = re.sub(rf"(:\s*)({bare})(?!\w)", lambda match: f"{match[1]}{values[match[2]]}", text)

    def value(match: re.Match[str]) -> str:
        name = _name(match)
        return str(values.get(name, 1 if _BATCH.fullmatch(name) else match[0]))

    return re.sub(_MARKED, value, text)


def check_names(text: str, values: Values) -> None:
    """Check that a text has a placeholder for each value.

    Raises:
        ArgumentError: it has none for one of them.
    """
    marked = {_name(match) for match in re.finditer(_MARKED, text)}
    for name in values:
        if name not in marked and not re.search(rf":\s*{re.escape(name)}(?!\w)", text):
            raise ArgumentError(f"`values`: the definition has no placeholder {name!r}{nearest(name, marked)}")


def names(text: str) -> list[str]:
    """The names of the marked placeholders outside of quotes and comments, each once."""
    return list(dict.fromkeys(_name(match) for match in _OUTSIDE.finditer(text) if match.lastindex))


def of_shape(shape: Sequence[int] | Mapping[str, Sequence[int]] | None) -> dict[str, int]:
    """Values for the names that templates give to the size of an image, by the shape of the first input.

    FlowNet's are for images of any size: they are scaled to the next multiples of 64 pixels, or in LiteFlowNet of 32,
    and the flow is scaled back. All agree where the size is such a multiple itself; for other sizes only its own names
    have values.

    Source: lmb-freiburg/flownet2 scripts/run-flownet.py; twhui/LiteFlowNet models/testing/test_batch.py;
    Boyiliee/AOD-Net test/test.py for height and width.
    """
    first = next(iter(shape.values()), None) if isinstance(shape, Mapping) else shape
    sizes = list(first) if isinstance(first, Iterable) else []
    # A shape that is none is an error where the inputs are set.
    if len(sizes) != 4 or not all(isinstance(size, Integral) for size in sizes):
        return {}
    height, width = map(int, sizes[2:])
    values = {"height": height, "width": width, "TARGET_HEIGHT": height, "TARGET_WIDTH": width}
    if height % _FLOW_STEP == width % _FLOW_STEP == 0:
        values |= {"ADAPTED_HEIGHT": height, "ADAPTED_WIDTH": width, "SCALE_HEIGHT": 1, "SCALE_WIDTH": 1}
    return values


def _name(match: re.Match[str]) -> str:
    return match[match.lastindex or 0]
