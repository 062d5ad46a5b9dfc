"""Nets beside other runtimes: errors are found and told, and every runtime's answers reach the right layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import FcnkitError, FileFormatError, InputError
from fcnkit.inspect import runtimes
from fcnkit.inspect.comparison import seeded_inputs
from fcnkit.inspect.kinds import detections_gap
from fcnkit.inspect.runtimes import RUNTIMES, Job, RuntimeMissingError
from fcnkit.inspect.verification import Verification, VerificationError, verify
from tests.paths import LAYERS

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2, 5, 7] } } }\n'
INPLACE = """layer { name: "power" type: "Power" bottom: "x" top: "p" power_param { scale: -2 } }
layer { name: "relu" type: "ReLU" bottom: "p" top: "p" }
layer { name: "abs" type: "AbsVal" bottom: "x" top: "a" }
layer { name: "sum" type: "Eltwise" bottom: "p" bottom: "a" top: "s" }
"""

# What fcnkit asks of Caffe's Python module, on top of fcnkit itself.
FAKE_CAFFE = """
import types
import numpy, torch, fcnkit
TEST = 1
class Net:
    def __init__(self, prototxt, weights, phase):
        assert phase == TEST
        self.net = fcnkit.convert(weights, prototxt, deploy=False)
        self.blobs = {name: Blob(shape) for name, shape in self.net.shapes.items()}
    def reshape(self):
        pass
    def forward(self, start, end):
        assert start == end
        step = next(step for step in self.net.steps if step.name == start)
        values = {name: torch.from_numpy(self.blobs[name].data) for name in step.bottoms}
        self.net._run(step, values)
        for name in step.tops:
            self.blobs[name].data = values[name].detach().numpy()
class Blob:
    def __init__(self, shape):
        self.reshape(*shape)
    def reshape(self, *shape):
        self.data = numpy.zeros(shape, numpy.float32)
"""


Fake = Callable[[str, str], None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a module of this name and text where it is found."""

    def put(name: str, text: str) -> None:
        folder = tmp_path / "modules"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(folder)
        # What is put in its place on import goes again in the end.
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]

    return put


@pytest.mark.parametrize("case", sorted(path.name for path in LAYERS.iterdir()))
def test_what_caffe_dumped_is_verified(case: str) -> None:
    folder = LAYERS / case
    weights = folder / "net.caffemodel"
    model, definition = (weights, folder / "net.prototxt") if weights.exists() else (folder / "net.prototxt", None)
    found = verify(model, str(folder / "blobs.npz"), definition)
    found.require(1e-5)
    assert found.against.endswith("blobs.npz")
    assert found.unseen == []


def test_a_dump_without_labels_is_enough_for_the_net_that_runs(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample, input_shape=(1, 3, 20, 30))
    image = seeded_inputs(net, 0)["data"]
    with torch.no_grad():
        score = net(image).numpy()
    dump = tmp_path / "blobs.npz"
    np.savez(dump, **{"in/data": image, "out/score": score, "out/loss": np.float32(1), "out/data": image})
    found = verify(sample, str(dump))
    assert [(each.layer, each.blob, each.gap.difference) for each in found.gaps] == [("score", "score", 0)]
    assert found.unseen == ["loss"]
    score[0, 2, 3, 4] += 1
    np.savez(dump, **{"in/data": image, "out/score": score, "out/pool5": np.zeros((1, 2, 3, 4), np.float32)})
    message = "blob 'pool5' of layer 'pool5' differs by inf, more than the tolerance 0.0001 of its largest value, 0; "
    with pytest.raises(VerificationError, match=message + "2 of 2 blobs do"):
        verify(sample, str(dump)).require(1e-4)


def test_opencv_agrees_on_every_layer_in_place_ones_too(sample: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    found = verify(sample, "opencv", input_shape=(1, 3, 30, 40))
    found.require(1e-4)
    assert (found.against, len(found.gaps), found.unseen) == ("OpenCV", 47, [])
    path = tmp_path / "net.prototxt"
    path.write_text(INPUT + INPLACE)
    assert [each.layer for each in verify(path, "opencv").gaps] == ["power", "relu", "abs", "sum"]


def test_a_net_that_another_runtime_runs_otherwise_is_caught(sample: Path, fake: Fake) -> None:
    loaded = "self.net = fcnkit.convert(weights, prototxt, deploy=False)\n"
    fake("caffe", FAKE_CAFFE.replace(loaded, loaded + "        self.net.conv3_2.bias.data[5] += 0.5\n"))
    found = verify(sample, "caffe", input_shape=(1, 3, 30, 40))
    with pytest.raises(VerificationError, match=r"blob 'conv3_2' of layer 'conv3_2' differs by 0.5"):
        found.require(1e-4)


def test_caffe_runs_layer_by_layer(sample: Path, fake: Fake) -> None:
    """As far as it can be tried without Caffe: the calls are those of its Python module."""
    fake("caffe", FAKE_CAFFE)
    found = verify(sample, input_shape=(1, 3, 20, 30))
    assert found.against == "Caffe"
    assert len(found.gaps) == 47
    found.require(0)


def test_onnx_runtime_lets_out_what_is_within_the_graph(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    node = onnx.helper.make_node
    nodes = [node("Mul", ["x", "minus_two"], ["p_"]), node("Relu", ["p_"], ["p"]), node("Abs", ["x"], ["a"]),
             node("Add", ["p", "a"], ["s"])]  # fmt: skip
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "net", [value("x", 1, [1, 2, 5, 7])], [value("s", 1, None)],
        [onnx.numpy_helper.from_array(np.float32(-2), "minus_two")],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "own.onnx")
    net = fcnkit.CaffeNet(INPUT + INPLACE)
    inputs = seeded_inputs(net, 0)
    folder = tmp_path / "folder"
    folder.mkdir()
    job = Job(net, tmp_path / "own.onnx", {name: value.numpy() for name, value in inputs.items()}, folder, [])
    tops = runtimes.run(RUNTIMES["onnxruntime"], job)
    blobs = net.forward_blobs(**inputs)
    # 'p' is changed in place, so which of the values it is nobody can say.
    assert {layer: [top is not None for top in made] for layer, made in tops.items()} == {
        "power": [False], "relu": [False], "abs": [True], "sum": [True]
    }  # fmt: skip
    assert np.array_equal(tops["abs"][0], blobs["a"])
    assert np.array_equal(tops["sum"][0], blobs["s"])


def test_onnx_runtime_agrees(sample: Path) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    found = verify(sample, "onnxruntime", input_shape=(1, 3, 30, 40))
    found.require(1e-4)
    assert found.gaps[-1].layer == "score"


def test_a_runtime_that_is_missing_is_told_with_a_way_to_get_it(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("caffe", "cv2", "onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    message = r"no runtime to verify against is installed; pip install 'fcnkit\[opencv\]' installs one, or give a dump "
    with pytest.raises(RuntimeMissingError, match=message + "of Caffe's blobs with `against`"):
        verify(sample)
    for name, message in {
        "caffe": r"Caffe is not installed; building Caffe with its Python module \(make pycaffe\) provides it",
        "opencv": r"OpenCV is not installed; pip install 'fcnkit\[opencv\]' provides it",
        "onnxruntime": r"ONNX Runtime is not installed; pip install 'fcnkit\[onnxruntime\]' provides it",
    }.items():
        with pytest.raises(RuntimeMissingError, match=message):
            verify(sample, name)


def test_runtimes_that_cannot(sample: Path, fake: Fake) -> None:
    fake("cv2", "__version__, dnn = '5.0.0', object()")
    with pytest.raises(RuntimeMissingError, match=r"OpenCV 5.0.0 reads no Caffe files; .* installs 4"):
        verify(sample, "opencv")
    fake("caffe", "TEST = 1\ndef Net(*arguments): raise RuntimeError('no\\n  such layer')")
    with pytest.raises(FcnkitError, match=r"shapes-fcn8s.caffemodel: Caffe cannot run the net: no such layer"):
        verify(sample, "caffe")


def test_files_that_cannot_be_verified(sample: Path, data: Path, tmp_path: Path) -> None:
    definition = data / "shapes" / "deploy.prototxt"
    with pytest.raises(FileFormatError, match="has no weights; give a file of weights, and this one"):
        verify(definition, "opencv")
    with pytest.raises(FileFormatError, match=r"none.npz: cannot be read: No such file or directory"):
        verify(sample, str(tmp_path / "none.npz"))
    (tmp_path / "text.npz").write_text("text")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    np.savez(tmp_path / "objects.npz", **{"out/a": np.array([object()])})
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(FileFormatError, match=r"objects.npz: cannot be read as a NumPy archive: Object arrays cannot"):
        verify(sample, str(tmp_path / "objects.npz"))
    for name in ("text.npz", "other.npz", "one.npy"):
        message = (
            rf"{name}: is not a dump of blobs, an .npz file with arrays 'in/NAME' and 'out/NAME', and not one of caffe"
        )
        with pytest.raises(FileFormatError, match=message):
            verify(sample, str(tmp_path / name))
    np.savez(tmp_path / "blobs.npz", **{"out/score": np.ones(3)})
    with pytest.raises(InputError, match=r"blobs.npz: has no array 'in/data', an input of the net"):
        verify(sample, str(tmp_path / "blobs.npz"))
    image = np.zeros((1, 3, 20, 30), np.float32)
    np.savez(tmp_path / "blobs.npz", **{"in/data": image, "out/unknown": np.ones(3)})
    with pytest.raises(InputError, match=r"no blob of the net is in .*blobs.npz, so nothing can be compared"):
        verify(sample, str(tmp_path / "blobs.npz"))


AXPY = (
    INPUT
    + """layer { name: "pool" type: "Pooling" bottom: "x" top: "a" pooling_param { pool: AVE global_pooling: true } }
layer { name: "abs" type: "AbsVal" bottom: "x" top: "y" }
layer { name: "axpy" type: "Axpy" bottom: "a" bottom: "x" bottom: "y" top: "z" }
layer { name: "last" type: "ReLU" bottom: "z" top: "r" }
"""
)
SLICED = (
    INPUT.replace("[1, 2, 5, 7]", "[1, 6, 5, 7]")
    + """
layer { name: "slice" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" slice_param { axis: 1 } }
layer { name: "relu" type: "ReLU" bottom: "b" top: "r" }
layer { name: "sigmoid" type: "Sigmoid" bottom: "r" top: "s" }
layer { name: "sum" type: "Eltwise" bottom: "s" bottom: "a" top: "t" }
layer { name: "last" type: "Eltwise" bottom: "t" bottom: "c" top: "u" }
"""
)
PRIORS = (
    INPUT
    + """layer { name: "image" type: "AbsVal" bottom: "x" top: "image" }
layer { name: "pool" type: "Pooling" bottom: "x" top: "map" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "priors" type: "PriorBox" bottom: "map" bottom: "image" top: "boxes"
        prior_box_param { min_size: 1.9 max_size: 3.2 aspect_ratio: 2 flip: true variance: 0.1 } }
"""
)


def verified(definition: str, folder: Path) -> Verification:
    pytest.importorskip("cv2")
    (folder / "net.prototxt").write_text(definition)
    found = verify(folder / "net.prototxt", "opencv")
    found.require(1e-4)
    return found


def test_opencvs_own_errors_are_not_the_nets(tmp_path: Path) -> None:
    found = verified(AXPY, tmp_path)
    assert [each.layer for each in found.gaps] == ["pool", "abs", "axpy", "last"]
    assert found.notes == ["OpenCV exchanges the last two bottoms of Axpy, and got 'axpy' so"]
    found = verified(SLICED, tmp_path)
    assert [each.blob for each in found.gaps] == ["a", "r", "s", "t", "u"]
    assert found.unseen == ["slice"]
    found = verified(PRIORS, tmp_path)
    assert [each.layer for each in found.gaps] == ["image", "pool", "priors"]
    assert found.notes == ["Caffe cuts the sizes of PriorBox to whole pixels, and OpenCV got 'priors' so"] * 2


def test_probabilities_are_compared_with_1(tmp_path: Path) -> None:
    """At sigmoid(-20), rounding in single precision is far from the largest value and near to nothing."""
    definition = (
        INPUT
        + """
        layer { name: "low" type: "Power" bottom: "x" top: "l" power_param { scale: 0 shift: -20 } }
        layer { name: "sigmoid" type: "Sigmoid" bottom: "l" top: "s" }
        layer { name: "flat" type: "Flatten" bottom: "s" top: "f" }
        layer { name: "power" type: "Power" bottom: "f" top: "p" power_param { scale: 2 } }
    """
    )
    (tmp_path / "net.prototxt").write_text(definition)
    net = fcnkit.load(tmp_path / "net.prototxt")
    inputs = seeded_inputs(net, 0)
    blobs = {name: blob.numpy() for name, blob in net.forward_blobs(**inputs).items()}
    dump = {"in/x": inputs["x"].numpy(), "out/s": 2 * blobs["s"], "out/f": 2 * blobs["f"], "out/p": blobs["p"]}
    np.savez(tmp_path / "dump.npz", **dump)
    found = verify(tmp_path / "net.prototxt", str(tmp_path / "dump.npz"))
    assert [(each.blob, each.gap.value == 1) for each in found.gaps] == [("s", True), ("f", True), ("p", False)]
    found.require(1e-8)
    np.savez(tmp_path / "dump.npz", **dump | {"out/f": blobs["f"] + 1e-3})
    with pytest.raises(VerificationError, match=r"blob 'f' of layer 'flat' differs by 0.001"):
        verify(tmp_path / "net.prototxt", str(tmp_path / "dump.npz")).require(1e-4)


def test_detections_are_matched(tmp_path: Path) -> None:
    """In any order among equals, and with rows of zeros, which OpenCV adds."""
    rows = torch.tensor([[0, 1, 0.9, 0.1, 0, 0.5, 0.5], [0, 1, 0.9, 0.25, 0, 0.5, 0.5], [0, 2, 0.4, 0, 0, 1, 1]])
    padded = torch.cat([rows[[2, 1, 0]], torch.zeros(2, 7)])[None, None]
    assert detections_gap(rows[None, None], padded) == ((1, 1, 5, 7), 0, 1, 0)
    moved = padded.clone()
    moved[0, 0, 1, 4] += 0.25
    assert detections_gap(rows[None, None], moved) == ((1, 1, 5, 7), 0.25, 1, 1)
    assert detections_gap(rows[None, None, :2], padded).difference == torch.inf
    nothing = torch.tensor([[[[0.0, -1, -1, -1, -1, -1, -1]]]])
    assert detections_gap(nothing, torch.zeros(1, 1, 1, 7)).difference == 0
    assert detections_gap(nothing, padded).difference == torch.inf


def test_detections_of_opencv(tmp_path: Path) -> None:
    """Two images of several equal scores each."""
    pytest.importorskip("cv2")
    inputs = {"loc": (2, 40), "conf": (2, 30), "priors": (1, 2, 40)}
    text = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: {list(shape)} }} }} }}\n'
        for name, shape in inputs.items()
    )
    text += """layer { name: "conf2" type: "Power" bottom: "conf" top: "c" power_param { scale: 0 shift: 0.7 } }
    layer { name: "boxes" type: "Sigmoid" bottom: "priors" top: "p" }
    layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "c" bottom: "p" top: "o"
            detection_output_param { num_classes: 3 keep_top_k: 9
                                     nms_param { nms_threshold: 0.9 top_k: 8 } code_type: CORNER } }"""
    (tmp_path / "net.prototxt").write_text(text)
    found = verify(tmp_path / "net.prototxt", "opencv")
    assert [each.layer for each in found.gaps][-1] == "out"
