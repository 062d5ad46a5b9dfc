"""What the templates write, read back by Caffe's own schema."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation import LARGEST, deconvolution, quote

HOSTILE = [
    'a"b',
    "a\nb",
    "a\\",
    '"} layer {',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "\N{GREEK SMALL LETTER ALPHA}",
    "\x00\x7f\t\r",
    "# a",
]


@pytest.mark.parametrize(
    ("factor", "kernel", "pad"),
    [(1, 1, 0), (2, 4, 1), (3, 5, 1), (4, 8, 2), (5, 9, 2), (8, 16, 4), (16, 32, 8), (32, 64, 16), (31, 61, 15)],
)
def test_deconvolution_follows_the_recipe_by_factor(factor, kernel, pad):
    (layer,) = prototxt.parse(deconvolution(factor, 60, "up", "in", "out")).layer
    assert (layer.name, layer.type, list(layer.bottom), list(layer.top)) == ("up", "Deconvolution", ["in"], ["out"])
    assert [(param.lr_mult, param.decay_mult) for param in layer.param] == [(0, 0)]
    param = layer.convolution_param
    assert (list(param.kernel_size), list(param.stride), list(param.pad)) == ([kernel], [factor], [pad])
    assert (param.num_output, param.group, param.bias_term) == (60, 60, False)
    assert param.weight_filler.type == "bilinear"


def printed(text):
    """The text as protobuf prints it; NetSpec leaves out the .0 of whole numbers, Python does not."""
    return re.sub(r"\.0$", "", prototxt.to_text(prototxt.parse(text)), flags=re.MULTILINE)


def test_deconvolution_prints_as_netspec_does():
    text = deconvolution(32)
    assert text == printed(text)


@given(factor=st.integers(1, LARGEST), size=st.integers(1, 10**6))
def test_deconvolution_makes_exactly_factor_times_the_size(factor, size):
    param = prototxt.parse(deconvolution(factor)).layer[0].convolution_param
    # Caffe's src/caffe/layers/deconv_layer.cpp, compute_output_shape.
    assert param.stride[0] * (size - 1) + param.kernel_size[0] - 2 * param.pad[0] == factor * size


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_read_back_unchanged(name):
    (layer,) = prototxt.parse(deconvolution(2, name=name, bottom="b" + name, top="t" + name)).layer
    assert (layer.name, layer.bottom[0], layer.top[0]) == (name, "b" + name, "t" + name)


@given(st.text(min_size=1))
def test_any_unicode_name_reads_back_unchanged(name):
    assert prototxt.parse(f"name: {quote(name)}").name == name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 0}, "factor is 0; give a whole number from 1"),
        ({"factor": 2.5}, "factor is 2.5; give a whole number"),
        ({"factor": 2, "num_output": True}, "num_output is True"),
        ({"factor": 2, "num_output": "21 }"}, "num_output is '21 }'"),
        ({"factor": LARGEST + 1}, f"to {LARGEST}"),
        ({"factor": 2, "name": ""}, "empty name; give it one"),
        ({"factor": 2, "name": "\ud800"}, r"'\\ud800' is not Unicode text"),
        ({"factor": 2, "bottom": "a", "top": "a"}, "in place on 'a'; give the top another name"),
    ],
)
def test_deconvolution_refuses_what_caffe_could_not_hold(arguments, message):
    with pytest.raises(DefinitionError, match=message):
        deconvolution(**arguments)


def test_generate_imports_neither_torch_nor_numpy():
    code = "import sys, fcnkit.generation; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
