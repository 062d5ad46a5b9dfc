"""The blocks of code on the pages of the documentation, and how they are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from fcnkit.cli import main
from tests.paths import ROOT

# Written by people; docs/cli.md is generated.
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "cli.md")
PAGES += [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")]
KINDS = {"console", "python", "text", "sh"}


class Block(NamedTuple):
    """A fenced block: the word behind its fence, its text, and the line on which it begins."""

    kind: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in found]


def check_python(block: Block, names: dict[str, Any]) -> None:
    """Run a block of Python; names live on in the next one of the page."""
    exec(compile("\n" * block.line + block.text, "page", "exec"), names)


def check_console(block: Block) -> None:
    """Run the commands behind `$` and compare all that they print.

    `...` stands for any text: within a line, or alone on a line for any number of lines. A command must succeed unless
    its output is an error; `echo $?` shows the exit status of the one before.
    """
    commands = [command.partition("\n")[::2] for command in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]]
    shown = {at - 1: int(output) for at, (line, output) in enumerate(commands) if line == "echo $?"}
    for at, (line, expected) in enumerate(commands):
        if line == "echo $?":
            continue
        program, *arguments = shlex.split(line)
        assert program == "fcnkit", f"{line!r} is no command of fcnkit"
        result = CliRunner().invoke(main, arguments)
        status = shown.get(at, int(expected.startswith("Error: ")))
        assert result.exit_code == status, f"{line}\n{result.output}"
        if expected or not result.output:
            assert re.fullmatch(_pattern(expected), result.output), f"{line}\n{expected}\n--- but ---\n{result.output}"


def _pattern(expected: str) -> str:
    """A pattern for what a page shows of an output."""
    lines = (r"(?:.*\n)*" if line == "...\n" else _within(line) for line in expected.splitlines(keepends=True))
    return "".join(lines)


def _within(line: str) -> str:
    return ".*".join(map(re.escape, line.split("...")))
