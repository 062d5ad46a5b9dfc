"""The package as others get it: an sdist, the wheel that is made of it, and the commands of that wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.paths import ROOT

# Made by tools, at the top of a checkout or anywhere below.
MADE = (".*", "__pycache__", "build", "dist", "demo", "*.egg-info")
FOLDERS = ("benchmarks", "docs", "examples", "fcnkit", "proto", "templates", "tests")


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of a copy, since setuptools leaves folders of its own behind."""
    copy = tmp_path_factory.mktemp("sdist") / "fcnkit"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*MADE))
    make = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    call(sys.executable, "-W", "ignore", "-c", make, copy.parent, cwd=copy)
    (made,) = copy.parent.glob("*.tar.gz")
    return made


def test_an_sdist_has_all_that_the_suite_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    wanted = {
        path.relative_to(ROOT)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyo")
    }
    names = ("Makefile", "README.md", "CONTRIBUTING.md", "LICENSE", "constraints.txt", "pyproject.toml", "setup.py")
    assert not {*wanted, *map(Path, names)} - held


@pytest.fixture(scope="module")
def site(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed; the packages that it needs are there already."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    call(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, sdist, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    call(*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel, cwd=folder)
    return folder / "site"


def test_the_wheels_commands_run(site: Path, sample: Path, tmp_path: Path) -> None:
    def fcnkit(*arguments: str | Path) -> str:
        return call(site / "bin" / "fcnkit", *arguments, cwd=tmp_path, PYTHONPATH=str(site))

    where = call(sys.executable, "-c", "import fcnkit; print(fcnkit.__file__)", cwd=tmp_path, PYTHONPATH=str(site))
    assert where.strip() == str(site / "fcnkit" / "__init__.py")
    assert 'name: "upscore8"' in fcnkit("gen-prototxt", "voc-fcn8s")
    assert "net = fcnkit.load('fcn8s.safetensors')" in fcnkit("convert", sample, "-o", "fcn8s.safetensors")
    (tmp_path / "classifier.prototxt").write_text(
        'input: "x" input_dim: [1, 3, 4, 5] layer { name: "fc6" type: "InnerProduct" bottom: "x" top: "y"'
        " inner_product_param { num_output: 2 } }"
    )
    fcnkit("convert", "--prototxt", "classifier.prototxt", "-o", "small.caffemodel")
    assert "(2, 60) -> (2, 3, 4, 5)" in fcnkit("fc2conv", "small.caffemodel", "-o", "conv.caffemodel")


def test_the_wheel_is_typed(site: Path) -> None:
    assert (site / "fcnkit" / "py.typed").exists()
    assert (site / "fcnkit" / "caffe" / "messages.pyi").exists()
