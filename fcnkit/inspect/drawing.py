"""Pictures of nets: self-contained SVG and HTML, and DOT for Graphviz."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter
from fcnkit.generation.rendering import environment, render
from fcnkit.geometry.report import pair
from fcnkit.inspect.placement import Edge, Layout, arrange
from fcnkit.inspect.summary import LayerSummary, in_words, summarize
from fcnkit.net import CaffeNet
from fcnkit.types import type_of
from fcnkit.types.looks import SIZE
from fcnkit.types.record import PLAIN

# Pixels: the height of a line, the width of a letter (of a wide font, to be safe), the space beside the text.
_LINE, _LETTER, _LABEL_LETTER, _PADDING = 16, 7.4, 6.4, 10
_LONGEST = 60
# A link that spans more rows than this is a skip.
_NEAR = 2
_COLORS = {  # fill and outline
    "input": ("#e3f4e3", "#3c8c3c"),
    "filter": ("#e2ecfa", "#3a6fb5"),
    "up": ("#fdebd3", "#c77d1a"),
    "pool": ("#fbe1e1", "#b94a48"),
    "fuse": ("#eadcf7", "#7a3fb0"),
    "plain": ("#f2f2f2", "#777777"),
}


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
        text = max(map(_letters, self.lines)) * _LETTER + 2 * _PADDING
        return max(text, sum(self.label_widths)), len(self.lines) * _LINE + _PADDING

    @property
    def label_widths(self) -> list[float]:
        return [len(self.label(top)) * _LABEL_LETTER for top in self.tops] if len(self.tops) > 1 else []

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
    for layer, row in zip(net.definition().layer, summarize(net).rows, strict=True):
        in_place = tuple(row.tops) == row.bottoms and len(row.bottoms) == 1
        if in_place and row.bottoms[0] not in read:
            box = boxes[makers[row.bottoms[0]]]
            box.rows.append(row)
            box.layers.append(layer)
            box.lines.append(shown(f"+ {row.name} ({row.type})"))
            continue
        axes = len(net.shapes[layer.bottom[0]]) - 2 if layer.bottom else 0
        record = type_of(layer)
        drawn, looks = (record.drawn, record.looks(layer)) if record is not None else (PLAIN, ())
        kind = drawn.kind if row.bottoms else "input"
        words = " ".join(filter(None, (row.type, ", ".join(drawn.words(layer, axes)))))
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
    text = _printable(text)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[: half - 1]}...{text[-half + 2 :]}"


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _letters(text: str) -> float:
    """The width of a text, in letters; some, such as Chinese ones, are wider."""
    return sum(1.7 if east_asian_width(letter) in "WF" else 1 for letter in text)


def svg(net: CaffeNet) -> str:
    """The net as an SVG picture."""
    return _svg(diagram(net), _title(net))


def _title(net: CaffeNet) -> str:
    return shown(net.definition().name or "unnamed net")


def _svg(drawn: Diagram, title: str) -> str:
    boxes = drawn.boxes
    edges = [Edge(link.tail, link.head, boxes[link.tail].tops.index(link.blob), link.reference) for link in drawn.links]
    place = arrange([box.size for box in boxes], [len(box.tops) for box in boxes], edges)
    bottoms = [y + box.size[1] for box, (_, y) in zip(boxes, place.corners, strict=True)]
    # The last label may reach beyond the last box.
    ends = [port + len(box.label(top)) * _LABEL_LETTER + _PADDING
            for box, ports in zip(boxes, place.ports, strict=True)
            for top, port in zip(box.tops, ports, strict=True)]  # fmt: skip
    width, height = f"{max(place.width, *ends):.0f}", f"{place.height:.0f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        *(_svg_link(link, way, bottoms[link.tail], boxes) for link, way in zip(drawn.links, place.ways, strict=True)),
        *(line for number, box in enumerate(boxes) for line in _svg_box(box, number, place)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _style() -> str:
    boxes = "".join(f".{kind} rect{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in _COLORS.items())
    return (
        ".ground{fill:#fff}text{font:12px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#222}"
        ".name{font-weight:bold}.shape{font-size:10.5px;fill:#555;stroke:#fff;stroke-width:3;paint-order:stroke}"
        f"{boxes}.out rect{{stroke-width:3}}"
        "path{fill:none;stroke:#8a8a8a;stroke-width:1.5}.skip{stroke:#d9480f;stroke-width:2.5}"
        ".reference{stroke:#aaa;stroke-width:1.2;stroke-dasharray:5 4}"
    )


def _svg_link(link: Link, way: Sequence[tuple[float, float]], start: float, boxes: Sequence[Box]) -> str:
    """A path from its box's bottom, start: a curve between rows and a straight line through them."""
    steps = [f"M{way[0][0]:.1f} {start:.1f}"]
    for (x, y), (to_x, to_y) in zip(way[::2], way[1::2], strict=True):
        middle = (y + to_y) / 2
        steps.append(f"L{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
    kind = "reference" if link.reference else "skip" if len(way) > 2 * _NEAR else "next"
    told = f"{shown(link.blob)}: {boxes[link.tail].label(link.blob)}"
    return f'<path class="{kind}" d="{"".join(steps)}"><title>{escape(told)}</title></path>'


def _svg_box(box: Box, number: int, place: Layout) -> Iterator[str]:
    (x, y), (width, height) = place.corners[number], box.size
    out = " out" if box.out else ""
    yield f'<g class="box {box.kind}{out}" data-box="{number}" id="box-{number}">'
    yield f"<title>{escape(', '.join(_printable(row.name) for row in box.rows))}</title>"
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>'
    for index, line in enumerate(box.lines):
        name = ' class="name"' if index == 0 else ""
        at = y + _PADDING / 2 + (index + 0.75) * _LINE
        yield f'<text{name} x="{x + width / 2:.1f}" y="{at:.1f}" text-anchor="middle">{escape(line)}</text>'
    for top, port in zip(box.tops, place.ports[number], strict=True):
        yield f'<text class="shape" x="{port + 4:.1f}" y="{y + height + 13:.1f}">{escape(box.label(top))}</text>'
    yield "</g>"


def html(net: CaffeNet) -> str:
    """The picture as a self-contained page that can be moved and enlarged; a click shows the details of a layer."""
    drawn, title = diagram(net), _title(net)
    details = [[_details(*each) for each in zip(box.rows, box.layers, strict=True)] for box in drawn.boxes]
    values = {
        "title": escape(title),
        "svg": _svg(drawn, title),
        # A "<" could end the element that contains this.
        "details": json.dumps(details).replace("<", "\\u003c"),
    }
    return render(environment(), "drawing.html.j2", values)


def _details(row: LayerSummary, layer: LayerParameter) -> dict[str, Any]:
    """The page's details of a layer: its name, lines of text, and its definition."""
    words = [("type", row.type), *(("bottom", _printable(bottom)) for bottom in row.bottoms)]
    words += [("top", f"{_printable(top)}: {in_words(shape)}") for top, shape in row.tops.items()]
    words += [("parameters", f"{row.parameters:,}"), ("multiply-adds", f"{row.multiply_adds:,}")]
    for name, lengths in (("receptive field", row.receptive_field), ("stride", row.stride)):
        if lengths is not None:
            words.append((name, pair(lengths)))
    return {"name": _printable(row.name), "words": words, "prototxt": prototxt.to_text(layer)}


def dot(net: CaffeNet) -> str:
    """The net in Graphviz's DOT language."""
    drawn = diagram(net)
    lines = [f"digraph {_quoted(_title(net))} {{", '  node [shape=box style="rounded,filled" fontname="sans-serif"]']
    lines.append('  edge [fontname="sans-serif" fontsize=10]')
    for number, box in enumerate(drawn.boxes):
        fill, line = _COLORS[box.kind]
        label, pen = "\\n".join(map(_escaped, box.lines)), " penwidth=3" if box.out else ""
        lines.append(f'  {number} [label="{label}" fillcolor="{fill}" color="{line}"{pen}]')
    for link in drawn.links:
        label = _quoted(drawn.boxes[link.tail].label(link.blob))
        lines.append(f"  {link.tail} -> {link.head} [label={label}{' style=dashed' if link.reference else ''}]")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# By the suffix of the file.
PICTURES: dict[str, Callable[[CaffeNet], str]] = {".svg": svg, ".html": html, ".dot": dot}
