"""A misspelt name is answered with the name that is most like it."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

import fcnkit
from fcnkit.cli import main
from fcnkit.errors import FcnkitError, nearest
from fcnkit.generation.nets import generate
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "shapes-fcn8s.caffemodel"


def test_the_nearest_name() -> None:
    known = ["conv1_1", "conv1_2", "fc6", "Score"]
    assert nearest("conv1-1", known) == " (did you mean 'conv1_1'?)"
    assert nearest("SCORE", known) == " (did you mean 'Score'?)"
    assert nearest("resnet", ["alexnet", "vgg16"]) == ""
    assert nearest("", known) == nearest("x", []) == ""


def test_names_of_any_length_take_no_time() -> None:
    start = time.monotonic()
    assert nearest("a" * 10**6, ["a" * 10**6, "a" * 90]) == ""
    assert nearest("a" * 89, ["a" * 10**6, "a" * 90]) == f" (did you mean '{'a' * 90}'?)"
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("convrt x", 2, "No such command 'convrt' (did you mean 'convert'?)."),
        ("train-fcn", 2, "No such command 'train-fcn' (did you mean 'train fcn'?)."),
        ("x", 2, "No such command 'x'."),
        ("convert x --prototext y", 2, "No such option '--prototext'. Did you mean '--prototxt'?"),
        ("train voc-fcn32", 2, "'voc-fcn32' is neither a solver's file nor a net (did you mean 'voc-fcn32s'?)"),
        ("gen-prototxt vgg-16", 2, "unknown net 'vgg-16' (did you mean 'vgg16'?); the nets are fcn, voc-fcn32s"),
        ("gen-prototxt fcn --backbone vgg-16", 1, "unknown backbone 'vgg-16' (did you mean 'vgg16'?); choose from"),
        ("gen-prototxt fcn --data-layer image", 1, "unknown data layer 'image' (did you mean 'images'?); choose from"),
        ("gen-prototxt voc-fcn8s --set sbd_dir=x", 2, "(did you mean 'sbdd_dir'?); the settings are"),
        ("gen-prototxt fcn --solver --set baselr=1", 2, "is not a field of a solver (did you mean 'base_lr'?)"),
        (f"init voc-fcn8 --from {EXAMPLE}", 1, "voc-fcn8: is neither a net nor a prototxt (did you mean 'voc-fcn8s'?)"),
        (f"predict {EXAMPLE} x.png --blob scor", 1, "has no output 'scor' (did you mean 'score'?); it has score"),
        (f"predict {EXAMPLE} x.png --heatmap triangl --classes {ROOT}/examples/shapes.txt", 1,
         "there is no class 'triangl' (did you mean 'triangle'?); the classes are"),
        (f"predict {EXAMPLE} x.png --heatmap circle", 1, "or 0 to 3; give their names with --classes"),
        (f"predict {EXAMPLE} x.png --classes siftflow_geo", 1, "nor a file (did you mean 'siftflow-geo'?)"),
        (f"convert {EXAMPLE} --target tensrt -o x.caffemodel", 1, "(did you mean 'tensorrt'?); the targets are"),
        (f"convert {EXAMPLE} --input-shape dat=1,3,60,60 -o x.caffemodel", 1, "no input 'dat' (did you mean 'data'?)"),
        (f"summary {EXAMPLE} --net voc-fcn8", 1, "unknown net 'voc-fcn8' (did you mean 'voc-fcn8s'?)"),
    ],
)  # fmt: skip
def test_errors_of_commands(
    line: str, status: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.png").touch()
    result = CliRunner().invoke(main, line.split())
    assert message in result.output.splitlines()[-1]
    assert result.exit_code == status, result.output


def test_layers_and_heads(tmp_path: Path) -> None:
    from fcnkit.train.fcn.planning import plan

    with pytest.raises(FcnkitError, match=r"no fully connected layer is called 'fc_6', .*did you mean 'fc6'\?"):
        fcnkit.fc2conv(_classifier(tmp_path), tmp_path / "out.caffemodel", kernel={"fc_6": (2, 2)})
    fcnkit.fc2conv(_classifier(tmp_path), tmp_path / "conv.caffemodel")
    fcnkit.save(fcnkit.load(tmp_path / "conv.caffemodel"), tmp_path / "conv.pth")
    for name in ("conv.caffemodel", "conv.pth"):
        with pytest.raises(FcnkitError, match=r"has no filters of a layer 'fc_6' \(did you mean 'fc6'\?\), 'x'$"):
            fcnkit.fc2conv(tmp_path / name, tmp_path / f"back-{name}", back=True, layers=["fc_6", "x"])
    with pytest.raises(FcnkitError, match=r"`labels` has 'geom', which is not a head \(did you mean 'geo'\?\)"):
        plan("siftflow-fcn32s", "images", {"sem": "a", "geom": "b"})


def _classifier(folder: Path) -> Path:
    text = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
    layer { name: "fc6" type: "InnerProduct" bottom: "data" top: "fc6" inner_product_param { num_output: 3 } }"""
    (folder / "net.prototxt").write_text(text)
    fcnkit.save(fcnkit.load(folder / "net.prototxt"), folder / "net.caffemodel")
    return folder / "net.caffemodel"


def test_phases_are_words_in_any_case() -> None:
    assert generate("voc-fcn8s", "TEST") == generate("voc-fcn8s", "val")
    for phase, training in (("TEST", False), ("val", False), ("Train", True)):
        assert fcnkit.load(EXAMPLE, phase=phase).training == training


def test_the_version() -> None:
    assert fcnkit.__version__ == version("fcnkit")
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == fcnkit.__version__
