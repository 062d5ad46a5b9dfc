"""fcnkit upgrade, as a user runs it."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fcnkit.caffe import prototxt
from fcnkit.cli import main
from tests.paths import LEGACY

OLD_SOLVER = 'net: "n"\nsolver_type: NESTEROV\n'
NEW_NET = '# kept\nname: "\u00fc"\nlayer { name: "a" type: "ReLU" }\r\n'


def run(*arguments):
    return CliRunner().invoke(main, ["upgrade", *map(str, arguments)])


def error(*arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.removeprefix("Error: ").removesuffix("\n")


@pytest.mark.parametrize("case", ["v0", "v1", "v2_input_fields"])
def test_nets_equal_what_caffe_wrote(case, tmp_path):
    old, new = LEGACY / case / "net.prototxt", tmp_path / "new.prototxt"
    caffes = prototxt.read(LEGACY / case / "upgraded.prototxt")
    result = run(old)
    assert (result.exit_code, result.stderr) == (0, "")
    assert prototxt.parse(result.stdout) == caffes
    result = run(old, "-o", new)
    assert (result.exit_code, result.output) == (0, "")
    assert prototxt.read(new) == caffes
    assert [path.name for path in tmp_path.iterdir()] == ["new.prototxt"]


def test_a_solver(tmp_path):
    (tmp_path / "solver.prototxt").write_text(OLD_SOLVER)
    assert run(tmp_path / "solver.prototxt").stdout == 'net: "n"\ntype: "Nesterov"\n'


@pytest.mark.parametrize("text", [NEW_NET, 'net: "n" type: "SGD" # kept', ""])
def test_present_files_are_passed_on_as_they_are(tmp_path, text):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(text.encode())
    assert run(old).stdout_bytes == text.encode()
    assert run(old, "-o", new).exit_code == 0
    assert new.read_bytes() == text.encode()


def test_a_file_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "solver.prototxt"
    path.write_text(OLD_SOLVER)
    assert error(path, "-o", path) == f"{path}: exists; replace it with --force or choose another output"
    assert path.read_text() == OLD_SOLVER
    assert run(path, "-o", path, "--force").exit_code == 0
    assert path.read_text() == 'net: "n"\ntype: "Nesterov"\n'


def test_what_is_wrong_with_a_file(tmp_path):
    path = tmp_path / "old.prototxt"
    assert error(path) == f"{path}: cannot be read: No such file or directory"
    path.write_text('layers { layer { name: "a" type: "conf" } }')
    assert error(path) == f"{path}: layer 'a': unknown V0 type 'conf'"
    path.write_text('type: "SGD" solver_type: SGD')
    assert error(path) == f"{path}: the solver has 'type' and its old form 'solver_type'; remove 'solver_type'"
    path.write_text(OLD_SOLVER)
    assert error(path, "-o", tmp_path / "none" / "a") == (
        f"{tmp_path}/none/a: cannot be written: there is no folder '{tmp_path}/none'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name: "n"\nlayer { nam: "a" }', "line 2, column 9: "),
        ('net: "n"\nbase_lr: x', "line 2, column 10: "),
        ("# neither\n  foo: 1", "line 2, column 3: "),
    ],
)
def test_errors_are_those_of_the_kind_of_file_it_is(tmp_path, text, message):
    (tmp_path / "a").write_text(text)
    assert error(tmp_path / "a").startswith(f"{tmp_path}/a: {message}")


def test_usage():
    assert run().exit_code == 2
    assert "Upgrade nets and solvers of older versions of Caffe." in CliRunner().invoke(main, ["--help"]).output


def test_the_examples_of_the_help_run(tmp_path, monkeypatch, run_examples):
    monkeypatch.chdir(tmp_path)
    shutil.copy(LEGACY / "v0" / "net.prototxt", "old.prototxt")
    Path("solver.prototxt").write_text(OLD_SOLVER)
    shutil.copy(LEGACY / "v0" / "net.caffemodel", "old.caffemodel")
    assert len(run_examples("upgrade")) == 4
    assert prototxt.read("new.prototxt") == prototxt.read(LEGACY / "v0" / "upgraded.prototxt")
    assert 'type: "Nesterov"' in Path("solver.prototxt").read_text()
