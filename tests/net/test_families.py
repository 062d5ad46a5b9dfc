"""Whole nets, thin, in the wiring of published families: converted, stored, read again and run with the same result."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import fcnkit
from tests.layers.build import layer


def conv(name: str, bottom: str, outputs: int, kernel: int = 3, stride: int = 1, more: str = "") -> str:
    """A convolution with a pad that keeps the size at a stride of 1, then a ReLU in place."""
    settings = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {kernel // 2} {more}"
    return layer(
        "Convolution",
        [bottom],
        f'convolution_param {{ {settings} weight_filler {{ type: "msra" }} }}',
        name,
        name,
    ) + layer("ReLU", [name], "relu_param { negative_slope: 0.1 }", name, f"relu_{name}")


def up(name: str, bottom: str, outputs: int) -> str:
    settings = f"num_output: {outputs} kernel_size: 4 stride: 2 pad: 1"
    return layer(
        "Deconvolution",
        [bottom],
        f'convolution_param {{ {settings} weight_filler {{ type: "msra" }} }}',
        name,
        name,
    )


def image(name: str, *shape: int) -> str:
    return f'input: "{name}" input_shape {{ dim: {list(shape)} }} '


MEAN = "augmentation_param { recompute_mean: 1000 mean_per_pixel: false }"
RESAMPLE = "resample_param { height: %d width: %d type: LINEAR antialias: true }"

# lmb-freiburg/flownet2: the images are scaled, normalized by DataAugmentation, resampled and joined; the flow is
# refined from coarse to fine and resampled to the images' size, and one image is warped by it.
FLOWNET_S = (
    image("img0", 1, 3, 60, 90)
    + image("img1", 1, 3, 60, 90)
    + "".join(
        layer("Power", [f"img{i}"], "power_param { scale: 0.00392 }", f"scaled{i}", f"scale{i}")
        + layer("DataAugmentation", [f"scaled{i}"], MEAN, f"aug{i}", f"aug{i}")
        + layer("Resample", [f"aug{i}"], RESAMPLE % (64, 128), f"resized{i}", f"resize{i}")
        for i in (0, 1)
    )
    + layer("Concat", ["resized0", "resized1"], "", "both", "both")
    + conv("conv1", "both", 8, 7, 2)
    + conv("conv2", "conv1", 8, 5, 2)
    + layer("Convolution", ["conv2"], "convolution_param { num_output: 2 kernel_size: 3 pad: 1 }", "flow2", "predict2")
    + up("deconv1", "conv2", 4)
    + up("flow2_up", "flow2", 2)
    + layer("Concat", ["conv1", "deconv1", "flow2_up"], "", "refined", "refined")
    + conv("flow1", "refined", 2)
    + layer("Resample", ["flow1", "img0"], "resample_param { type: LINEAR antialias: true }", "flow", "to_images")
    + layer("FlowWarp", ["scaled1", "flow"], "", "warped", "warp")
    + layer("Eltwise", ["scaled0", "warped"], "eltwise_param { coeff: 1 coeff: -1 }", "difference", "difference")
    + layer("ChannelNorm", ["difference"], "", "error", "error")
)
# The same repository: two streams with shared weights, correlated. DispNet correlates along rows alone.
FLOWNET_C = (
    image("a", 1, 3, 32, 48)
    + image("b", 1, 3, 32, 48)
    + layer(
        "Convolution",
        ["a", "b"],
        'convolution_param { num_output: 8 kernel_size: 7 stride: 2 pad: 3 weight_filler { type: "msra" } }',
        "fa fb",
        "conv1",
    )
    + layer(
        "Correlation",
        ["fa", "fb"],
        "correlation_param { pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 2 }",
        "corr",
        "corr",
    )
    + layer("ReLU", ["corr"], "relu_param { negative_slope: 0.1 }", "corr", "relu_corr")
    + conv("redirected", "fa", 4, 1)
    + layer("Concat", ["redirected", "corr"], "", "joined", "joined")
    + conv("conv3", "joined", 8)
    + up("flow", "conv3", 2)
)
DISPNET = FLOWNET_C.replace('"Correlation"', '"Correlation1D"').replace(
    "stride_2: 2", "stride_2: 1 single_direction: -1"
)

# chuckcho/video-caffe examples/c3d_ucf101.
C3D = (
    image("data", 1, 3, 8, 16, 16)
    + layer(
        "NdConvolution",
        ["data"],
        """convolution_param { num_output: 4 kernel_shape { dim: [3, 3, 3] } stride_shape { dim: [1, 1, 1] }
           pad_shape { dim: [1, 1, 1] } weight_filler { type: "gaussian" std: 0.1 } }""",
        "conv1a",
        "conv1a",
    )
    + layer(
        "NdPooling",
        ["conv1a"],
        "pooling_param { pool: MAX kernel_shape { dim: [1, 2, 2] } stride_shape { dim: [1, 2, 2] } }",
        "pool1",
        "pool1",
    )
    + layer(
        "InnerProduct", ["pool1"], 'inner_product_param { num_output: 5 weight_filler { type: "xavier" } }', "fc", "fc"
    )
    + layer("Softmax", ["fc"], "", "prob", "prob")
)

# TimoSaemann/ENet prototxts: pooling with a mask beside a strided convolution, and Upsample by that mask.
ENET = (
    image("data", 1, 3, 32, 48)
    + conv("down", "data", 3, 3, 2)
    + layer("Pooling", ["data"], "pooling_param { pool: MAX kernel_size: 2 stride: 2 }", "pool mask", "pool")
    + layer("Concat", ["down", "pool"], "", "initial", "initial")
    + layer(
        "Convolution",
        ["initial"],
        "convolution_param { num_output: 3 kernel_h: 5 kernel_w: 1 pad_h: 2 pad_w: 0 weight_filler { type: 'msra' } }",
        "wide",
        "asymmetric",
    )
    + layer("BatchNorm", ["wide"], "batch_norm_param { use_global_stats: true }", "wide", "bn")
    + layer("Scale", ["wide"], "scale_param { bias_term: true }", "wide", "scale")
    + layer("PReLU", ["wide"], "", "wide", "prelu")
    + layer("Dropout", ["wide"], "dropout_param { dropout_ratio: 0.1 }", "dropped", "drop")
    + layer("Upsample", ["dropped", "mask"], "upsample_param { scale: 2 }", "up", "up")
    + up("score", "up", 4)
)

# hszhao/ICNet evaluation/prototxt: three resolutions, shrunk and enlarged by Interp, BN of four blobs, fused by sums.
ICNET = (
    image("data", 1, 3, 65, 97)
    + layer("Interp", ["data"], "interp_param { shrink_factor: 2 }", "half", "half")
    + conv("conv1", "half", 4, 3, 2, "bias_term: false")
    + layer("BN", ["conv1"], "bn_param { slope_filler { value: 1 } frozen: true }", "conv1", "bn1")
    + layer("Pooling", ["conv1"], "pooling_param { pool: AVE kernel_size: 17 stride: 17 }", "pooled", "pool")
    + layer("Interp", ["pooled"], "interp_param { height: 17 width: 25 }", "context", "context")
    + layer("Eltwise", ["conv1", "context"], "", "sum", "sum")
    + layer("Interp", ["sum"], "interp_param { zoom_factor: 2 }", "zoomed", "zoomed")
    + conv("sub1", "data", 4, 3, 2)
    + layer("Eltwise", ["zoomed", "sub1"], "", "fused", "fused")
    + conv("score", "fused", 3, 1)
)

# yun-liu/rcf examples/rcf/test.prototxt: upsampled side outputs, cropped by AutoCrop to the image.
RCF = (
    image("data", 1, 3, 30, 41)
    + conv("conv1", "data", 4)
    + layer("Pooling", ["conv1"], "pooling_param { pool: MAX kernel_size: 2 stride: 2 }", "pool1", "pool1")
    + conv("conv2", "pool1", 4)
    + conv("score2", "conv2", 1, 1)
    + layer(
        "Deconvolution",
        ["score2"],
        'convolution_param { num_output: 1 kernel_size: 4 stride: 2 weight_filler { type: "bilinear" } }',
        "up2",
        "up2",
    )
    + layer("AutoCrop", ["up2", "data"], "", "cropped", "crop2")
    + layer("Sigmoid", ["cropped"], "", "edges", "edges")
)

# senlinuc/caffe_ocr: columns of a map as steps of two LSTMs, one of them backwards.
CRNN = (
    image("data", 1, 1, 16, 40)
    + conv("conv1", "data", 4, 3, 2)
    + layer("Transpose", ["conv1"], "transpose_param { dim: 3 dim: 0 dim: 1 dim: 2 }", "steps", "steps")
    + layer("Flatten", ["steps"], "flatten_param { axis: 2 }", "flat", "flat")
    + layer("Lstm", ["flat"], 'lstm_param { num_output: 6 weight_filler { type: "xavier" } }', "there", "lstm1")
    + layer("Reverse", ["flat"], "reverse_param { axis: 0 }", "backwards", "reverse1")
    + layer("Lstm", ["backwards"], 'lstm_param { num_output: 6 weight_filler { type: "xavier" } }', "back", "lstm2")
    + layer("Reverse", ["back"], "reverse_param { axis: 0 }", "again", "reverse2")
    + layer("Concat", ["there", "again"], "concat_param { axis: 2 }", "joined", "joined")
    + layer(
        "InnerProduct",
        ["joined"],
        'inner_product_param { num_output: 7 axis: 2 weight_filler { type: "xavier" } }',
        "fc",
        "fc",
    )
    + layer("CTCGreedyDecoder", ["fc"], "ctc_decoder_param { blank_index: 6 }", "text", "decoder")
)

# CMU-Perceptual-Computing-Lab/openpose: two branches whose maps join the features for the next stage.
OPENPOSE = (
    image("image", 1, 3, 32, 40)
    + conv("features", "image", 6)
    + "".join(conv(f"stage1_L{branch}", "features", outputs, 1) for branch, outputs in ((1, 8), (2, 5)))
    + layer("Concat", ["stage1_L1", "stage1_L2", "features"], "concat_param { axis: 1 }", "stage2", "concat2")
    + "".join(conv(f"stage2_L{branch}", "stage2", outputs, 7) for branch, outputs in ((1, 8), (2, 5)))
    + layer("Concat", ["stage2_L2", "stage2_L1"], "", "net_output", "concat3")
)

# SRCNN; FSRCNN ends in a deconvolution, ESPCN in Synopsys' pixelshuffler.
SRCNN = (
    image("data", 1, 1, 20, 30)
    + conv("conv1", "data", 8, 9)
    + conv("conv2", "conv1", 4, 1)
    + conv("top", "conv2", 1, 5)
)
FSRCNN = (
    image("data", 1, 1, 20, 30)
    + conv("conv1", "data", 8, 5)
    + layer("PReLU", ["conv1"], "", "conv1", "p")
    + up("top", "conv1", 1)
)
ESPCN = (
    image("data", 1, 1, 20, 30)
    + conv("conv1", "data", 9, 5)
    + layer("Reshape", ["conv1"], "reshape_param { pixelshuffler: 3 }", "top", "shuffle")
)

# Fast style transfer: residuals, statistics of each image, a scaled TanH.
STYLE = (
    image("data", 1, 3, 24, 32)
    + conv("conv1", "data", 4, 9)
    + layer("BatchNorm", ["conv1"], "batch_norm_param { use_global_stats: false }", "normal", "instance")
    + conv("res", "normal", 4)
    + layer("Eltwise", ["normal", "res"], "", "sum", "sum")
    + conv("rgb", "sum", 3, 9)
    + layer("TanH", ["rgb"], "", "tanh", "tanh")
    + layer("Power", ["tanh"], "power_param { scale: 150 shift: 127.5 }", "styled", "range")
)

FAMILIES = {
    "FlowNetS": (FLOWNET_S, {"flow": (1, 2, 60, 90), "error": (1, 1, 60, 90)}),
    "FlowNetC": (FLOWNET_C, {"corr": (1, 25, 16, 24), "flow": (1, 2, 32, 48)}),
    "DispNet": (DISPNET, {"corr": (1, 5, 16, 24)}),
    "C3D": (C3D, {"pool1": (1, 4, 8, 8, 8), "prob": (1, 5)}),
    "ENet": (ENET, {"up": (1, 3, 32, 48), "score": (1, 4, 64, 96)}),
    "ICNet": (ICNET, {"half": (1, 3, 33, 49), "score": (1, 3, 33, 49)}),
    "RCF": (RCF, {"edges": (1, 1, 30, 41)}),
    "CRNN": (CRNN, {"fc": (20, 1, 7), "text": (1, 20, 1, 1)}),
    "OpenPose": (OPENPOSE, {"net_output": (1, 13, 32, 40)}),
    "SRCNN": (SRCNN, {"top": (1, 1, 20, 30)}),
    "FSRCNN": (FSRCNN, {"top": (1, 1, 40, 60)}),
    "ESPCN": (ESPCN, {"top": (1, 1, 60, 90)}),
    "style transfer": (STYLE, {"styled": (1, 3, 24, 32)}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_net_is_converted_stored_and_read_again(family: str, tmp_path: Path) -> None:
    text, shapes = FAMILIES[family]
    (tmp_path / "net.prototxt").write_text(text)
    torch.manual_seed(0)
    net = fcnkit.load(tmp_path / "net.prototxt").eval()
    assert {name: net.shapes[name] for name in shapes} == shapes
    inputs = {name: torch.randn(net.shapes[name]) for name in net.inputs}
    with torch.no_grad():
        blobs = net.forward_blobs(**inputs)
    assert all(blobs[name].shape == shape for name, shape in shapes.items())
    assert all(blobs[name].isfinite().all() for name in shapes)
    assert all(blobs[name].std() > 0 for name in shapes if name != "text")
    for suffix in ("safetensors", "caffemodel"):
        stored = tmp_path / f"stored.{suffix}"
        fcnkit.save(net, stored)
        again = fcnkit.load(stored).eval()
        assert again.definition() == net.definition()
        with torch.no_grad():
            found = again.forward_blobs(**inputs)
        assert all(torch.equal(found[name], blobs[name]) for name in shapes)
    fcnkit.save(net, tmp_path / "again.prototxt")
    rebuilt = fcnkit.load(tmp_path / "again.prototxt")
    assert rebuilt.definition() == net.definition()
    assert {name: rebuilt.shapes[name] for name in shapes} == shapes
