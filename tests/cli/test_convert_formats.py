"""fcnkit convert from and to every format."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch

import fcnkit


def files() -> set[str]:
    return {path.name for path in Path().iterdir()} - {"fcn8s.caffemodel", "deploy.prototxt"}


def test_several_outputs_and_back(run) -> None:
    result = run("convert fcn8s.caffemodel -o a.pth -o a.h5 -o a.npz -o a.safetensors -o a.caffemodel")
    assert result.output.splitlines()[0] == (
        "fcn8s.caffemodel -> a.pth, a.h5, a.npz, a.safetensors, a.caffemodel, a.prototxt"
    )
    assert "  net = fcnkit.load('a.pth', prototxt='a.prototxt')" in result.output
    for name in ("a.pth", "a.h5", "a.npz", "a.safetensors"):
        result = run(f"convert {name} --prototxt a.prototxt -o back.caffemodel --force")
        assert result.output.splitlines()[0] == f"{name} -> back.caffemodel, back.prototxt"
        assert Path("back.caffemodel").read_bytes() == Path("a.caffemodel").read_bytes()


def test_the_definition_alone(run) -> None:
    result = run("convert --prototxt deploy.prototxt --input-shape 1,3,40,60 -o sized.prototxt")
    names: dict = {}
    exec("\n".join(line.strip() for line in result.output.splitlines()[-2:]), names)
    assert names["net"].shapes["score"] == (1, 4, 40, 60)


def test_levels_and_stages_hold_for_state_dicts_too(run) -> None:
    Path("x.prototxt").write_text(
        'input: "x" input_dim: [1, 2, 3, 3] layer { name: "p" type: "PReLU" bottom: "x" top: "p" }'
        'layer { name: "q" type: "ReLU" bottom: "p" top: "q" include { min_level: 1 stage: "s" } }'
    )
    torch.save({"p.weight": torch.zeros(2)}, "x.pth")
    run("convert x.pth --prototxt x.prototxt --level 1 --stage s -o y.safetensors")
    assert fcnkit.load("y.safetensors").outputs == ("q",)


def test_simplify_reports_what_it_did(run) -> None:
    result = run("convert fcn8s.caffemodel --simplify -o x.safetensors")
    assert result.output.splitlines()[4:9] == [
        "Simplified:",
        "  dropped: drop7",
        "  grouped: upscore2, upscore_pool4, upscore8",
        "  parameters: 546,420 -> 542,964 (-0.6%)",
        "  multiply-adds: 2,560,081,560 -> 2,544,757,656 (-0.6%)",
    ]
    assert "drop7" not in fcnkit.load("x.safetensors").prototxt


def test_nothing_to_simplify(run) -> None:
    result = run("convert fcn8s.caffemodel --fold-batchnorm -o x.safetensors")
    assert result.output.splitlines()[4:6] == ["No BatchNorm to fold.", "Load it:"]
    assert run("convert fcn8s.caffemodel --simplify -o y.safetensors").exit_code == 0
    result = run("convert y.safetensors --simplify -o z.safetensors")
    assert result.output.splitlines()[4:6] == ["Nothing to simplify.", "Load it:"]


def test_legacy_inputs_count_as_layers(run) -> None:
    """As many as summary lists, whichever way the inputs are declared; and the net can be drawn."""
    for option, name in (("", "new"), ("--legacy-inputs", "old")):
        converted = run(f"convert fcn8s.caffemodel {option} -o {name}.safetensors -o {name}.caffemodel")
        assert "  net     shapes-fcn8s: 48 layers, 546,420 parameters\n" in converted.output
        for suffix in ("safetensors", "caffemodel", "prototxt"):
            summary = run(f"summary {name}.{suffix}").output
            assert "\ntotal   48 layers, 546,420 parameters" in summary
            assert "Input          1 x 3 x 500 x 500            0              0                1       1\n" in summary
            assert run(f"draw {name}.{suffix} -o {name}.{suffix}.svg").exit_code == 0
            assert "in pixels of" in run(f"offsets {name}.{suffix}").output


def test_for_edge_toolchains(run) -> None:
    Path("bn.prototxt").write_text(
        'input: "x" input_dim: [1, 3, 8, 8]'
        ' layer { name: "c" type: "Convolution" bottom: "x" top: "c"'
        " convolution_param { num_output: 4 kernel_size: 3 } }"
        ' layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }'
        ' layer { name: "r" type: "ReLU" bottom: "c" top: "c" }'
    )
    result = run(
        "convert --prototxt bn.prototxt --input-shape 2,3,20,30 --fold-batchnorm --legacy-inputs -o e.caffemodel"
    )
    assert "Simplified:\n  folded BatchNorm: b\n" in result.output
    text = Path("e.prototxt").read_text()
    assert text.startswith('input: "x"\ninput_dim: 2\ninput_dim: 3\ninput_dim: 20\ninput_dim: 30\nlayer {\n  name: "c"')
    assert "Input" not in text
    assert "BatchNorm" not in text
    assert fcnkit.load("e.caffemodel").shapes["c"] == (2, 4, 18, 28)
    other = cv2.dnn.readNetFromCaffe("e.prototxt", "e.caffemodel")
    assert next(iter(other.getLayerNames())) == "c"


@pytest.mark.parametrize(
    ("outputs", "lines"),
    [
        ("-o my.py -o my.pth", ["from my import ShapesFcn8s", "net = ShapesFcn8s()"]),
        ("-o my.onnx", ["import onnxruntime", "net = onnxruntime.InferenceSession('my.onnx')"]),
        ("-o my.pt2", ["import torch", "net = torch.export.load('my.pt2').module()"]),
    ],
)
def test_the_lines_that_load_what_is_only_written(run, outputs: str, lines: list[str]) -> None:
    Path("x.prototxt").write_text(
        'name: "shapes-fcn8s" input: "x" input_dim: [1, 3, 8, 8] layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'
    )
    result = run(f"convert --prototxt x.prototxt {outputs}")
    assert [line.strip() for line in result.output.splitlines()[-2:]] == lines


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-o a.pth -o deploy.prototxt", "deploy.prototxt: exists; replace it with --force or choose another"),
        ("-o a.pth -o deploy.caffemodel", "deploy.prototxt: exists; replace it with --force or choose another"),
        ("-o a.pth -o none/a.h5", "none/a.h5: cannot be written: there is no folder 'none'"),
        ("-o a.pth -o a.zip", "a.zip: has no suffix of a known format; known are .safetensors, "),
    ],
)
def test_of_several_outputs_none_is_written_if_one_is_refused(run, line: str, message: str) -> None:
    result = run(f"convert fcn8s.caffemodel {line}")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert not files()
