"""Writes docs/cli.md from the commands' own help. Run by `make docs`."""

from __future__ import annotations

from click import Context
from click.testing import CliRunner

from fcnkit.cli import main
from tests.paths import ROOT

PAGE = ROOT / "docs" / "cli.md"
HEAD = """# Commands

The help of `fcnkit` and of each command, as `fcnkit COMMAND --help` prints it. `make docs` writes this page.
"""


def page() -> str:
    """The page in Markdown: one section for each command."""
    sections = [HEAD]
    for name in ("", *main.list_commands(Context(main))):
        title = f"fcnkit {name}".rstrip()
        line = [*name.split(), "--help"]
        # click takes the width from the terminal; 100 columns are the most that main allows.
        text = CliRunner().invoke(main, line, prog_name="fcnkit", terminal_width=100).output
        sections.append(f"## {title}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page())
