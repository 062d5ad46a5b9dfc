"""Nets in the form that a target's reader needs: other fields and layers, the same values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit import CaffeNet
from fcnkit.export import check, spelled
from fcnkit.export.targets import TARGETS
from tests.export.targets.nets import inputs, layer

CONVOLUTION = "num_output: 3 kernel_size: 2 kernel_size: 3 stride: 2 stride: 2 pad: 1 pad: 0 dilation: 1 dilation: 1"


def load(text: str, folder: Path) -> CaffeNet:
    (folder / "net.prototxt").write_text(text)
    net = fcnkit.load(folder / "net.prototxt")
    with torch.no_grad():
        for each in net.parameters():
            each.uniform_(-1, 1)
    return net


@pytest.mark.parametrize(
    ("target", "text", "old", "new"),
    [
        (
            "ncnn",
            inputs((1, 2, 7, 8)) + layer("Convolution", f"convolution_param {{ {CONVOLUTION} }}"),
            ["kernel_size: 2", "kernel_size: 3", "pad: 0"],
            ["kernel_h: 2", "kernel_w: 3", "stride: 2", "pad_h: 1", "pad_w: 0", "dilation: 1"],
        ),
        (
            "sophgo",
            inputs((1, 2, 7, 8)) + layer("Deconvolution", f"convolution_param {{ {CONVOLUTION} }}"),
            ["kernel_size: 2", "kernel_size: 3"],
            ["kernel_h: 2", "kernel_w: 3"],
        ),
        (
            "rknn",
            inputs((1, 2, 7, 8))
            + layer(
                "Convolution", "convolution_param { num_output: 1 kernel_h: 3 kernel_w: 3 stride_h: 2 stride_w: 1 }"
            ),
            ["kernel_h", "kernel_w"],
            ["kernel_size: 3", "stride_h: 2", "stride_w: 1"],
        ),
        ("opencv", inputs((1, 2, 3, 4)) + layer("Scale", "scale_param { axis: -3 }"), ["axis: -3"], ["axis: 1"]),
        (
            "opencv",
            inputs((1, 4, 3, 4)) + layer("Slice", "slice_param { slice_dim: 2 slice_point: 1 }", 1, 2),
            ["slice_dim"],
            ["axis: 2"],
        ),
        ("opencv", inputs((1, 6, 3, 4)) + layer("Slice", "", 1, 3), [], ["slice_point: 2", "slice_point: 4"]),
        ("opencv", inputs((1, 2, 3, 4)) + layer("LRN"), [], ["alpha: 1"]),
        (
            "tensorrt",
            inputs((1, 2, 3, 4)) + layer("Reshape", "reshape_param { shape { dim: [1, 6, 4, 1] } }"),
            ["dim: 1\n      dim: 6"],
            ["dim: 0\n      dim: 6"],
        ),
        (
            "rknn",
            inputs((1, 2, 3, 4))
            + layer("Power", "power_param { scale: 12 shift: -2 }").replace('"y0"', '"z"')
            + layer("Clip", "clip_param { min: 0 max: 6 }").replace('"x0"', '"z"').replace('"y" ', '"clip" '),
            ["Clip"],
            ["ReLU6"],
        ),
        (
            "tensorrt",
            inputs((1, 2, 3, 4), (1, 2, 3, 4)) + layer("Eltwise", "eltwise_param { coeff: [1, -0.5] }", 2),
            ["coeff"],
            ['name: "y_scaled1"', "scale: -0.5"],
        ),
        (
            "tensorrt",
            inputs((1, 2, 5, 8)) + layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }"),
            ["round_mode"],
            ["torch_pooling: true"],
        ),
        (
            "opencv",
            inputs((1, 2, 5, 8)) + layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }"),
            ["round_mode"],
            ["ceil_mode: false"],
        ),
    ],
)
def test_the_form_changes_and_the_values_do_not(
    target: str, text: str, old: list[str], new: list[str], tmp_path: Path
) -> None:
    net = load(text, tmp_path)
    result = spelled(net, target)
    assert all(each in net.prototxt for each in old)
    assert not any(each in result.prototxt for each in old)
    assert all(each in result.prototxt for each in new)
    assert not check(result, target)
    fcnkit.save(result, tmp_path / "again.caffemodel")
    again = fcnkit.load(tmp_path / "again.caffemodel", tmp_path / "again.prototxt")
    torch.manual_seed(0)
    blobs = [torch.randn(net.shapes[name]) for name in net.inputs]
    with torch.no_grad():
        expected, found, read = (each.forward_blobs(*blobs) for each in (net, result, again))
    for name in net.outputs:
        # A factor in a layer of its own is the same sum in another order at the most.
        np.testing.assert_allclose(found[name].numpy(), expected[name].numpy(), rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(read[name].numpy(), found[name].numpy())


def test_a_net_that_needs_no_other_form_is_returned_itself(sample: Path) -> None:
    net = fcnkit.load(sample)
    for target in ("bvlc", "rknn", "sophgo"):
        assert spelled(net, target) is net


def test_long_names_are_shortened(tmp_path: Path) -> None:
    first, second = "backbone.stages.2.blocks.11.conv_pw", "neck.backbone.stages.2.blocks.11.conv_pw"
    convolution = "convolution_param { num_output: 2 kernel_size: 1 }"
    text = inputs((1, 2, 3, 4)) + "".join(
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {convolution} }}\n'
        for name, bottom in ((first, "x0"), (second, first))
    )
    net = load(text + f'layer {{ name: "{"r" * 40}" type: "ReLU" bottom: "{second}" top: "{"t" * 33}" }}', tmp_path)
    assert {each.limit for each in check(net, "nnie")} == {
        "characters of a name 35 (limit: at most 32)",
        "characters of a name 40 (limit: at most 32)",
        "characters of a name 40, 33 (limit: at most 32)",
    }
    result = spelled(net, "nnie")
    assert not check(result, "nnie")
    assert [each.name for each in result.steps] == [
        "stages.2.blocks.11.conv_pw",
        "stages.2.blocks.11.conv_pw_1",
        "r" * 32,
    ]
    assert result.outputs == ("t" * 32,)
    blob = torch.randn(1, 2, 3, 4)
    with torch.no_grad():
        assert torch.equal(result(blob), net(blob))


@pytest.mark.parametrize("target", TARGETS)
def test_the_sample_model_in_every_form(target: str, sample: Path) -> None:
    net = fcnkit.load(sample, input_shape=(1, 3, 60, 80))
    result = spelled(net, target)
    blob = torch.randn(1, 3, 60, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(result(blob), net(blob))
