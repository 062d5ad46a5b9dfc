"""ONNX, with height and width left open."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from fcnkit.errors import OutputError
from fcnkit.formats.export import export
from fcnkit.net import CaffeNet

# A protobuf message holds no more.
_LARGEST = 2**31 - 1


def save(net: CaffeNet, path: Path) -> None:
    """Write the net to path, with definition and preprocessing among its metadata.

    Raises:
        OutputError: packages are missing, a layer has no counterpart, or the weights are more than a file can hold.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise OutputError(f"needs the packages {' and '.join(missing)}: pip install 'fcnkit[onnx]'")
    if sum(tensor.nbytes for tensor in net.state_dict().values()) > _LARGEST:
        raise OutputError(f"would be over {_LARGEST} bytes, which an ONNX file cannot be")

    def convert(program: ExportedProgram) -> Any:
        signature = program.graph_signature
        names: dict[str, Any] = {}
        if len(signature.user_inputs) == len(net.inputs) and len(signature.user_outputs) == len(net.outputs):
            names = {"input_names": net.inputs, "output_names": net.outputs}
        return torch.onnx.export(program, dynamo=True, verbose=False, **names)

    model = export(net, ".onnx", convert).model
    model.metadata_props.update(prototxt=net.prototxt, preprocessing=json.dumps(net.preprocessing))
    model.producer_name = "fcnkit"
    import onnx_ir

    path.write_bytes(onnx_ir.to_proto(model).SerializeToString())
