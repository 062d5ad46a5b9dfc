"""Fields of Caffe's forks: by name in text, and refused in binary files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import caffemodel, messages, prototxt, wire
from fcnkit.caffe.data import top_shape
from fcnkit.caffe.deploy import deploy
from fcnkit.caffe.forks import fork_layers, settle_forks
from fcnkit.caffe.inputs import input_shapes, resolve
from fcnkit.errors import DefinitionError, FileFormatError, PrototxtError
from fcnkit.formats import convert
from fcnkit.types import all_types

CONV = 'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { %s } }'
POOL = 'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { kernel_size: 2 %s } }'


def layer(text: str) -> messages.LayerParameter:
    return prototxt.parse(text).layer[0]


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("permute_param { order: 0 order: 2 }", "permute_param.order", [0, 2]),
        ("norm_param { across_spatial: false eps: 1e-3 }", "norm_param.eps", np.float32(1e-3)),
        ("prior_box_param { min_size: 30.5 step: 8 }", "prior_box_param.offset", 0.5),
        ("detection_output_param { nms_param { top_k: 400 } }", "detection_output_param.nms_param.top_k", 400),
        ("detection_output_param { code_type: CENTER_SIZE }", "detection_output_param.code_type", 2),
        ("bn_param { bn_mode: INFERENCE }", "bn_param.bn_mode", 1),
        ("bn_param { slope_filler { value: 1 } frozen: true }", "bn_param.frozen", True),
        ("upsample_param { scale: 2 pad_out_h: true }", "upsample_param.pad_out_h", True),
        ("interp_param { shrink_factor: 2 }", "interp_param.shrink_factor", 2),
        ("shuffle_channel_param { group: 3 }", "shuffle_channel_param.group", 3),
        ("roi_pooling_param { spatial_scale: 0.0625 }", "roi_pooling_param.spatial_scale", 0.0625),
        ("batch_norm_param { scale_bias: true engine: CUDNN }", "batch_norm_param.scale_bias", True),
        ("convolution_param { cudnn_convolution_algo_seeker: GET }", "convolution_param.num_output", 0),
        ("dropout_param { sample_weights_test: true }", "dropout_param.sample_weights_test", True),
        ("forward_type: FLOAT16", "forward_type", 2),
        ("transform_param { noise_param { jpeg: 3 } }", "transform_param.noise_param.jpeg", 3),
        ("annotated_data_param { anno_type: BBOX }", "annotated_data_param.anno_type", 0),
        ("dense_image_data_param { label_divide_factor: 8 }", "dense_image_data_param.label_divide_factor", 8),
        ("loss_param { class_weighting: 0.5 class_weighting: 2 }", "loss_param.class_weighting", [0.5, 2]),
    ],
)
def test_fork_fields_are_read_by_name(text: str, path: str, value: object) -> None:
    found = layer(f"layer {{ {text} }}")
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value


def test_text_goes_the_round_trip() -> None:
    net = prototxt.parse('layer { type: "Permute" permute_param { order: 1 } } default_forward_type: FLOAT16')
    assert prototxt.parse(prototxt.to_text(net)) == net


def test_fields_of_no_known_fork_are_errors() -> None:
    with pytest.raises(PrototxtError, match='"LayerParameter" has no field named "magic_param"'):
        prototxt.parse("layer { magic_param { } }")


@pytest.mark.parametrize(
    ("given", "dilation"), [("hole: 4", [4]), ("hole_h: 2 hole_w: 3", [2, 3]), ("hole: 2 dilation: 2", [2])]
)
def test_holes_are_dilation(given: str, dilation: list[int]) -> None:
    p = layer(CONV % given).convolution_param
    assert list(p.dilation) == dilation
    assert not any(p.HasField(name) for name in ("hole", "hole_h", "hole_w"))
    assert list(prototxt.parse(f"layers {{ convolution_param {{ {given} }} }}").layers[0].convolution_param.dilation)


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ("ceil_mode: false", "FLOOR"),
        ("ceil_mode: true", "CEIL"),
        ("torch_pooling: true", "FLOOR"),
        ("torch_pooling: false", "CEIL"),
        ("", None),
    ],
)
def test_ceil_mode_is_the_rounding(given: str, mode: str | None) -> None:
    p = layer(POOL % given).pooling_param
    assert not p.HasField("ceil_mode")
    assert not p.HasField("torch_pooling")
    assert p.HasField("round_mode") == (mode is not None)
    assert p.round_mode == p.RoundMode.Value(mode or "CEIL")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (CONV % "hole: 2 hole_h: 2 hole_w: 2", "layer 'conv': give hole, or hole_h and hole_w"),
        (CONV % "hole_h: 2", "layer 'conv': give hole, or hole_h and hole_w"),
        (CONV % "hole: 2 dilation: 4", "layer 'conv': give hole or dilation, not both"),
        (POOL % "ceil_mode: true round_mode: FLOOR", "layer 'pool': ceil_mode and round_mode contradict each other"),
    ],
)
def test_fork_fields_that_contradict_bvlcs(text: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"^{problem}$"):
        prototxt.parse(text)


def field(number: int, value: bytes | int) -> bytes:
    """One field as it stands in a file."""
    if isinstance(value, int):
        return wire.encode_varint(number << 3) + wire.encode_varint(value)
    return wire.header(number, len(value)) + value


def net_bytes(*layers: bytes, v1: bool = False) -> bytes:
    return b"".join(field(2 if v1 else 100, layer) for layer in layers)


# The layer that feeds the net, in both forms.
DATA = net_bytes(field(1, b"d") + field(2, b"Data") + field(4, b"data") + field(4, b"label"))
DATA_V1 = net_bytes(field(3, b"data") + field(4, b"d") + field(5, 5), v1=True)
RELU_V1 = field(2, b"data") + field(3, b"conv") + field(4, b"conv") + field(5, 18)
CONVOLUTION = field(1, b"conv") + field(2, b"Convolution") + field(3, b"data") + field(4, b"conv")


@pytest.mark.parametrize(
    "binary",
    [
        net_bytes(CONVOLUTION + field(202, field(1, 2))),  # a field of LayerParameter that BVLC does not have
        net_bytes(CONVOLUTION + field(106, field(1, 8) + field(20, b"1,1,1"))),  # one of ConvolutionParameter
        net_bytes(CONVOLUTION + field(106, field(1, 8) + field(7, field(99, 1)))),  # one of a filler in it
        net_bytes(CONVOLUTION + field(106, field(1, 8) + field(17, 2))),  # DeepLab's hole, BVLC's force_nd_im2col
        net_bytes(CONVOLUTION + field(143, field(3, 8))),  # PSPNet's interp_param, BVLC's input_param
        net_bytes(RELU_V1 + field(999, 1), v1=True),  # a field that V1 does not have
        net_bytes(field(1, b"conv") + field(2, b"BN") + field(3, b"data") + field(4, b"conv") + field(137, b"")),
    ],
)
def test_binary_nets_with_fork_fields_ask_for_the_prototxt(binary: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(DATA_V1 + binary if binary[:1] == field(2, b"")[:1] else DATA + binary)
    problem = (
        f"{path}: has layers of a fork of Caffe, 'conv', and forks number their settings differently;"
        " give the net's definition with `prototxt`"
    )
    with pytest.raises(FileFormatError) as error:
        convert(path)
    assert str(error.value) == problem


def test_many_layers_are_counted() -> None:
    net = messages.NetParameter.FromString(net_bytes(*[CONVOLUTION + field(202, b"")] * 7))
    with pytest.raises(FileFormatError, match="'conv', 'conv', 'conv', 'conv', 'conv' and 2 more,"):
        settle_forks(net, net)


def test_bvlcs_own_nets_pass(data: Path, sample: Path) -> None:
    for path in [sample, *data.rglob("*.caffemodel")]:
        net = caffemodel.read(path).net
        assert not fork_layers(net), path
        assert settle_forks(net, net) == []


def fork_layer(kind: bytes, settings: bytes = b"", bottoms: int = 1) -> bytes:
    """A layer of a fork's type in a file."""
    return field(1, b"it") + field(2, kind) + field(3, b"data") * bottoms + field(4, b"it") + settings


def from_binary(layer: bytes) -> tuple[messages.LayerParameter, list[str]]:
    net = messages.NetParameter.FromString(net_bytes(layer))
    remarks = settle_forks(net, net)
    return net.layer[0], remarks


def test_a_forks_layer_without_fields_of_its_own_is_read() -> None:
    assert from_binary(fork_layer(b"ReLU6"))[1] == []
    depthwise = fork_layer(b"DepthwiseConvolution", field(106, field(1, 6) + field(4, 3)))
    found, remarks = from_binary(depthwise)
    assert (found.convolution_param.num_output, remarks) == (6, [])


FLOAT = struct.Struct("<f")


def floats(number: int, value: float) -> bytes:
    return wire.encode_varint(number << 3 | wire.FIXED32) + FLOAT.pack(value)


@pytest.mark.parametrize("number", [148, 202])
def test_settings_that_all_forks_have_alike_are_read_by_type(number: int) -> None:
    order = field(1, 0) + field(1, 2) + field(1, 3) + field(1, 1)
    found, remarks = from_binary(fork_layer(b"Permute", field(number, order)))
    assert list(found.permute_param.order) == [0, 2, 3, 1]
    assert remarks == ["settings are read as those of Permute of weiliu89/caffe: layers 'it'"]


def test_the_number_of_interp_in_pspnet_is_that_of_bvlcs_input() -> None:
    """hszhao/PSPNet src/caffe/proto/caffe.proto: interp_param is 143, as input_param in BVLC's."""
    found, _ = from_binary(fork_layer(b"Interp", field(143, field(1, 60) + field(2, 90))))
    assert (found.interp_param.height, found.interp_param.width) == (60, 90)
    assert not found.HasField("input_param")


def test_the_numbers_of_ssd() -> None:
    """weiliu89/caffe, branch ssd, src/caffe/proto/caffe.proto: DetectionOutputParameter and NormalizeParameter."""
    nms = field(4, floats(1, 0.45) + field(2, 400))
    settings = field(1, 21) + nms + field(6, 2) + field(7, 200) + floats(9, 0.25)
    found, _ = from_binary(fork_layer(b"DetectionOutput", field(204, settings), bottoms=3))
    p = found.detection_output_param
    assert (p.num_classes, p.nms_param.top_k, p.code_type, p.keep_top_k) == (21, 400, 2, 200)
    assert (p.confidence_threshold, p.variance_encoded_in_target) == (0.25, False)
    found, _ = from_binary(fork_layer(b"Normalize", field(206, field(1, 0) + field(3, 0))))
    assert (found.norm_param.across_spatial, found.norm_param.channel_shared) == (False, False)


def test_the_numbers_of_clustered_boxes() -> None:
    """openvinotoolkit/training_toolbox_caffe caffe/src/caffe/proto/caffe.proto: width is 14, height 15."""
    settings = floats(14, 8.5) + floats(15, 13) + floats(10, 16)
    found, remarks = from_binary(fork_layer(b"PriorBoxClustered", field(203, settings), bottoms=2))
    p = found.prior_box_param
    assert (list(p.width), list(p.height), p.step) == ([8.5], [13], 16)
    assert remarks == [
        "settings are read as those of PriorBoxClustered of openvinotoolkit/training_toolbox_caffe: layers 'it'"
    ]


@pytest.mark.parametrize(
    "layer",
    [
        fork_layer(b"Permute", field(202, field(9, 1))),  # a field that the message lacks
        fork_layer(b"Permute", field(202, field(1, 2)) + field(203, b"")),  # two messages
        fork_layer(b"Permute", field(202, b"\xff")),  # no message
        # Read as BVLC's recurrent_param, whose one num_output is the last of the four.
        fork_layer(b"Permute", field(146, field(1, 0) + field(1, 2) + field(1, 3) + field(1, 1))),
        fork_layer(b"Upsample", field(150, field(1, 2))),  # of another dialect: it has one bottom
        fork_layer(b"BN", field(137, field(1, 1))),  # forks define it differently
    ],
)
def test_settings_that_are_not_clear_are_refused(layer: bytes) -> None:
    with pytest.raises(FileFormatError, match="has layers of a fork of Caffe, 'it', and forks number"):
        from_binary(layer)


def test_what_is_cut_off_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    loss = field(1, b"loss1") + field(2, b"SoftmaxWithLoss") + field(3, b"relu") + field(3, b"label")
    relu = field(1, b"relu") + field(2, b"ReLU") + field(3, b"data") + field(4, b"relu")
    path.write_bytes(DATA + net_bytes(relu, loss + field(205, field(1, 2))))
    assert convert(path, input_shape=(1, 3, 4, 4)).outputs == ("relu",)


def test_the_prototxt_rules_over_the_binarys_numbers(tmp_path: Path) -> None:
    """Number 13 of PoolingParameter is FLOOR in BVLC's Caffe, and ceil_mode: true in exporters' dialects."""
    pool = field(1, b"pool") + field(2, b"Pooling") + field(3, b"data") + field(4, b"pool")
    pool += field(121, field(2, 2) + field(3, 2) + field(13, 1))
    weights, definition = tmp_path / "net.caffemodel", tmp_path / "net.prototxt"
    weights.write_bytes(net_bytes(pool + field(202, b"")))
    text = 'input: "data" input_shape { dim: 1 dim: 1 dim: 5 dim: 7 }' + POOL % "stride: 2 ceil_mode: true"
    definition.write_text(text)
    assert convert(weights, definition).shapes["pool"] == (1, 1, 3, 4)


def test_fork_types_are_none_of_bvlcs(data: Path) -> None:
    types = {layer.type for path in data.rglob("net.prototxt") for layer in prototxt.read(path).layer}
    assert "BatchNorm" in types
    assert not types & {record.name for record in all_types() if record.of_fork}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('type: "AnnotatedData" transform_param { resize_param { height: 300 width: 400 } }', (300, 400)),
        ('type: "AnnotatedData" transform_param { crop_h: 3 crop_w: 4 resize_param { height: 9 width: 9 } }', (3, 4)),
        (
            'type: "AnnotatedData" transform_param {'
            " resize_param { resize_mode: FIT_SMALL_SIZE height: 300 width: 400 } }",
            (0, 0),
        ),
        ('type: "ImageSegData" transform_param { crop_height: 321 crop_width: 513 }', (321, 513)),
        ('type: "DenseImageData" dense_image_data_param { new_height: 512 new_width: 1024 }', (512, 1024)),
        (
            'type: "DenseImageData" dense_image_data_param'
            " { new_height: 512 new_width: 1024 crop_height: 8 crop_width: 9 }",
            (8, 9),
        ),
    ],
)
def test_the_sizes_that_forks_data_layers_state(text: str, size: tuple[int, int]) -> None:
    assert top_shape(layer(f'layer {{ top: "data" {text} }}'), 0) == (1, 0, *size)


def test_what_forks_do_with_results_is_cut_off() -> None:
    net = prototxt.parse(
        'layer { name: "data" type: "AnnotatedData" top: "data" top: "label" }'
        'layer { name: "relu6" type: "ReLU6" bottom: "data" top: "relu6" }'
        'layer { name: "loss" type: "MultiBoxLoss" bottom: "relu6" bottom: "label" top: "loss" }'
        'layer { name: "eval" type: "DetectionEvaluate" bottom: "relu6" bottom: "label" top: "eval" }'
        'layer { name: "accuracy" type: "SegAccuracy" bottom: "relu6" bottom: "label" top: "accuracy" }'
        'layer { name: "mat" type: "MatWrite" bottom: "relu6" mat_write_param { prefix: "there/" } }'
    )
    assert [layer.type for layer in deploy(net).layer] == ["Input", "ReLU6"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('type: "ConvolutionDepthwise"', (6, 1, 3, 3)),
        ('type: "DepthwiseConvolution" convolution_param { group: 3 }', (6, 2, 3, 3)),
        ('type: "Interp" top: "half" } layer { name: "conv" type: "Convolution" bottom: "half"', (8, 6, 3, 3)),
    ],
)
def test_the_channels_of_an_input_that_a_forks_layer_reads(text: str, shape: tuple[int, ...]) -> None:
    net = prototxt.parse(
        f'layer {{ name: "data" type: "Input" top: "data" }}layer {{ name: "conv" bottom: "data" {text} }}'
    )
    resolve(net, {"conv": [np.zeros(shape)]}, None)
    assert input_shapes(net)["data"] == (1, 6, 500, 500)
