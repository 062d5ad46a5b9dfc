"""A net as boxes and links, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple
from unicodedata import east_asian_width

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.inspect.summary import LayerSummary, in_words, layered, summarize
from fcnkit.net import CaffeNet
from fcnkit.types import type_of
from fcnkit.types.looks import SIZE
from fcnkit.types.record import PLAIN

# Pixels: the height of a line, the width of a letter (of a wide font, to be safe), the space beside the text.
LINE, LETTER, LABEL_LETTER, PADDING = 16, 7.4, 6.4, 10
_LONGEST = 60


@dataclass
class Box:
    """A layer and the in-place layers on its top. tops are the blobs that leave it; out are those no layer reads."""

    rows: list[LayerSummary]
    layers: list[LayerParameter]
    kind: str
    lines: list[str]
    tops: list[str]
    out: set[str] = field(default_factory=set)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height: lines of text, and under them the shapes of the tops side by side, above their ports."""
        text = max(map(_letters, self.lines)) * LETTER
        shapes = max((len(self.label(top)) for top in self.tops), default=0) * LABEL_LETTER
        columns = len(self.tops) * (shapes + 2 * PADDING) - 2 * PADDING
        return max(text, columns) + 2 * PADDING, (len(self.lines) + bool(self.tops)) * LINE + PADDING

    def label(self, top: str) -> str:
        """The shape of a blob that leaves the box."""
        return next(in_words(row.tops[top]) for row in self.rows if top in row.tops)


class Link(NamedTuple):
    """A blob that one box passes to another; of a reference only the size is read."""

    tail: int
    head: int
    blob: str
    reference: bool


class Diagram(NamedTuple):
    boxes: list[Box]
    links: list[Link]


def diagram(net: CaffeNet) -> Diagram:
    """The net as boxes and links. An in-place layer is listed in the box whose top it changes, unless it was read."""
    boxes: list[Box] = []
    links: list[Link] = []
    makers: dict[str, int] = {}
    read: set[str] = set()
    for layer, row in zip(layered(net).layer, summarize(net).rows, strict=True):
        in_place = tuple(row.tops) == row.bottoms and len(row.bottoms) == 1
        if in_place and row.bottoms[0] not in read:
            box = boxes[makers[row.bottoms[0]]]
            box.rows.append(row)
            box.layers.append(layer)
            box.lines.append(shown(f"+ {row.name} ({row.type})"))
            continue
        shape: Shape = net.shapes[layer.bottom[0]] if layer.bottom else ()
        record = type_of(layer)
        drawn, looks = (record.drawn, record.looks(layer)) if record is not None else (PLAIN, ())
        kind = drawn.kind if row.bottoms else "input"
        words = " ".join(filter(None, (row.type, ", ".join(drawn.words(layer, shape)))))
        for bottom, look in zip_longest(row.bottoms, looks):
            links.append(Link(makers[bottom], len(boxes), bottom, look == SIZE))
            read.add(bottom)
        boxes.append(Box([row], [layer], kind, [shown(row.name), shown(words)], list(row.tops)))
        makers.update(dict.fromkeys(row.tops, len(boxes) - 1))
        read.difference_update(row.tops)
    for name in net.outputs:
        if name in makers:
            boxes[makers[name]].out.add(name)
    return Diagram(boxes, links)


def shown(text: str) -> str:
    """One line of text for drawing: unprintable text is shown as a literal, long text is cut in the middle."""
    text = printable(text)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[: half - 1]}...{text[-half + 2 :]}"


def printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _letters(text: str) -> float:
    """The width of a text, in letters; some, such as Chinese ones, are wider."""
    return sum(1.7 if east_asian_width(letter) in "WF" else 1 for letter in text)
