"""Fields that the schema lacks: found with their lines, left out where they do not matter, refused elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.unknown import settle_unknown
from fcnkit.cli import main
from fcnkit.errors import PrototxtError

NET = """name: "n"
bn_stats_batch_size: 4
layer { name: "data" type: "Data" top: "data" top: "label"
  transform_param { crop_size: 8 random_resize_param { min_size: 2 mode: [A, B] } }
  eval_data_param < video_type: WEBCAM > }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  mem_param { bw: 8; fl: -3 }  # a comment }
  convolution_param { num_output: 4 kernel_size: 3 engine: MKL2017 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" top: "loss"
  loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 256 } }
"""
MATTERS = NET.replace("kernel_size: 3", "kernel_size: 3 twist: -1.5e-3").replace(
    'top: "conv"', 'top: "conv" twist: inf magic { magic: "}" \'{\' }', 1
)


def test_unknown_fields_are_found_with_their_places() -> None:
    net, unknown = prototxt.parse_leniently(NET)
    found = [(each.line, each.column, ".".join(each.path), each.value, each.position) for each in unknown]
    assert found == [
        (2, 1, "bn_stats_batch_size", "", 0),
        (4, 34, "transform_param.random_resize_param", "", 0),
        (5, 3, "eval_data_param", "", 0),
        (7, 3, "mem_param", "", 1),
        (8, 60, "convolution_param.engine", "MKL2017", 1),
        (10, 31, "loss_param.normalization", "PRE_FIXED", 2),
        (10, 41, "loss_param.pre_fixed_normalizer", "", 2),
    ]
    assert net.layer[0].transform_param.crop_size == 8
    assert net.layer[1].convolution_param.num_output == 4
    assert not net.layer[1].convolution_param.HasField("engine")
    assert net.layer[2].top == ["loss"]


def test_a_separator_goes_with_its_field() -> None:
    """Of fields of Ristretto's message that Intel's Caffe added."""
    text = 'layer { name: "c" quantization_param { scale_in: 1; bw_params: 8; scale_out: [1, 2], } }'
    net, unknown = prototxt.parse_leniently(text)
    assert [each.name for each in unknown] == ["scale_in", "scale_out"]
    assert net.layer[0].quantization_param.bw_params == 8


def test_the_strict_parse_lists_all_of_them() -> None:
    with pytest.raises(PrototxtError) as caught:
        prototxt.parse(NET)
    assert str(caught.value) == (
        "7 unknown fields: 'bn_stats_batch_size' in line 2; 'random_resize_param' of transform_param in line 4; "
        "'eval_data_param' in line 5; 'mem_param' in line 7; value 'MKL2017' for 'engine' of "
        "convolution_param in line 8; value 'PRE_FIXED' for 'normalization' of loss_param in line 10; "
        "'pre_fixed_normalizer' of loss_param in line 10"
    )


def test_fields_that_change_no_value_are_remarks(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    net = fcnkit.load(tmp_path / "net.prototxt")
    assert net.shapes["conv"] == (1, 4, 6, 6)
    assert net.remarks == [
        "ignored field bn_stats_batch_size in line 2 of the prototxt",
        "ignored field random_resize_param in line 4 of the prototxt",
        "ignored field eval_data_param in line 5 of the prototxt",
        "ignored field mem_param in line 7 of the prototxt",
        "ignored field engine in line 8 of the prototxt",
        "ignored field normalization in line 10 of the prototxt",
        "ignored field pre_fixed_normalizer in line 10 of the prototxt",
    ]
    result = CliRunner().invoke(main, ["summary", str(tmp_path / "net.prototxt")])
    assert "remark  ignored field mem_param in line 7 of the prototxt\n" in result.stdout


def test_all_that_may_matter_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(MATTERS)
    with pytest.raises(PrototxtError) as caught:
        fcnkit.load(path)
    assert str(caught.value) == (
        f"{path}: 3 unknown fields: 'twist' in line 6; 'magic' in line 6; 'twist' of convolution_param in line 8; "
        "leave out those that change no value with `ignore_fields`"
    )
    with pytest.raises(PrototxtError, match=r'has no field named "magic"; leave out .*`ignore_fields`, in: layer'):
        fcnkit.load(path, ignore_fields=["twist"])
    assert fcnkit.load(path, ignore_fields=["twist", "magic"]).remarks[3:5] == [
        "ignored field twist in lines 6, 8 of the prototxt",
        "ignored field magic in line 6 of the prototxt",
    ]
    result = CliRunner().invoke(main, ["summary", str(path), "--ignore-fields", "twist"])
    assert (result.exit_code, "with --ignore-fields NAME" in result.stderr) == (1, True)
    result = CliRunner().invoke(main, ["summary", str(path), "--ignore-fields", "twist", "--ignore-fields", "magic"])
    assert result.exit_code == 0, result.output


def test_unknown_fields_of_layers_that_are_left_out_are_remarks(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET.replace('top: "loss"', 'top: "loss" magic: 1').replace("crop_size: 8", "crop_size: 8 magic: 1"))
    assert "ignored field magic of layers that are left out in line 9 of the prototxt" in fcnkit.load(path).remarks
    with pytest.raises(PrototxtError, match='"LayerParameter" has no field named "magic"'):
        fcnkit.load(path, deploy=False)


def test_unsupported_layers_come_first(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(MATTERS + 'layer { name: "m" type: "Magic" bottom: "conv" top: "m" magic_param { } }')
    with pytest.raises(fcnkit.FcnkitError, match=r"1 unsupported layer: 'm' \(Magic\)"):
        fcnkit.load(path)


@pytest.mark.parametrize(
    "text", ["layer { magic { ", "layer { magic: ] }", "magic: { a: [ } }", "layer { magic }", "magic"]
)
def test_text_that_is_not_in_the_format_stays_an_error(text: str) -> None:
    with pytest.raises(PrototxtError, match=r"^line 1, column"):
        prototxt.parse(text)


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(PrototxtError):
        prototxt.parse("layer { " + "magic { " * 5000 + "} " * 5000 + "}")


def test_a_type_of_v1_that_bvlc_lacks_is_read_by_name() -> None:
    net, unknown = prototxt.parse_leniently('layers { name: "a" type: RELU } layers { name: "b" type: MAGIC_TYPE }')
    assert not unknown
    assert [layer.type_name for layer in net.layers] == ["", "MAGIC_TYPE"]


@pytest.mark.parametrize(
    "field",
    [
        "blobs_lr: 1",  # of V1, in a layer of V2
        "weight_decay: 0",
        "convolution_param { lr_mult: 2 weight_filler { wavelet: 3 } }",
        "param { regularizer: L1 }",
        "scale_param { filler { wavelet: 3 } }",
        'crowd_data_param { source: "list.txt" }',
        'copy_postfix_name: "fc6"',
    ],
)
def test_settings_of_training_are_remarks_whatever_the_fork(field: str) -> None:
    text = f"""layer {{ name: "i" type: "Input" top: "i" input_param {{ shape {{ dim: [1, 2] }} }} }}
    layer {{ name: "r" type: "ReLU" bottom: "i" top: "r" {field} }}"""
    net, unknown = prototxt.parse_leniently(text)
    assert len(unknown) == 1 + ("lr_mult" in field)
    assert len(settle_unknown(unknown, net, net, ())) == len(unknown)


@pytest.mark.parametrize(
    ("field", "matters"),
    [("print_net_info: false", False), ("inputs: 'a'", True), ("magic { layer { name: 'r' } }", True)],
)
def test_values_of_the_net_itself_are_remarks_unless_they_are_like_a_field(field: str, matters: bool) -> None:
    """nbadalls/caffe-server deploy_lib."""
    text = f"""{field}
    layer {{ name: "i" type: "Input" top: "i" input_param {{ shape {{ dim: [1, 2] }} }} }}"""
    net, unknown = prototxt.parse_leniently(text)
    if matters:
        with pytest.raises(PrototxtError, match="has no field named"):
            settle_unknown(unknown, net, net, ())
    else:
        assert settle_unknown(unknown, net, net, ()) == ["ignored field print_net_info in line 1 of the prototxt"]


def test_settings_of_a_solver_are_remarks() -> None:
    net, unknown = prototxt.parse_leniently('base_lr: 0.01 lr_policy: "step" layer { name: "r" type: "ReLU" }')
    assert settle_unknown(unknown, net, net, ()) == [
        "ignored field base_lr in line 1 of the prototxt",
        "ignored field lr_policy in line 1 of the prototxt",
    ]


def test_settings_of_fillers_change_no_trained_value(tmp_path: Path) -> None:
    """As cbfinn/caffe examples/rsgps/nolstm.prototxt and happynear/NormFace mnist/lenet_train_test.prototxt."""
    text = NET.replace(
        "kernel_size: 3", 'kernel_size: 3 weight_filler { type: "constant" magic: 3 } own_filler { a: 1 }'
    )
    (tmp_path / "net.prototxt").write_text(text)
    assert fcnkit.load(tmp_path / "net.prototxt").remarks[4:6] == [
        "ignored field magic in line 8 of the prototxt",
        "ignored field own_filler in line 8 of the prototxt",
    ]
