"""Nets as ONNX and as exported programs, run where fcnkit's own modules are not, at sizes they were not traced at."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import fcnkit
from fcnkit.caffe.preprocessing import to_json
from fcnkit.errors import OutputError
from tests.formats.sparse import sparse
from tests.layers.build import definition, layer, layer_net
from tests.paths import LAYERS

# What may differ in a traced graph: windows rounded up, padding, several tops or bottoms, statistics, whole nets.
CASES = ["batchnorm_inplace_scale", "conv_two_bottoms", "crop_offsets", "deconv_group_pad", "eltwise_coeff", "ip_axis2"]
CASES += ["lrn_across", "pool_ave_3x3s2p1", "pool_max_3x3s2", "shared_weights", "slice_points"]


def run_onnx(path: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def run_pt2(path: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    found = torch.export.load(path).module()(*map(torch.from_numpy, inputs.values()))
    return [blob.detach().numpy() for blob in (found.values() if isinstance(found, dict) else [found])]


def outputs(net: fcnkit.CaffeNet, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    with torch.no_grad():
        found = net(**{name: torch.from_numpy(blob) for name, blob in inputs.items()})
    return [blob.numpy() for blob in (found.values() if isinstance(found, dict) else [found])]


def require_close(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


@pytest.mark.parametrize("case", CASES)
def test_goldens(case: str, tmp_path: Path) -> None:
    weights = LAYERS / case / "net.caffemodel"
    net = fcnkit.convert(weights if weights.exists() else None, prototxt=LAYERS / case / "net.prototxt")
    fcnkit.save(net, tmp_path / "net.onnx", tmp_path / "net.pt2")
    with np.load(LAYERS / case / "blobs.npz") as blobs:
        inputs = {name: blobs[f"in/{name}"] for name in net.inputs}
    require_close(run_onnx(tmp_path / "net.onnx", inputs), outputs(net, inputs), 1e-5)
    require_close(run_pt2(tmp_path / "net.pt2", inputs), outputs(net, inputs), 1e-6)


def test_height_and_width_are_open(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    fcnkit.save(net, tmp_path / "net.onnx", tmp_path / "net.pt2")
    random = np.random.default_rng(0)
    for size in ((200, 180), (64, 97), (33, 250)):
        inputs = {"data": random.normal(0, 50, (1, 3, *size)).astype(np.float32)}
        expected = outputs(net, inputs)
        require_close(run_onnx(tmp_path / "net.onnx", inputs), expected, 1e-4)
        require_close(run_pt2(tmp_path / "net.pt2", inputs), expected, 1e-6)
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model)
    assert [each.name for each in (*model.graph.input, *model.graph.output)] == ["data", "score"]
    metadata = {each.key: each.value for each in model.metadata_props}
    assert metadata["prototxt"] == net.prototxt
    assert metadata["preprocessing"] == to_json(net.preprocessing)
    extra = {"prototxt": "", "preprocessing": ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=extra)
    assert extra == {"prototxt": net.prototxt, "preprocessing": metadata["preprocessing"], "names": "{}"}


def test_a_net_in_training_is_written_as_it_runs_and_stays(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample).train()
    fcnkit.save(net, tmp_path / "net.pt2")
    assert net.training
    assert net.drop7.training
    inputs = {"data": np.ones((1, 3, 40, 60), np.float32)}
    require_close(run_pt2(tmp_path / "net.pt2", inputs), outputs(net.eval(), inputs), 1e-6)


FILTER = """input: "x" input: "s" input_dim: [4, 2, 3, 3] input_dim: [4, 1, 1, 1]
layer { name: "fine" type: "ReLU" bottom: "x" top: "x" }
layer { name: "choice" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "large" type: "ArgMax" bottom: "y" top: "z" argmax_param { top_k: 2 } }"""


DEEP = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 3, 12, 12] } } }
layer { name: "c0" type: "Convolution" bottom: "x" top: "c0"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "p0" type: "Pooling" bottom: "c0" top: "p0" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "p1" type: "Pooling" bottom: "p0" top: "p1" pooling_param { kernel_size: 3 stride: 2 pad: 1 pool: AVE } }
layer { name: "p2" type: "Pooling" bottom: "p1" top: "p2" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "p3" type: "Pooling" bottom: "p2" top: "p3" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Deconvolution" bottom: "p3" top: "up"
        convolution_param { num_output: 4 kernel_size: 32 stride: 16 weight_filler { type: "bilinear" } } }
layer { name: "crop" type: "Crop" bottom: "up" bottom: "x" top: "y" crop_param { axis: 2 offset: 1 } }
"""


def test_a_small_net_takes_larger_images_and_batches(tmp_path: Path) -> None:
    """Its last blob is 1 x 1 at its own size, which the trace must not fix."""
    net = fcnkit.CaffeNet(DEEP).eval()
    assert net.shapes["p3"] == (1, 4, 1, 1)
    fcnkit.save(net, tmp_path / "net.onnx", tmp_path / "net.pt2")
    assert net.remarks == []
    random = np.random.default_rng(0)
    for batch, size in ((1, (12, 12)), (1, (30, 44)), (3, (13, 100)), (2, (64, 97))):
        inputs = {"x": random.normal(0, 1, (batch, 3, *size)).astype(np.float32)}
        expected = outputs(net, inputs)
        require_close(run_pt2(tmp_path / "net.pt2", inputs), expected, 1e-6)
        require_close(run_onnx(tmp_path / "net.onnx", inputs), expected, 1e-5)


def test_a_batch_that_the_net_fixes_is_remarked(tmp_path: Path) -> None:
    text = DEEP.split('layer { name: "c0"')[0]
    text += 'layer { name: "r" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: [1, 3, 144] } } }'
    net = fcnkit.CaffeNet(text).eval()
    fcnkit.save(net, tmp_path / "net.pt2")
    assert net.remarks == ["written as .pt2 with a fixed batch (1 for 'x'), because the layers allow no other"]


def test_sizes_that_a_trace_leaves_out_are_remarked(tmp_path: Path) -> None:
    """Whether Caffe drops the last window depends on the size, and a trace has one of the two branches."""
    pool = 'layer { name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 stride: 2 pad: 1 } }'
    net = fcnkit.CaffeNet(DEEP.split('layer { name: "c0"')[0] + pool).eval()
    fcnkit.save(net, tmp_path / "net.pt2")
    assert net.remarks == ["written as .pt2 for some heights and widths alone: the net computes others otherwise"]
    with pytest.raises(AssertionError, match="Guard failed"):
        run_pt2(tmp_path / "net.pt2", {"x": np.zeros((1, 3, 13, 13), np.float32)})


DETECTIONS = """
layer { name: "l" type: "Input" top: "l" input_param { shape { dim: [1, 40] } } }
layer { name: "c" type: "Input" top: "c" input_param { shape { dim: [1, 30] } } }
layer { name: "p" type: "Input" top: "p" input_param { shape { dim: [1, 2, 40] } } }
layer { name: "found" type: "DetectionOutput" bottom: "l" bottom: "c" bottom: "p" top: "o"
        detection_output_param { num_classes: 3 } }
"""


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_torchs_own_words_are_not_printed(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OutputError, match=r"layer 'found' \(DetectionOutput\) cannot be written as") as caught:
        fcnkit.save(fcnkit.CaffeNet(DETECTIONS), tmp_path / f"net{suffix}")
    assert str(caught.value).count("\n") == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_layer_that_reads_values_for_shapes(suffix: str, tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(FILTER)
    net.choice.forward = lambda x, s: x[: int(s.sum().item())] if s.sum() > 0 else x
    with pytest.raises(OutputError, match=rf"net{suffix}: layer 'choice' \(Filter\) cannot be written as {suffix}: "):
        fcnkit.save(net, tmp_path / f"net{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_layer_without_a_counterpart(tmp_path: Path) -> None:
    net = fcnkit.convert(None, prototxt=LAYERS / "argmax" / "net.prototxt")
    with pytest.raises(OutputError, match=r"net.onnx: layer 'l' \(ArgMax\) cannot be written as .onnx: No ONNX func"):
        fcnkit.save(net, tmp_path / "net.pth", tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_onnx_is_an_extra(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OutputError, match=r"net.onnx: needs the packages onnx and onnxscript: pip install 'fcnkit\[on"):
        fcnkit.save(fcnkit.convert(sample), tmp_path / "net.onnx")


def test_what_an_onnx_file_cannot_hold(tmp_path: Path) -> None:
    sparse(tmp_path / "net.caffemodel", channels=8192, count=8)
    net = fcnkit.load(tmp_path / "net.caffemodel", mapped=True)
    with pytest.raises(OutputError, match=r"net.onnx: would be over 2147483647 bytes, which an ONNX file cannot be"):
        fcnkit.save(net, tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.caffemodel"]


def test_states_are_zero_in_files_and_stay_in_the_net(tmp_path: Path) -> None:
    """A sequence that goes on begins with a state of 0 in the file; the net goes on with its own."""
    settings = 'recurrent_param { num_output: 3 weight_filler { type: "gaussian" std: 0.5 } }'
    net = layer_net("LSTM", settings, [(2, 1, 4), (2, 1)])
    x, marks = torch.randn(2, 1, 4), torch.ones(2, 1)
    with torch.no_grad():
        first, second = net(x, marks), net(x, marks)
        net.l.reset()
        net(x, marks)
        fcnkit.save(net, tmp_path / "net.pt2")
        assert torch.equal(torch.export.load(tmp_path / "net.pt2").module()(x, marks), first)
        assert torch.equal(net(x, marks), second)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_states_of_any_number_of_sequences_stay_tensors_with_values(suffix: str, tmp_path: Path) -> None:
    """The rows of an image of any height are sequences: tracing has no number of them."""
    text = layer("SRNNFormat", "a", tops="s m r", name="rows")
    text += layer("LSTM", "sm", "recurrent_param { num_output: 2 }", "top", "lstm")
    net = fcnkit.CaffeNet(definition(text, {"a": (1, 3, 4, 5)})).eval()
    with torch.no_grad():
        net(torch.randn(1, 3, 6, 5))
    state = net.lstm.h
    fcnkit.save(net, tmp_path / f"net{suffix}")
    assert net.lstm.h is state
    fcnkit.save(net, tmp_path / f"again{suffix}")
