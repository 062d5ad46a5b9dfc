"""How images become the values of inputs: as data layers state it, and as plain data that files keep."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.preprocessing import Preprocessing, pixels_in_words, to_json

HUGE = "{'mean': [1" + 400 * "0" + "]}"
STATED = Preprocessing("BGR", mean=(104.0, 117.0, 123.0), scale=0.5, source="data layer 'd'")


def test_preprocessing_of_a_data_layer() -> None:
    net = prototxt.parse("""
        layer { name: "d" type: "Data" top: "x"
                transform_param { mean_value: 104 mean_value: 117 mean_value: 123 scale: 0.5 } }
    """)
    assert Preprocessing.of_input(net.layer, "x", 3) == STATED


def test_an_input_layer_may_state_its_mean() -> None:
    net = prototxt.parse("""
        layer { name: "i" type: "Input" top: "x" transform_param { mean_value: 1 mean_value: 2 mean_value: 3 } }
    """)
    assert Preprocessing.of_input(net.layer, "x", 3) == Preprocessing("BGR", mean=(1, 2, 3), source="input 'i'")


@pytest.mark.parametrize(
    "param",
    ["", "{'seed': 1}", "not a dict", "{'mean': 'x'}", "[" * 5000, "{'mean': [1e999]}", HUGE],
)
def test_a_python_layer_without_a_mean_states_nothing(param: str) -> None:
    layer = prototxt.parse('layer { name: "d" type: "Python" top: "x" }').layer[0]
    layer.python_param.param_str = param
    found = Preprocessing.of_input([layer], "x", 3)
    assert found == Preprocessing("BGR", source="the mean and the scale are not stated", known=False)
    assert Preprocessing.of_input([], "x", 3) == found


def test_the_pixels_of_images_are_as_their_layer_states() -> None:
    """LeNet's scale, and no mean: Caffe transforms the images that it reads as the layer states, and no other way."""
    text = 'layer { name: "d" type: "%s" top: "x" transform_param { scale: 0.00390625 } }'
    for kind in ("Data", "ImageData", "MemoryData", "Input"):
        stating = f"{'input' if kind == 'Input' else 'data layer'} 'd'"
        expected = Preprocessing("", scale=0.00390625, source=stating)
        assert Preprocessing.of_input(prototxt.parse(text % kind).layer, "x", 1) == expected
    for kind, known in {"Data": True, "DenseImageData": True, "MemoryData": False, "HDF5Data": False}.items():
        net = prototxt.parse(f'layer {{ name: "d" type: "{kind}" top: "x" }}')
        found = Preprocessing.of_input(net.layer, "x", 3)
        assert (found.mean, found.scale, found.known) == ((), 1, known)


def test_numbers_that_are_none_are_not_taken() -> None:
    net = prototxt.parse('layer { name: "d" type: "Data" top: "x" transform_param { mean_value: nan scale: inf } }')
    found = Preprocessing.of_input(net.layer, "x", 1)
    assert (found.mean, found.scale) == ((), 1.0)


def test_a_mean_file_is_named() -> None:
    net = prototxt.parse('layer { name: "d" type: "Data" top: "x" transform_param { mean_file: "m.binaryproto" } }')
    found = Preprocessing.of_input(net.layer, "x", 3)
    assert found == Preprocessing("BGR", source="data layer 'd' reads its mean from m.binaryproto", known=False)


def test_names_of_any_kind_make_a_source_that_is_read_back() -> None:
    name = "a\nb\x1b" + "x" * 70_000
    net = prototxt.parse('layer { type: "Data" top: "x" transform_param { mean_value: 1 } }')
    for field in ("name", "mean_file"):
        setattr(net.layer[0] if field == "name" else net.layer[0].transform_param, field, name)
        found = Preprocessing.of_input(net.layer, "x", 3)
        assert found.source.isprintable()
        assert len(found.source) < 1000
        assert Preprocessing.from_plain(json.loads(json.dumps(found.to_plain())), 3) == found


def test_grey_images_have_no_mean_or_order() -> None:
    found = Preprocessing.of_input([], "x", 1)
    assert (found.channel_order, found.mean) == ("", ())


def test_plain_data_and_back() -> None:
    plain = {"channel_order": "BGR", "range": [0, 255], "mean": [104.0, 117.0, 123.0], "scale": 0.5,
             "source": "data layer 'd'", "known": True}  # fmt: skip
    assert STATED.to_plain() == plain
    assert json.loads(to_json({"x": STATED})) == {"x": plain}
    assert Preprocessing.from_plain(plain, 3) == STATED
    assert Preprocessing.from_plain(plain, 1) is None
    unknown = Preprocessing("BGR", source="not stated", known=False)
    assert Preprocessing.from_plain(unknown.to_plain(), 3) == unknown
    # Files of version 0.1.0 lack the last.
    assert Preprocessing.from_plain({name: value for name, value in plain.items() if name != "known"}, 3) == STATED


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": [True, 0, 0]}, {"mean": [math.nan]}, {"mean": [1, 2]}, {"mean": ["1"]}, {"mean": 3},
        {"scale": math.inf}, {"scale": True}, {"scale": 10**400}, {"scale": None}, {"scale": 1e300},
        {"range": [0]}, {"range": [False, 255]}, {"range": [0, math.nan]},
        {"channel_order": ""}, {"channel_order": "GBR"},
        {"source": 3}, {"source": "two\nlines"}, {"source": "\x1b[2J"}, {"source": "x" * 1001},
    ],
)  # fmt: skip
def test_plain_data_that_is_no_preprocessing(wrong: dict[str, Any]) -> None:
    plain = STATED.to_plain()
    assert Preprocessing.from_plain(plain | wrong, 3) is None
    for field in wrong:
        plain.pop(field)
    assert Preprocessing.from_plain(plain, 3) is None


def test_words() -> None:
    assert pixels_in_words(STATED) == " (BGR, 0..255, minus 104, 117, 123, times 0.5; data layer 'd')"
    assert pixels_in_words(Preprocessing("", range=(0.0, 1.0), source="as given")) == " (0..1; as given)"
    assert pixels_in_words(None) == ""
