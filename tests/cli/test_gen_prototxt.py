"""fcnkit gen-prototxt, as its user sees it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.generation.classifiers import CLASSIFIERS
from fcnkit.generation.nets import deconvolution, generate, generate_solver
from fcnkit.generation.options import Net


def run(*arguments):
    return CliRunner().invoke(main, ["gen-prototxt", *arguments])


def test_factor_prints_one_layer():
    result = run("--factor", "32")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == deconvolution(32, 21, "upsample", "score", "upscore")


def test_names_and_channels_are_taken_over():
    result = run("--factor", "5", "--num-output", "3", "--name", "é", "--bottom", 'b"', "--top", "t\n")
    assert result.stdout_bytes == deconvolution(5, 3, "é", 'b"', "t\n").encode()


@pytest.mark.parametrize("factor", ["0", "-3", "2.5", "x"])
def test_a_factor_that_is_no_positive_integer_is_a_usage_error(factor):
    result = run("--factor", factor)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--factor'" in result.stderr


@pytest.mark.parametrize("classes", ["0", "-1", "1.5", ""])
def test_channels_that_are_no_positive_integer_are_a_usage_error(classes):
    result = run("--factor", "2", "--num-output", classes)
    assert result.exit_code == 2
    assert "Invalid value for '--num-output'" in result.stderr


def test_an_empty_name_is_one_line():
    result = run("--factor", "2", "--name", "")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: the name of a layer or blob is empty; give it a name\n"


def test_output_goes_to_a_file_and_replaces_one_only_by_force(tmp_path):
    path = tmp_path / "up.prototxt"
    assert run("--factor", "2", "-o", str(path)).output == ""
    assert path.read_text() == deconvolution(2)
    again = run("--factor", "4", "-o", str(path))
    assert again.exit_code == 1
    assert "exists; replace it with --force" in again.stderr
    assert path.read_text() == deconvolution(2)
    assert run("--factor", "4", "-o", str(path), "--force").exit_code == 0
    assert path.read_text() == deconvolution(4)


def test_the_helps_examples_run(tmp_path, monkeypatch, run_examples):
    monkeypatch.chdir(tmp_path)
    assert len(run_examples("gen-prototxt")) == 7
    assert prototxt.read("deploy.prototxt") == prototxt.parse(generate("voc-fcn8s", "deploy"))


def test_list():
    lines = run("--list").stdout.splitlines()
    assert lines[0].split() == ["net", "dataset", "classes", "backbone", "strides", "mean", "IU", "weights"]
    assert (
        "siftflow-fcn16s        SIFT Flow       sem 33, geo 3  vgg16     32, 16     -        "
        "http://dl.caffe.berkeleyvision.org/siftflow-fcn16s-heavy.caffemodel"
    ) in lines
    assert lines[16:18] == ["", lines[17]]
    assert lines[17].split() == ["classifier", "input", "weights"]
    assert lines[18].split() == [
        *("alexnet", "227", "x", "227", "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel")
    ]
    assert len(lines) == 18 + len(CLASSIFIERS)


def test_classifiers_are_for_inference():
    for arguments in (("vgg16",), ("vgg16", "--phase", "deploy")):
        assert run(*arguments).stdout == generate("vgg16")
    for option in (("--phase", "train"), ("--solver",), ("--stride", "8"), ("--set", "a=1")):
        result = run("vgg16", *option)
        assert result.exit_code == 2
        assert f"Error: {option[0]} has no effect with vgg16; leave it out" in result.stderr


@pytest.mark.parametrize("phase", ["trainval", "test", "deploy"])
def test_published_nets(phase):
    assert run("nyud-fcn32s-color-hha", "--phase", phase).stdout == generate("nyud-fcn32s-color-hha", phase)


def test_published_nets_take_settings_of_their_data():
    text = run("voc-fcn8s", "--set", "sbdd_dir=/data/sbdd", "--set", "seed=1").stdout
    assert text == generate(Net(stride=8, settings={"sbdd_dir": "/data/sbdd", "seed": 1}))


def test_solvers():
    assert run("voc-fcn8s", "--solver").stdout == generate_solver("voc-fcn8s")
    changed = run("voc-fcn8s", "--solver", "--set", "base_lr=1e-9", "--set", "train_net=my.prototxt").stdout
    assert changed == generate_solver("voc-fcn8s", {"base_lr": 1e-9, "train_net": "my.prototxt"})
    assert run("fcn", "--stride", "16", "--solver").stdout == generate_solver("fcn", stride=16)


def test_own_nets_by_all_options(tmp_path):
    (tmp_path / "data_mine.prototxt.j2").write_text("layer { name: {{ net.settings.x | quote }} top: 'data' }\n")
    result = run(
        *("fcn", "--backbone", "googlenet", "--average-pool", "--stride", "8", "--at-once", "--pad", "140"),
        *("--upsampling", "bilinear", "--heads", 'a"b:2,c:3', "--weighting", 'a"b:1,2', "--weighting", "c:1,2,.5"),
        *("--normalize", "--data-layer", "mine", "--templates", str(tmp_path), "--set", "x=y z"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == generate(
        "fcn",
        backbone="googlenet",
        average_pool=True,
        stride=8,
        at_once=True,
        pad=140,
        upsampling="bilinear",
        heads={'a"b': 2, "c": 3},
        weights={'a"b': [1.0, 2.0], "c": [1.0, 2.0, 0.5]},
        normalize=True,
        data="mine",
        settings={"x": "y z"},
        templates=tmp_path,
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fillers": "none"},
        {"fillers": "xavier"},
        {"upsampling": "dense"},
        {"fillers": "none", "upsampling": "bilinear"},
    ],
)
def test_fillers_and_upsampling_are_chosen_together(options):
    result = run("fcn", *(word for name, value in options.items() for word in (f"--{name}", value)))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == generate("fcn", **options)
    fillers = options.get("fillers", "msra")
    expected = options.get("upsampling", "dense" if fillers == "none" else "bilinear")
    assert (f'type: "{fillers}"' in result.stdout) == (fillers != "none")
    assert ('type: "bilinear"' in result.stdout) == (expected == "bilinear")


def test_weights_of_an_only_head():
    result = run("fcn", "--classes", "2", "--weighting", "1,0.25")
    assert result.stdout == generate("fcn", classes=2, weights={"": [1.0, 0.25]})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "give one of NET, --factor and --list"),
        ("voc-fcn8s --factor 2", "give one of NET, --factor and --list"),
        ("voc-fcn9s", "unknown net 'voc-fcn9s' (did you mean 'voc-fcn8s'?); the nets are fcn, voc-fcn32s, "),
        ("voc-fcn8s --classes 4", "--classes has no effect with voc-fcn8s; leave it out"),
        ("voc-fcn8s --name x", "--name has no effect with voc-fcn8s; leave it out"),
        ("--factor 2 --phase val", "--phase has no effect with --factor; leave it out"),
        ("--list --stride 8", "--stride has no effect with --list; leave it out"),
        ("fcn --solver --phase val", "--phase has no effect with --solver; leave it out"),
        ("voc-fcn8s --phase tests", "unknown phase 'tests'; the phases are train, val and deploy"),
        ("fcn --stride 5", "'5' is not one of '32', '16', '8', '4'"),
        ("fcn --classes 4 --heads a:2", "give --classes for one head or --heads for several, not both"),
        ("fcn --heads a:x", "'a:x' is not of the form NAME:CLASSES, or its name is repeated; write sem:33,geo:3"),
        ("fcn --heads a:1,a:2", "'a:2' is not of the form NAME:CLASSES"),
        ("fcn --weighting 1,b", "'1,b' is not a list of numbers, one for each class; write 0.5,1,1"),
        ("fcn --weighting 1,2", "2 weights for 21 classes; give one for each class"),
        ("fcn --set x", "'x' is not of the form KEY=VALUE"),
        (
            "fcn --data-layer hdf5 --set sauce=foo.txt",
            "sauce: not a setting of the data layer hdf5 (did you mean 'source'?); the settings are batch_size",
        ),
        ("fcn --solver --set lr=1", "'lr' is not a field of a solver, such as base_lr or max_iter"),
        ("fcn --at-once", "a net of stride 32 has none; give 16, 8 or 4"),
        ("fcn --templates gone", "Directory 'gone' does not exist"),
    ],
)
def test_options_that_cannot_be_are_usage_errors(line, message):
    result = run(*line.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


def test_a_crop_without_an_offset_is_one_line():
    result = run("fcn", "--pad", "10", "--upsampling", "dense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Crop 'score': the offset would be -71, below 0; give 'conv1_1' a pad of 81")
    assert result.stderr.count("\n") == 1
