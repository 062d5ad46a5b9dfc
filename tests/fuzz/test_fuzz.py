"""Mutated files give results or FcnkitError, each quickly and in little memory."""

from __future__ import annotations

import pytest

from tests.fuzz.mutations import run
from tests.fuzz.targets import TARGETS

COUNT = 400


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_give_a_result_or_one_clear_error(name: str) -> None:
    tally = run(name, COUNT)
    # Some mutations must get past the readers, or too little was tried.
    assert 0 < tally.results < COUNT or name == "generate"
