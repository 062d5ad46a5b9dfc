"""Pictures of nets: self-contained SVG and HTML, PNG, and DOT for Graphviz."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import InputError, OutputError
from fcnkit.generation.rendering import environment, render
from fcnkit.geometry.report import pair
from fcnkit.inspect.diagram import LABEL_LETTER, LINE, PADDING, Box, Diagram, Link, diagram, printable, shown
from fcnkit.inspect.placement import MARGIN, Edge, Layout, arrange
from fcnkit.inspect.summary import LayerSummary, in_words
from fcnkit.net import CaffeNet

# Of the legend: the width of a colour or line, and the least width of a picture with it.
_SAMPLE, _LEAST = 24, 300
# The most pixels of a .png file: 1 GB while it is drawn.
_MOST_PIXELS = 256_000_000
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
# What the legend calls the kinds of boxes and lines.
_BOXES = {
    "input": "input",
    "filter": "filters",
    "up": "upsampling",
    "pool": "pooling",
    "fuse": "fusion",
    "plain": "other layer",
    "out": "output",
}
_LINES = {"next": "blob", "skip": "skip", "reference": "only the size is read"}


def svg(net: CaffeNet) -> str:
    """The net as an SVG picture."""
    return _svg(diagram(net), _title(net))


def _title(net: CaffeNet) -> str:
    return shown(net.definition().name or "unnamed net")


def _svg(drawn: Diagram, title: str) -> str:
    boxes = drawn.boxes
    edges = [Edge(link.tail, link.head, boxes[link.tail].tops.index(link.blob), link.reference) for link in drawn.links]
    place = arrange([box.size for box in boxes], [len(box.tops) for box in boxes], edges)
    kinds = [_kind(link, way) for link, way in zip(drawn.links, place.ways, strict=True)]
    wide = max(place.width, _LEAST)
    legend, above = _legend(boxes, kinds, wide)
    place = place.lowered(above)
    bottoms = [y + box.size[1] for box, (_, y) in zip(boxes, place.corners, strict=True)]
    width, height = f"{wide:.0f}", f"{place.height:.0f}"
    links = zip(drawn.links, place.ways, kinds, strict=True)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        *legend,
        *(_svg_link(link, way, kind, bottoms[link.tail], boxes) for link, way, kind in links),
        *(line for number, box in enumerate(boxes) for line in _svg_box(box, number, place)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _kind(link: Link, way: Sequence[tuple[float, float]]) -> str:
    return "reference" if link.reference else "skip" if len(way) > 2 * _NEAR else "next"


def _legend(boxes: Sequence[Box], kinds: Sequence[str], width: float) -> tuple[list[str], float]:
    """The legend of the boxes and lines that occur, in rows of at most this width, and its height."""
    found = {box.kind for box in boxes} | {"out" for box in boxes if box.out}
    x, y, lines = MARGIN, MARGIN, []
    for kind, words in (_BOXES | _LINES).items():
        if kind not in found and kind not in kinds:
            continue
        step = _SAMPLE + 6 + len(words) * LABEL_LETTER + PADDING
        if x + step > width and x > MARGIN:
            x, y = MARGIN, y + LINE + 4
        if kind in _BOXES:
            colours = "plain out" if kind == "out" else kind
            lines.append(f'<rect class="key {colours}" x="{x:.1f}" y="{y:.1f}" width="{_SAMPLE}" height="12" rx="3"/>')
        else:
            lines.append(
                f'<line class="{kind}" x1="{x:.1f}" y1="{y + 6:.1f}" x2="{x + _SAMPLE:.1f}" y2="{y + 6:.1f}"/>'
            )
        lines.append(f'<text class="key" x="{x + _SAMPLE + 6:.1f}" y="{y + 10:.1f}">{words}</text>')
        x += step
    return lines, y + LINE - MARGIN / 2


def _style() -> str:
    boxes = "".join(f".{kind} rect,rect.{kind}{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in _COLORS.items())
    return (
        ".ground{fill:#fff}text{font:12px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#222}"
        f".name{{font-weight:bold}}.shape,.key{{font-size:10.5px;fill:#555}}{boxes}.out rect,rect.out{{stroke-width:3}}"
        "path,line{fill:none;stroke:#8a8a8a;stroke-width:1.5}.skip{stroke:#d9480f;stroke-width:2.5}"
        ".reference{stroke:#888;stroke-width:1.2;stroke-dasharray:5 4}"
    )


def _svg_link(link: Link, way: Sequence[tuple[float, float]], kind: str, start: float, boxes: Sequence[Box]) -> str:
    """A path from its box's bottom, start: a curve between rows and a straight line through them."""
    steps = [f"M{way[0][0]:.1f} {start:.1f}"]
    for (x, y), (to_x, to_y) in zip(way[::2], way[1::2], strict=True):
        middle = (y + to_y) / 2
        steps.append(f"L{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
    told = f"{shown(link.blob)}: {boxes[link.tail].label(link.blob)}"
    return f'<path class="{kind}" d="{"".join(steps)}"><title>{escape(told)}</title></path>'


def _svg_box(box: Box, number: int, place: Layout) -> Iterator[str]:
    (x, y), (width, height) = place.corners[number], box.size
    out = " out" if box.out else ""
    yield f'<g class="box {box.kind}{out}" data-box="{number}" id="box-{number}">'
    yield f"<title>{escape(', '.join(printable(row.name) for row in box.rows))}</title>"
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>'
    for index, line in enumerate(box.lines):
        name = ' class="name"' if index == 0 else ""
        at = y + PADDING / 2 + (index + 0.75) * LINE
        yield f'<text{name} x="{x + width / 2:.1f}" y="{at:.1f}" text-anchor="middle">{escape(line)}</text>'
    for top, port in zip(box.tops, place.ports[number], strict=True):
        at = y + height - PADDING / 2 - 0.25 * LINE
        yield f'<text class="shape" x="{port:.1f}" y="{at:.1f}" text-anchor="middle">{escape(box.label(top))}</text>'
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
    words = [("type", row.type), *(("bottom", printable(bottom)) for bottom in row.bottoms)]
    words += [("top", f"{printable(top)}: {in_words(shape)}") for top, shape in row.tops.items()]
    words += [("parameters", f"{row.parameters:,}"), ("multiply-adds", f"{row.multiply_adds:,}")]
    for name, lengths in (("receptive field", row.receptive_field), ("stride", row.stride)):
        if lengths is not None:
            words.append((name, pair(lengths)))
    return {"name": printable(row.name), "words": words, "prototxt": prototxt.to_text(layer)}


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


def png(net: CaffeNet) -> bytes:
    """The picture in pixels: two for each of the SVG's, or one for nets so large that this would take too many.

    Raises:
        InputError: the net is too large for a picture of pixels.
    """
    from resvg_py import svg_to_bytes

    picture = svg(net)
    width, height = map(int, re.findall(r'(?:width|height)="(\d+)"', picture)[:2])
    zoom = 2 if 4 * width * height <= _MOST_PIXELS else 1
    if width * height > _MOST_PIXELS:
        raise InputError(f"the picture has {width} x {height} pixels, too many for .png; write .svg or .html")
    return bytes(svg_to_bytes(svg_string=picture, zoom=zoom))


# By the suffix of the file.
PICTURES: dict[str, Callable[[CaffeNet], str | bytes]] = {".svg": svg, ".html": html, ".dot": dot, ".png": png}


def check_picture(path: AnyPath) -> None:
    """Check, before any work is done, that a picture can be written.

    Raises:
        OutputError: the suffix names no picture format.
        InputError: resvg is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURES:
        raise OutputError(f"has no suffix of a known picture format; known are {', '.join(PICTURES)}").in_file(path)
    if suffix == ".png" and find_spec("resvg_py") is None:
        raise InputError("a .png file needs resvg_py: pip install 'fcnkit[png]'").in_file(path)
