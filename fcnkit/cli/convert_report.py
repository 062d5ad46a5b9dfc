"""The report of fcnkit convert."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fcnkit.caffe.preprocessing import pixels_in_words
from fcnkit.errors import printable

if TYPE_CHECKING:
    from fcnkit.formats.format import Format
    from fcnkit.net import CaffeNet
    from fcnkit.simplification.rewrites import Simplified


def summary(
    net: CaffeNet,
    source: Path,
    outputs: Mapping[Path, Format],
    prototxt: Path | None,
    report: Simplified | None,
    nothing: str = "",
) -> str:
    """The report: the conversion, the simplifications or `nothing`, and the lines of Python that load the result."""
    from fcnkit.inspect.summary import layered

    definition = layered(net)
    lines = [
        f"{source} -> {', '.join(map(str, outputs))}",
        f"  net     {definition.name or 'unnamed'}: {len(definition.layer)} layers,"
        f" {sum(p.numel() for p in net.parameters()):,} parameters",
    ]
    for name in net.inputs:
        lines.append(f"  input   {name} {_times(net.shapes[name])}" + pixels_in_words(net.preprocessing.get(name)))
    lines += [f"  output  {name} {_times(net.shapes[name])}" for name in net.outputs]
    if net.unused:
        lines.append(f"  unused  weights of {', '.join(net.unused)}")
    lines += [f"  remark  {remark}" for remark in net.remarks]
    if report:
        lines += _simplified(report, nothing)
    lines += ["Load it:", *(f"  {line}" for line in _loading(outputs, prototxt))]
    return "\n".join(map(printable, lines))


def _simplified(report: Simplified, nothing: str) -> list[str]:
    if not report.changes:
        return [nothing]
    lines = [f"  {change.what}: {', '.join(change.layers)}" for change in report.changes]
    for what, (before, after) in (("parameters", report.parameters), ("multiply-adds", report.multiply_adds)):
        change = f" -> {after:,} (-{(before - after) / before:.1%})" if after != before else ", as before"
        lines.append(f"  {what}: {before:,}{change}")
    return ["Simplified:", *lines]


def _loading(outputs: Mapping[Path, Format], prototxt: Path | None) -> list[str]:
    """The Python code that loads the first of the outputs."""
    from fcnkit.formats.format import Holds

    path, of = next(iter(outputs.items()))
    definition = next((path for path, each in outputs.items() if each.holds is Holds.DEFINITION), None)
    return of.loading(path, prototxt or definition)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
