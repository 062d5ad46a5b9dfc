"""What the whole suite shares: where its data lies, and the sample model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of what Caffe computed."""
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture(scope="session")
def sample(examples: Path) -> Path:
    """A thin FCN-8s as Caffe saved it in training, data and loss layers included."""
    return examples / "shapes-fcn8s.caffemodel"
