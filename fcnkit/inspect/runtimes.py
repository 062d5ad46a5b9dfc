"""Other programs that run Caffe's nets, if they are installed: Caffe itself, OpenCV, ONNX Runtime."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcnkit import formats
from fcnkit.caffe import prototxt, wire
from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import FcnkitError
from fcnkit.net import CaffeNet
from fcnkit.types.affine import AXPY
from fcnkit.types.detection import DETECTION_OUTPUT
from fcnkit.types.priors import PRIOR_BOX

Arrays = Mapping[str, np.ndarray]
# The tops that a runtime computed, by layer; None for a top that the runtime does not expose.
Tops = dict[str, Sequence[np.ndarray | None]]

# Numbers from onnx/onnx.proto: ModelProto.graph, GraphProto.node and output, NodeProto.output, ValueInfoProto.name.
_GRAPH, _NODE, _GRAPH_OUTPUT, _NODE_OUTPUT, _NAME = 7, 1, 12, 2, 1


class RuntimeMissingError(FcnkitError):
    """A runtime is not installed; the message explains how to install one."""


class Job(NamedTuple):
    """The work for a runtime: the net, the file it was read from, its inputs by name, and a folder for files.

    The runtime adds to notes where the net was written for it in another way.
    """

    net: CaffeNet
    model: Path
    inputs: Arrays
    folder: Path
    notes: list[str]


class Runtime(NamedTuple):
    """A program: its Python module, and how to install it; run returns the tops that it computes for a job."""

    title: str
    module: str
    way: str
    run: Callable[[Any, Job], Tops]

    @property
    def installed(self) -> bool:
        spec = importlib.util.find_spec(self.module)
        return spec is not None and spec.origin is not None  # a folder that happens to be named caffe has none


def find(name: str | None) -> Runtime:
    """The runtime of this name, or the first that is installed.

    Raises:
        RuntimeMissingError: the runtime is not installed, or none is.
    """
    if name is None:
        found = next((runtime for runtime in RUNTIMES.values() if runtime.installed), None)
        if found is None:
            raise RuntimeMissingError(
                f"no runtime to verify against is installed; {RUNTIMES['opencv'].way} installs one,"
                " or give a dump of Caffe's blobs with `against`"
            )
        return found
    runtime = RUNTIMES[name]
    if not runtime.installed:
        raise RuntimeMissingError(f"{runtime.title} is not installed; {runtime.way} provides it")
    return runtime


def run(runtime: Runtime, job: Job) -> Tops:
    """Run the job.

    Raises:
        FcnkitError: the runtime fails; the message quotes the start of its error.
    """
    try:
        return runtime.run(importlib.import_module(runtime.module), job)
    except FcnkitError:
        raise
    except Exception as error:
        # Each runtime raises its own errors, which have no other common base class.
        words = " ".join(str(error).split()) or type(error).__name__
        raise FcnkitError(f"{runtime.title} cannot run the net: {words[:500]}") from error


def _caffe(caffe: Any, job: Job) -> Tops:
    definition, weights = _caffe_files(job)
    net = caffe.Net(str(definition), str(weights), caffe.TEST)
    for name, value in job.inputs.items():
        net.blobs[name].reshape(*value.shape)
        net.blobs[name].data[...] = value
    net.reshape()
    tops: Tops = {}
    for step in job.net.steps:
        # One layer at a time, because an in-place layer overwrites its bottom.
        net.forward(start=step.name, end=step.name)
        tops[step.name] = [np.array(net.blobs[top].data) for top in step.tops]
    return tops


def _opencv(cv2: Any, job: Job) -> Tops:
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise RuntimeMissingError(f"OpenCV {cv2.__version__} reads no Caffe files; {RUNTIMES['opencv'].way} installs 4")
    definition, weights = _caffe_files(job)
    own = prototxt.read(definition)
    job.notes.extend(_in_opencvs_form(own))
    definition.write_text(prototxt.to_text(own))
    net = cv2.dnn.readNetFromCaffe(str(definition), str(weights))
    # Fused layers have no intermediate values.
    net.enableFusion(False)
    for name, value in job.inputs.items():
        net.setInput(np.ascontiguousarray(value), name)
    known = set(net.getLayerNames())
    steps = [step for step in job.net.steps if step.name in known]
    found = net.forwardAndRetrieve([step.name for step in steps])
    # It keeps only the first top of a layer until the end, and overwrites the memory of others.
    return {step.name: [tops[0], *[None] * (len(step.tops) - 1)] for step, tops in zip(steps, found, strict=True)}


def _in_opencvs_form(net: NetParameter) -> Iterator[str]:
    """Write a net, in place, so that OpenCV computes what Caffe does in spite of its errors; yields each in words.

    Source: opencv/opencv (branch 4.x) modules/dnn/src/caffe/caffe_importer.cpp, Axpy, and
    modules/dnn/src/layers/prior_box_layer.cpp.
    """
    for layer in net.layer:
        if layer.type == AXPY.name and len(layer.bottom) == 3:
            layer.bottom[1:] = [layer.bottom[2], layer.bottom[1]]
            yield f"OpenCV exchanges the last two bottoms of Axpy, and got {layer.name!r} so"
        # Fields for which OpenCV has another default, or none.
        boxes, objects = layer.prior_box_param, layer.detection_output_param
        if layer.type == DETECTION_OUTPUT.name:
            objects.share_location = objects.share_location
            objects.background_label_id = objects.background_label_id
        if layer.type == PRIOR_BOX.name:
            boxes.clip, boxes.flip = boxes.clip, boxes.flip
            for sizes in (boxes.min_size, boxes.max_size):
                whole = [float(int(size)) for size in sizes]
                if whole != list(sizes):
                    sizes[:] = whole
                    yield f"Caffe cuts the sizes of PriorBox to whole pixels, and OpenCV got {layer.name!r} so"


def _onnxruntime(onnxruntime: Any, job: Job) -> Tops:
    path = job.folder / "net.onnx"
    if job.model.suffix.lower() == ".onnx":
        shutil.copyfile(job.model, path)
    else:
        formats.save(job.net, path)
    makers: dict[str, list[str]] = {}
    for step in job.net.steps:
        for top in step.tops:
            makers.setdefault(top, []).append(step.name)
    # ONNX names are unique: a blob that layers change in place has one name for each layer, which is unavailable here.
    single = {top for top, names in makers.items() if len(names) == 1}
    _let_out(path, single - set(job.net.outputs))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs() if output.name in makers]
    values = dict(zip(names, session.run(names, dict(job.inputs)), strict=True))
    return {
        step.name: [values.get(top) if makers[top][-1] == step.name else None for top in step.tops]
        for step in job.net.steps
    }


def _let_out(path: Path, names: set[str]) -> None:
    """Make intermediate values of an ONNX graph outputs of it.

    Protobuf merges concatenated messages, so the new outputs are appended to the unchanged file.
    """
    data = memoryview(path.read_bytes())
    made: set[str] = set()
    for graph in wire.fields(data, 0, len(data)):
        if graph.number == _GRAPH:
            for node in wire.fields(data, graph.start, graph.end):
                if node.number == _NODE:
                    made.update(
                        bytes(data[field.start : field.end]).decode()
                        for field in wire.fields(data, node.start, node.end)
                        if field.number == _NODE_OUTPUT
                    )
    outputs = b""
    for name in sorted(names & made):
        named = wire.header(_NAME, len(name.encode())) + name.encode()
        outputs += wire.header(_GRAPH_OUTPUT, len(named)) + named
    with path.open("ab") as file:
        file.write(wire.header(_GRAPH, len(outputs)) + outputs)


def _caffe_files(job: Job) -> tuple[Path, Path]:
    """The net's definition and its weights, as Caffe reads them."""
    definition, weights = job.folder / "net.prototxt", job.folder / "net.caffemodel"
    definition.write_text(job.net.prototxt)
    formats.save(job.net, weights)
    return definition, weights


# In search order.
RUNTIMES = {
    "caffe": Runtime("Caffe", "caffe", "building Caffe with its Python module (make pycaffe)", _caffe),
    "opencv": Runtime("OpenCV", "cv2", "pip install 'fcnkit[opencv]'", _opencv),
    "onnxruntime": Runtime("ONNX Runtime", "onnxruntime", "pip install 'fcnkit[onnxruntime]'", _onnxruntime),
}
