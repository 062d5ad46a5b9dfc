"""Mutated files give results or FcnkitError, quickly. The mutations are seeded: every run tries the same."""

from __future__ import annotations

import os
import random
import re
import time

import pytest
from targets import TARGETS, holds, seeds

COUNT = int(os.environ.get("FCNKIT_FUZZ_COUNT", "400"))


NUMBERS = [b"0", b"-1", b"1", b"2", b"7", b"100", b"2147483647", b"4294967295", b"1000000000000", b"-5", b"nan"]


def mutate_text(data: bytes, chance: random.Random) -> bytes:
    """Exchange some of the numbers, and now and then a word for another one of the text."""
    out = data
    for _ in range(chance.choice([1, 1, 2, 4])):
        places = [place.span() for place in re.finditer(rb"(?<=: )[-\w.]+|\"[^\"]*\"", out)]
        if not places:
            break
        start, end = chance.choice(places)
        others = [out[a:b] for a, b in places] if chance.random() < 0.3 else NUMBERS
        out = out[:start] + chance.choice(others) + out[end:]
    return out


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut, insert, repeat or overwrite at some places."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(6)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del out[at : at + chance.choice([1, 4, 100])]
        elif kind == 2:
            out[at:at] = chance.randbytes(chance.choice([1, 4, 10]))
        elif kind == 3:
            out[at:at] = out[at : at + chance.randrange(1, 200)]
        elif kind == 4:
            out[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\x80\x80\x80\x80", b"\0\0\0\0", b"9999"])
        elif chance.random() < 0.2:
            del out[at:]
    return bytes(out)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_give_a_result_or_one_clear_error(name: str) -> None:
    start = seeds(name)
    assert all(holds(TARGETS[name], data) for data in start[:5]) or name in ("generate", "read_prototxt")
    chance = random.Random(name)
    results = 0
    for _ in range(COUNT):
        kind = mutate_text if name == "read_prototxt" and chance.random() < 0.8 else mutate
        data = kind(chance.choice(start), chance)
        begin = time.perf_counter()
        results += holds(TARGETS[name], data)
        assert time.perf_counter() - begin < 10, data[:200]
    # Some mutations must get past the readers, or too little was tried.
    assert 0 < results < COUNT or name == "generate"
