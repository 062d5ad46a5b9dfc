"""Where the tests' data lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What real Caffe computed, and what it was given.
DATA = ROOT / "tests" / "data"
LAYERS, LEGACY = DATA / "layers", DATA / "legacy"
