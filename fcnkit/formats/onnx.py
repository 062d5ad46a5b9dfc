"""ONNX, with variable height and width."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from fcnkit.caffe.preprocessing import to_json
from fcnkit.errors import OutputError
from fcnkit.formats.export import export
from fcnkit.net import CaffeNet

# The size limit of a protobuf message.
_LARGEST = 2**31 - 1


def save(net: CaffeNet, path: Path) -> None:
    """Write the net to path, with definition and preprocessing in its metadata.

    Raises:
        OutputError: packages are missing, a layer has no counterpart, or the weights exceed the size limit of a file.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise OutputError(f"needs the packages {' and '.join(missing)}: pip install 'fcnkit[onnx]'")
    if sum(tensor.nbytes for tensor in net.state_dict().values()) > _LARGEST:
        raise OutputError(f"would be over {_LARGEST} bytes, which an ONNX file cannot be")

    model = export(net, ".onnx", lambda program, paths: _named(net, _onnx(program), paths))
    model.metadata_props.update(prototxt=net.prototxt, preprocessing=to_json(net.preprocessing))
    model.producer_name = "fcnkit"
    import onnx_ir

    path.write_bytes(onnx_ir.to_proto(model).SerializeToString())


def _onnx(program: ExportedProgram) -> Any:
    converted: Any = torch.onnx.export(program, dynamo=True, verbose=False)
    return converted.model


def _named(net: CaffeNet, model: Any, paths: Mapping[str, str]) -> Any:
    """The model, with inputs, outputs and weights named as in the net."""
    if not paths:
        return model  # a single layer
    graph = model.graph
    wanted = [*zip(graph.inputs, net.inputs, strict=True), *zip(graph.outputs, net.outputs, strict=True)]
    for value in graph.initializers.values():
        module, _, part = value.name.rpartition(".")
        if module in paths:
            wanted.append((value, f"{paths[module]}.{part}"))
    taken = {value.name for node in graph for value in node.outputs} - {value.name for value, _ in wanted}
    for number, (value, _) in enumerate(wanted):
        value.name = f"fcnkit {number}"  # a temporary name, so that the final names are free
    for value, name in wanted:
        while name in taken:
            name += "_"
        taken.add(name)
        value.name = name
    return model
