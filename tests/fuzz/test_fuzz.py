"""Mutated files give results or FcnkitError, each quickly and in little memory."""

from __future__ import annotations

import pytest

from tests.fuzz.mutations import run
from tests.fuzz.targets import SLOW, TARGETS

# Mutations of each target: of the readers, and of what works on a net.
READERS, OTHERS = 400, 60


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in SLOW])
def test_mutated_files_give_a_result_or_one_clear_error(name: str) -> None:
    count = READERS if name.startswith("read_") or name == "generate" else OTHERS
    tally = run(name, count)
    # Some mutations must get past the readers, or too little was tried.
    assert 0 < tally.results < count or name == "generate"
