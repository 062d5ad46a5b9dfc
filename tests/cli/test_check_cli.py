"""fcnkit check, and convert --target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from torch import nn

import fcnkit
from fcnkit.export.targets import TARGETS

# The problems of the sample model, a thin FCN-8s whose last Deconvolution has a kernel of 16 and a stride of 8.
SAMPLE = {
    "ascend": [("drop7", "not known", "no document states this type of layer")],
    "horizon": [("upscore8", "slow", "kernel 16 (limit: 2 to 14)"), ("upscore8", "slow", "stride 8 (limit: 2 or 4)")],
    "sigmastar": [("upscore8", "refused", "height x width of the kernel 256 (limit: at most 63)")],
}


def test_the_helps_examples_run(
    run: Callable[[str], Result], run_examples: Callable[[str], list[Result]]
) -> None:  # fmt: skip
    for result in run_examples("check"):
        assert result.exit_code == 0


@pytest.mark.parametrize("target", TARGETS)
def test_the_sample_model(target: str, run: Callable[[str], Result]) -> None:
    result = run(f"check fcn8s.caffemodel --target {target}")
    expected = SAMPLE.get(target, [])
    lines = result.output.splitlines()
    found = [line for line in lines if line.startswith(("upscore8 ", "drop7 "))]
    assert len(found) == len(expected)
    for line, parts in zip(found, expected, strict=True):
        assert all(part in line for part in parts)
    count = f"{len(expected)} problem{'s' * (len(expected) != 1)}"
    assert f"fcn8s.caffemodel: 47 layers, {count} for {TARGETS[target].title}" in lines
    assert [line for line in lines if line.startswith("not known: ")] == [
        f"not known: {fact}" for fact in TARGETS[target].not_known
    ]
    assert result.exit_code == any(verdict != "not known" for _, verdict, _ in expected)


def test_a_report_names_ways_out_and_sources(run: Callable[[str], Result]) -> None:
    result = run("check fcn8s.caffemodel --target horizon -o report.txt")
    assert (result.exit_code, result.output) == (1, "")
    assert Path("report.txt").read_text() == (
        "layer     type           problem  limit\n"
        "upscore8  Deconvolution  slow     kernel 16 (limit: 2 to 14)\n"
        "upscore8  Deconvolution  slow     stride 8 (limit: 2 or 4)\n"
        "\n"
        "kernel 16 (limit: 2 to 14): upsample in two steps\n"
        "stride 8 (limit: 2 or 4): upsample in steps of 2 or 4\n"
        f"source: {TARGETS['horizon'].sources['list']}\n"
        "\n"
        "fcn8s.caffemodel: 47 layers, 2 problems for Horizon X3\n"
        "not known: how the limits on memory of one layer are computed\n"
    )


def test_the_list_names_every_target_and_source(run: Callable[[str], Result]) -> None:
    output = " ".join(run("check --list").output.split())
    for target in TARGETS.values():
        assert f"{target.name}: {target.title}" in output
        assert all(" ".join(source.split()) in output for source in target.sources.values())


@pytest.mark.parametrize(
    ("line", "status", "problem"),
    [
        ("check", 2, "give FILE and --target, or --list"),
        ("check fcn8s.caffemodel", 2, "give FILE and --target, or --list"),
        (
            "check fcn8s.caffemodel --target chip",
            1,
            "Error: unknown --target 'chip'; the targets are bvlc, bvlc-1.0, ascend",
        ),
        ("check nothing.caffemodel --target ncnn", 1, "Error: nothing.caffemodel: cannot be read"),
        (
            "convert fcn8s.caffemodel --target chip",
            1,
            "unknown --target 'chip'; the targets are bvlc, bvlc-1.0, ascend",
        ),
        (
            "convert fcn8s.caffemodel --target sigmastar -o out.caffemodel",
            1,
            "Error: fcn8s.caffemodel: 1 problem for SigmaStar IPU SDK: layer 'upscore8' (Deconvolution): height x width"
            " of the kernel 256 (limit: at most 63) (way out: use a smaller kernel, or two layers)",
        ),
    ],
)
def test_mistakes(line: str, status: int, problem: str, run: Callable[[str], Result]) -> None:
    result = run(line)
    assert result.exit_code == status
    assert problem in result.output
    assert not Path("out.caffemodel").exists()


def test_convert_for_a_target(run: Callable[[str], Result], tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(
        'input: "x" input_dim: [1, 2, 7, 8] layer { name: "c" type: "Convolution" bottom: "x" top: "c"'
        " convolution_param { num_output: 2 kernel_size: 2 kernel_size: 3 } }"
        ' layer { name: "p" type: "Pooling" bottom: "c" top: "p"'
        " pooling_param { kernel_size: 2 stride: 2 ceil_mode: false } }"
    )
    assert run("check net.prototxt --target ncnn").exit_code == 1
    assert run("convert --prototxt net.prototxt -o net.safetensors").exit_code == 0
    result = run("convert net.safetensors --target tensorrt -o edge.caffemodel")
    assert result.exit_code == 0, result.output
    text = Path("edge.prototxt").read_text()
    assert "torch_pooling: true" in text
    assert "kernel_h: 2" in text
    assert run("check edge.caffemodel --prototxt edge.prototxt --target tensorrt").exit_code == 0
    blob = np.random.default_rng(0).standard_normal((1, 2, 7, 8), dtype=np.float32)
    import torch

    with torch.no_grad():
        values = [
            fcnkit.load(*names)(torch.from_numpy(blob))
            for names in (("net.safetensors",), ("edge.caffemodel", "edge.prototxt"))
        ]
    assert torch.equal(*values)


def test_convert_remarks_what_is_slow(run: Callable[[str], Result]) -> None:
    result = run("convert fcn8s.caffemodel --target horizon -o edge.caffemodel")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "fcn8s.caffemodel: slow: layer 'upscore8' (Deconvolution): kernel 16 (limit: 2 to 14)",
        "fcn8s.caffemodel: slow: layer 'upscore8' (Deconvolution): stride 8 (limit: 2 or 4)",
    ]
    assert Path("edge.prototxt").exists()


def test_convert_remarks_once_what_is_slow_in_a_program(run: Callable[[str], Result]) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 9), nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.randn(1, 3, 12, 11),)), "exported.pt2")
    result = run("convert exported.pt2 --target horizon -o edge.caffemodel")
    assert result.exit_code == 0, result.output
    remark = "exported.pt2: slow: layer '0' (Convolution): kernel 9 (limit: 1 to 7)"
    assert [line for line in result.stderr.splitlines() if "slow" in line] == [remark]
