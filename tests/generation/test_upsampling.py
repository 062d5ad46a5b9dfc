"""The layer that upsamples, read back by Caffe's own schema."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.rendering import LARGEST
from fcnkit.generation.upsampling import deconvolution

HOSTILE = ['a"b', "a\nb", "a\\", '"} layer {', "{{ 7 * 7 }}", "\N{GREEK SMALL LETTER ALPHA}", "\x00\x7f\t\r", "# a"]


def parsed(text):
    return prototxt.parse(text)


@pytest.mark.parametrize(
    ("factor", "kernel", "pad"),
    [(1, 1, 0), (2, 4, 1), (3, 5, 1), (4, 8, 2), (5, 9, 2), (8, 16, 4), (16, 32, 8), (32, 64, 16), (31, 61, 15)],
)
def test_deconvolution_follows_the_recipe_by_factor(factor, kernel, pad):
    (layer,) = parsed(deconvolution(factor, 60, "up", "in", "out")).layer
    assert (layer.name, layer.type, list(layer.bottom), list(layer.top)) == ("up", "Deconvolution", ["in"], ["out"])
    assert [(param.lr_mult, param.decay_mult) for param in layer.param] == [(0, 0)]
    param = layer.convolution_param
    assert (list(param.kernel_size), list(param.stride), list(param.pad)) == ([kernel], [factor], [pad])
    assert (param.num_output, param.group, param.bias_term) == (60, 60, False)
    assert param.weight_filler.type == "bilinear"


def test_deconvolution_prints_as_netspec_does():
    # NetSpec leaves out the .0 of whole numbers, Python does not.
    text = re.sub(r"\.0$", "", prototxt.to_text(parsed(deconvolution(32))), flags=re.MULTILINE)
    assert deconvolution(32) == text


@settings(deadline=None)
@given(factor=st.integers(1, LARGEST), size=st.integers(1, 10**6))
def test_deconvolution_makes_exactly_factor_times_the_size(factor, size):
    param = parsed(deconvolution(factor)).layer[0].convolution_param
    # Caffe's src/caffe/layers/deconv_layer.cpp, compute_output_shape.
    assert param.stride[0] * (size - 1) + param.kernel_size[0] - 2 * param.pad[0] == factor * size


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_read_back_unchanged(name):
    (layer,) = parsed(deconvolution(2, name=name, bottom="b" + name, top="t" + name)).layer
    assert (layer.name, layer.bottom[0], layer.top[0]) == (name, "b" + name, "t" + name)


def test_a_template_of_ones_own_goes_first(tmp_path):
    (tmp_path / "upsample.prototxt.j2").write_text("name: {{ name | quote }}")
    assert deconvolution(2, name="a'b", templates=tmp_path) == 'name: "a\\\'b"\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 0}, "factor is 0; give a whole number from 1"),
        ({"factor": 2.5}, "factor is 2.5; give a whole number"),
        ({"factor": 2, "num_output": True}, "num_output is True"),
        ({"factor": 2, "num_output": "21 }"}, "num_output is '21 }'"),
        ({"factor": LARGEST + 1}, f"to {LARGEST}"),
        ({"factor": 2, "name": ""}, "is empty; give it a name"),
        ({"factor": 2, "name": "\ud800"}, r"'\\ud800' is not Unicode text"),
        ({"factor": 2, "bottom": "a", "top": "a"}, "in place on 'a'; give the top another name"),
    ],
)
def test_deconvolution_refuses_what_caffe_could_not_hold(arguments, message):
    with pytest.raises(DefinitionError, match=message):
        deconvolution(**arguments)


def test_one_layer_needs_nothing_heavy():
    foreign = {"torch", "numpy", "google.protobuf", "fcnkit.generation.nets"}
    code = f"import sys, fcnkit.cli.gen_prototxt; print(sorted({foreign} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
