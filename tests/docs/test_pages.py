"""The documentation: its examples run and print what it shows, its links lead somewhere, and it names every option."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.cli import main
from tests.docs import commands
from tests.docs.pages import KINDS, PAGES, Block, blocks, check_console, check_python
from tests.paths import DATA, ROOT
from tests.surgery.torchvision_states import vgg

# Options of other programs that the pages name.
FOREIGN = {"--nproc-per-node", "--count"}
RUN = [page for page in PAGES if any(block.kind in ("console", "python") for block in blocks(page))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it is after `make demo`, with torchvision's VGG16, without values, beside it."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "demo" / "labels").mkdir(parents=True)
    for index in range(6):
        shutil.copy(DATA / "shapes" / f"label{index}.png", folder / "demo" / "labels" / f"image{index}.png")
    model = folder / "demo" / "shapes-fcn8s.safetensors"
    fcnkit.save(fcnkit.convert(ROOT / "examples" / "shapes-fcn8s.caffemodel"), model)
    images = [str(ROOT / "examples" / f"image{index}.png") for index in range(6)]
    result = CliRunner().invoke(main, ["predict", str(model), *images, "-o", str(folder / "demo" / "predictions")])
    assert result.exit_code == 0, result.output
    torch.save(dict(vgg(16)), folder / "vgg16.pth")
    return folder


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_examples(page: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(demo, tmp_path / "run", symlinks=True)
    monkeypatch.chdir(tmp_path / "run")
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.kind == "console":
            check_console(block)
        elif block.kind == "python":
            check_python(block, names)
    # Some pages write hundreds of megabytes.
    shutil.rmtree(tmp_path / "run")


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        ("upsample\n", False),
        ("layer {\n...\n", True),
        ('layer {\n  name: "..."\n...\n}\n', True),
        ("layer {\n...\nlayer {\n...\n", False),
        ("...\nError: none\n", False),
    ],
)
def test_a_page_that_shows_other_output_fails(shown: str, agrees: bool) -> None:
    block = Block("console", f"$ fcnkit gen-prototxt --factor 2\n{shown}", 1)
    if agrees:
        check_console(block)
    else:
        with pytest.raises(AssertionError):
            check_console(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_fences(page: Path) -> None:
    text = page.read_text()
    assert {block.kind for block in blocks(page)} <= KINDS
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_checkout_that_pages_name_are_there(page: Path) -> None:
    named = re.findall(r"`((?:tests|fcnkit|benchmarks|proto)/[\w/.-]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def command_params() -> dict[str, list[click.Parameter]]:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command.params for name, command in found.items() if command is not None}


def test_every_command_and_option_is_on_a_page() -> None:
    texts = [page.read_text() for page in PAGES if page.name != "CONTRIBUTING.md"]
    for name, params in command_params().items():
        described = [text for text in texts if f"fcnkit {name}" in text]
        assert described, f"fcnkit {name} is on no page"
        words = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", "\n".join(described)))
        missing = [p.opts for p in params if isinstance(p, click.Option) and not words & set(p.opts)]
        assert missing == [], f"options of fcnkit {name} that no page with the command names"


def test_pages_name_no_option_that_is_not_there() -> None:
    known = {opt for params in command_params().values() for param in params for opt in param.opts}
    known |= FOREIGN | {"--help", "--version"}
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text()))
        assert named <= known, page


def test_the_page_of_commands_is_up_to_date() -> None:
    assert commands.PAGE.read_text() == commands.page(), "run `make docs`"
