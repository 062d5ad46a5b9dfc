"""The report of fcnkit convert."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fcnkit.caffe.data import pixels_in_words
from fcnkit.errors import printable

if TYPE_CHECKING:
    from fcnkit.net import CaffeNet
    from fcnkit.simplification.rewrites import Simplified


def summary(
    net: CaffeNet, source: Path, outputs: Sequence[Path], prototxt: Path | None, report: Simplified | None
) -> str:
    """What was converted, how it was simplified, and the lines of Python that load it."""
    definition = net.definition()
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
    if report:
        lines += _simplified(report)
    lines += ["Load it:", *(f"  {line}" for line in _loading(outputs, prototxt))]
    return "\n".join(map(printable, lines))


def _simplified(report: Simplified) -> list[str]:
    lines = [f"  {change.what}: {', '.join(change.layers)}" for change in report.changes]
    for what, (before, after) in (("parameters", report.parameters), ("multiply-adds", report.multiply_adds)):
        lines.append(f"  {what}: {before:,} -> {after:,} (-{(before - after) / max(before, 1):.1%})")
    return ["Simplified:", *lines]


def _loading(outputs: Sequence[Path], prototxt: Path | None) -> list[str]:
    """The Python that loads the first of the outputs."""
    suffix = outputs[0].suffix.lower()
    if suffix == ".prototxt":
        return ["import fcnkit", f"net = fcnkit.convert(None, prototxt={str(outputs[0])!r})"]
    if suffix in (".py", ".onnx", ".pt2"):
        return _loading_elsewhere(outputs[0])
    call = f"fcnkit.load({str(outputs[0])!r}"
    if suffix not in (".safetensors", ".caffemodel"):
        definition = prototxt or next((path for path in outputs if path.suffix.lower() == ".prototxt"), None)
        call += f", prototxt={str(definition)!r}" if definition else ", prototxt=...  # the net's definition"
    return ["import fcnkit", f"net = {call})"]


def _loading_elsewhere(output: Path) -> list[str]:
    """The Python that loads what fcnkit only writes."""
    if output.suffix.lower() == ".onnx":
        return ["import onnxruntime", f"net = onnxruntime.InferenceSession({str(output)!r})"]
    if output.suffix.lower() == ".pt2":
        return ["import torch", f"net = torch.export.load({str(output)!r}).module()"]
    name = re.findall(r"^class (\w+)", output.read_text(encoding="utf-8"), re.MULTILINE)[-1]
    return [f"from {output.stem} import {name}", f"net = {name}()"]


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
