"""Prototxt text: what parses, what is printed, and how errors read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnkit.caffe import prototxt
from fcnkit.errors import FileFormatError, PrototxtError, TemplateError

NET = """name: "n"
layer { name: "c" type: "Convolution" bottom: "d" top: "c"
  convolution_param { num_output: 4 kernel_size: [3, 5] } } # a comment
"""


def test_text_survives_the_round_trip() -> None:
    net = prototxt.parse(NET)
    assert list(net.layer[0].convolution_param.kernel_size) == [3, 5]
    assert prototxt.parse(prototxt.to_text(net)) == net


def test_a_solver_parses_as_its_own_kind() -> None:
    assert prototxt.parse("base_lr: 1e-10 lr_policy: 'fixed'", "SolverParameter").base_lr == pytest.approx(1e-10)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('name: "n"\nlayer { nmae: "c" }', 2, 9, 'has no field named "nmae", in: layer { nmae: "c" }'),
        ("layer {\n  convolution_param { bn_param { } }\n}", 2, 23, 'no field named "bn_param"'),
        ('layer { name: "c"', 1, 15, "Expected"),
        ("layer { pooling_param { pool: SUM } }", 1, 31, '"PoolMethod" has no value named "SUM"'),
        ("name: 5", 1, 7, "Expected string"),
    ],
)
def test_errors_give_line_column_and_text(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(PrototxtError) as caught:
        prototxt.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    message = str(caught.value)
    assert message.startswith(f"line {line}, column {column}: ")
    assert words in message
    assert "\n" not in message


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.prototxt"
    path.write_text("layer { oops: 1 }")
    with pytest.raises(PrototxtError, match=rf"^{path}: line 1, column 9: .*oops"):
        prototxt.read(path)


def test_a_binary_file_is_named_as_such(sample: Path) -> None:
    with pytest.raises(FileFormatError, match=r"is a binary file, not a prototxt; is it a .caffemodel?"):
        prototxt.read(sample)


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read: No such file"):
        prototxt.read(tmp_path / "none.prototxt")


def test_comments_may_be_in_any_encoding_and_the_text_may_begin_with_a_mark() -> None:
    text = prototxt.decode(b"\xef\xbb\xbf" + NET.encode() + "# Gr\xf6\xdfe".encode("latin-1"))
    assert prototxt.parse(text).name == "n"


def test_backslashes_of_windows_paths_are_let_through() -> None:
    assert prototxt.parse(r'name: "C:\models\_old"').name.endswith("odels\\_old")


@pytest.mark.parametrize(
    "placeholder", ["$ADAPTED_WIDTH", "${NUM_LABELS}", "{{ classes }}", "{classes}", "<N>", "NUMCLASSES"]
)
def test_templates_are_named_as_such(placeholder: str) -> None:
    text = f'layer {{ name: "l" convolution_param {{\n  num_output: {placeholder}\n}} }}'
    with pytest.raises(TemplateError, match=r"line 2, .*the text is a template: give `values` for") as caught:
        prototxt.parse(text)
    assert caught.value.names == [placeholder.strip("${}<> ")]


def test_a_net_inside_a_solver() -> None:
    """ducha-aiki/caffenet-benchmark prototxt/activations, and BVLC/caffe examples/mnist/lenet_consolidated_solver."""
    solver = 'base_lr: 0.01 solver_type: SGD %s { name: "n" layer { name: "r" type: "ReLU" } }'
    for field in ("net_param", "train_net_param", "test_net_param"):
        net = prototxt.parse(solver % field)
        assert (net.name, net.layer[0].type) == ("n", "ReLU")
    both = solver % "train_net_param" + 'test_net_param { name: "t" layer { name: "r" type: "TanH" } }'
    assert prototxt.parse(both).name == "t"
    net, unknown = prototxt.parse_leniently(solver.replace('"ReLU"', '"ReLU" speed: 3') % "net_param")
    assert [(each.path, each.layers, each.position) for each in unknown] == [(("speed",), "layer", 0)]


def test_a_solver_with_its_net() -> None:
    """As ducha-aiki/caffenet-benchmark prototxt/architectures/NiN128_no_drop_in_place.prototxt."""
    text = """base_lr: 0.01
        net_param { name: "n" own: 3
          layer { name: "a" type: "ReLU" bottom: "x" top: "a" }
          layer { name: "b" type: "ReLU" bottom: "a" top: "b" unheard: 1 } }
        unheard_of: 2"""
    net, unknown = prototxt.parse_leniently(text)
    assert [layer.name for layer in net.layer] == ["a", "b"]
    assert [(each.name, each.line) for each in unknown] == [("own", 2), ("unheard", 4)]
    assert [(each.layers, each.position) for each in unknown] == [("", 0), ("layer", 1)]
