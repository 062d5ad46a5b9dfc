"""Pages in headless Chromium, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: neither chromium nor google-chrome is on PATH"
)
# It starts nothing of its own that uses the network.
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
           "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
           "--enable-logging=stderr"]  # fmt: skip


def browse(page: Path, *options: str) -> str:
    """Open a page: its standard output. The page must not log anything, such as an error or a blocked request.

    Args:
        page: the file; the browser's profile is a folder beside it.
        options: of Chromium, --dump-dom or --screenshot=FILE among them.
    """
    assert CHROMIUM is not None
    profile = f"--user-data-dir={page.resolve().with_suffix('.profile')}"
    command = [CHROMIUM, *OPTIONS, profile, *options, page.resolve().as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in result.stderr, result.stderr
    return result.stdout
