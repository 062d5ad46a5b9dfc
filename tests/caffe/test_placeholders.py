"""Templates whose placeholders get values."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.errors import ArgumentError, TemplateError

NET = """
input: "data" input_shape { dim: $#batch_size#$ dim: 3 dim: ${SIZE} dim: {{ width }} } # of $USER
layer {
  name: "fc8_${EXP}" type: "Convolution" bottom: "data" top: "fc8"
  convolution_param { num_output: cls3x kernel_size: 1 weight_filler { std: $STD } }
}
layer { name: "write" type: "FLOWriter" bottom: "fc8" writer_param { folder: $FOLDER } }
"""
VALUES = {"SIZE": 5, "width": "7", "cls3x": 63, "STD": 0.5, "EXP": "voc"}


def _written(folder: Path) -> Path:
    path = folder / "net.prototxt"
    path.write_text(NET)
    return path


def test_a_template_is_filled_in(tmp_path: Path) -> None:
    """The batch size is 1 without a value, and the settings of a layer that is removed need none."""
    net = fcnkit.load(_written(tmp_path), values=VALUES)
    assert net.shapes == {"data": (1, 3, 5, 7), "fc8": (1, 63, 5, 7)}
    (layer,) = [layer for layer in net.definition().layer if layer.type == "Convolution"]
    assert (layer.name, layer.convolution_param.weight_filler.std) == ("fc8_voc", 0.5)


def test_all_placeholders_outside_of_quotes_and_comments_are_listed(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="the text is a template: give `values` for SIZE, width, ") as caught:
        fcnkit.load(_written(tmp_path))
    assert caught.value.names == ["SIZE", "width", "STD", "FOLDER", "cls3x"]
    result = CliRunner().invoke(main, ["summary", str(tmp_path / "net.prototxt"), "--value", "SIZE=5"])
    assert (result.exit_code, "give --value for width, STD, FOLDER, cls3x" in result.stderr) == (1, True)


def test_the_command_line_takes_values(tmp_path: Path) -> None:
    values = [word for name, value in VALUES.items() for word in ("--value", f"{name}={value}")]
    for command in ("summary", "offsets"):
        result = CliRunner().invoke(main, [command, str(_written(tmp_path)), *values])
        assert (result.exit_code, "fc8_voc" in result.stdout) == (0, True), result.output
    result = CliRunner().invoke(main, ["summary", str(tmp_path / "net.prototxt"), "--value", "SIZE"])
    assert (result.exit_code, "'SIZE' is not of the form NAME=VALUE" in result.stderr) == (2, True)


def test_a_value_without_a_placeholder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ArgumentError, match=r"`values`: the definition has no placeholder 'SIZES' \(did you mean 'SIZE'"
    ):
        fcnkit.load(_written(tmp_path), values={**VALUES, "SIZES": 1})


FLOW = """
input: "img" input_shape { dim: 1 dim: 3 dim: $TARGET_HEIGHT dim: $TARGET_WIDTH }
layer { name: "r" type: "Resample" bottom: "img" top: "r"
  resample_param { width: $ADAPTED_WIDTH height: $ADAPTED_HEIGHT type: LINEAR } }
layer { name: "s" type: "Power" bottom: "r" top: "s" power_param { scale: $SCALE_WIDTH } }
"""


def test_sizes_of_images_follow_from_the_input(tmp_path: Path) -> None:
    """FlowNet adapts to multiples of 64 and LiteFlowNet to multiples of 32: other sizes need values."""
    path = tmp_path / "deploy.tpl.prototxt"
    path.write_text(FLOW)
    for shape in ((1, 3, 64, 128), {"img": (1, 3, 64, 128)}):
        net = fcnkit.load(path, input_shape=shape)
        assert (net.shapes["s"], net.definition().layer[-1].power_param.scale) == ((1, 3, 64, 128), 1)
    with pytest.raises(TemplateError, match="give `values` for ADAPTED_WIDTH, ADAPTED_HEIGHT, SCALE_WIDTH"):
        fcnkit.load(path, input_shape=(1, 3, 96, 128))
    adapted = {"ADAPTED_WIDTH": 128, "ADAPTED_HEIGHT": 128, "SCALE_WIDTH": 0.75}
    assert fcnkit.load(path, input_shape=(1, 3, 96, 128), values=adapted).shapes["s"] == (1, 3, 128, 128)


def test_names_that_are_no_placeholders_stay() -> None:
    text = 'layer { name: "$x" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: MAX } } # ${y} { z }'
    assert prototxt.parse(text).layer[0].name == "$x"
