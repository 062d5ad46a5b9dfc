"""Templates of one's own, and what keeps names and templates from doing harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnkit.caffe import prototxt
from fcnkit.generation.nets import generate
from fcnkit.generation.rendering import TemplateError, quote


def by_name(text):
    return {layer.name: layer for layer in prototxt.parse(text).layer}


@given(st.text(min_size=1))
def test_any_unicode_name_reads_back_unchanged(name):
    assert prototxt.parse(f"name: {quote(name)}").name == name


def test_a_folder_of_templates_goes_first(tmp_path):
    (tmp_path / "data_voc.prototxt.j2").write_text(
        '{% from "layers.prototxt.j2" import layer %}\n{{ layer("data", "MemoryData", [], net.tops) }}\n'
    )
    assert by_name(generate("voc-fcn8s", templates=tmp_path))["data"].type == "MemoryData"
    assert generate("voc-fcn8s", "deploy", templates=tmp_path) == generate("voc-fcn8s", "deploy")


def test_a_backbone_of_ones_own(tmp_path):
    (tmp_path / "backbone_tiny.prototxt.j2").write_text(
        '{% from "layers.prototxt.j2" import conv, pool with context %}\n'
        '{% set features, skips, odd_kernels, dense_pad = "top", {16: {"name": "half", "blob": "half"}}, false, 0 %}\n'
        "{% macro backbone(bottom) %}\n"
        '{{ conv("half", bottom, 8, kernel=32, stride=16, pad=100) }}\n'
        '{{ conv("top", "half", 8, kernel=6, stride=2) }}\n'
        "{% endmacro %}\n"
    )
    layers = by_name(generate("fcn", backbone="tiny", stride=16, upsampling="dense", templates=tmp_path))
    # half = x/16 + (100 - 15.5)/16 and top = half/2 - 1.25; back up, 2 top + 1.5 = half - 1, and 16 times that + 15.5.
    assert [layers[name].crop_param.offset[0] for name in ("score_halfc", "score")] == [1, 84]
    assert layers["half"].convolution_param.weight_filler.type == "msra"
    # Each padded upsampling begins half a stride later: by 1, which is 16 pixels, and by 8.
    layers = by_name(generate("fcn", backbone="tiny", stride=16, templates=tmp_path))
    assert [layers[name].crop_param.offset[0] for name in ("score_halfc", "score")] == [2, 84 - 16 - 8]


def test_a_backbone_that_imports_layers_without_context_has_no_fillers(tmp_path):
    (tmp_path / "backbone_tiny.prototxt.j2").write_text(
        '{% from "layers.prototxt.j2" import conv %}\n'
        '{% set features, skips, odd_kernels = "top", {}, false %}\n'
        '{% macro backbone(bottom) %}{{ conv("top", bottom, 8, kernel=32, stride=32, pad=100) }}{% endmacro %}\n'
    )
    layers = by_name(generate("fcn", backbone="tiny", upsampling="dense", templates=tmp_path))
    assert not layers["top"].convolution_param.HasField("weight_filler")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "data_voc",
            "{{ nothing }}",
            "template data_voc.prototxt.j2:1 from fcn.prototxt.j2:.*: 'nothing' is undefined",
        ),
        ("data_voc", "\n{% if %}", "template data_voc.prototxt.j2:2: Expected an expression"),
        ("data_voc", "layer {", "the templates do not give a valid prototxt: line"),
        ("data_voc", "{{ ''.__class__.__mro__ }}", "template data_voc.prototxt.j2:1 .*unsafe"),
        ("data_voc", "{{ 1 // 0 }}", "template data_voc.prototxt.j2:1 .*by zero"),
        ("data_voc", "{% include 'gone.j2' %}", "template data_voc.prototxt.j2:1 .*gone.j2"),
        ("backbone_vgg16", "{% macro backbone(bottom) %}{% endmacro %}", "no attribute 'features'"),
    ],
)
def test_broken_templates_say_where(tmp_path, name, text, message):
    (tmp_path / f"{name}.prototxt.j2").write_text(text)
    with pytest.raises(TemplateError, match=message):
        generate("voc-fcn8s", templates=tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(TemplateError, match="is not a folder of templates"):
        generate("voc-fcn8s", templates=tmp_path / "gone")
