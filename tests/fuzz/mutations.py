"""Mutations of the golden files, seeded: every run makes the same.

`python tests/fuzz/mutations.py 20000` tries that many of each target, and prints what came of it as a table.
"""

from __future__ import annotations

import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS, holds, seeds

# What a single file may take: seconds of the processor, and bytes above what the process held at the start.
SECONDS, MEMORY = 2, 200 * 10**6

_NUMBERS = [b"0", b"-1", b"1", b"2", b"7", b"100", b"2147483647", b"4294967295", b"1000000000000", b"-5", b"nan"]


@dataclass
class Tally:
    """What came of the mutations of one target: how many, how many gave a result, and the most that one took."""

    count: int = 0
    results: int = 0
    seconds: float = 0
    memory: int = 0


def run(name: str, count: int) -> Tally:
    """Try mutations of a target's seeds.

    Raises:
        AssertionError: one took longer than SECONDS or more than MEMORY. Whatever else a target raises comes through.
    """
    start, chance, tally = seeds(name), random.Random(name), Tally()
    for data in start:
        # What is made once, on first use, is no mutation's fault.
        holds(TARGETS[name], data)
    held = _resident(peak=False)
    for _ in range(count):
        data = chance.choice(start)
        text = name != "generate" and data.isascii() and chance.random() < 0.8
        data = _mutate_text(data, chance) if text else _mutate(data, chance)
        begin = time.process_time()
        tally.results += holds(TARGETS[name], data)
        tally.count += 1
        tally.seconds = max(tally.seconds, time.process_time() - begin)
        tally.memory = max(tally.memory, _resident() - held)
        assert tally.seconds < SECONDS, (tally, data[:1000])
        assert tally.memory < MEMORY, (tally, data[:1000])
    return tally


def _resident(peak: bool = True) -> int:
    """The memory that this process holds, or the most that it held since it was asked for without peak; in bytes."""
    if sys.platform != "linux":
        return 0
    if not peak:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])


def _mutate_text(data: bytes, chance: random.Random) -> bytes:
    """Exchange some of the numbers, and now and then a word for another one of the text."""
    out = data
    for _ in range(chance.choice([1, 1, 2, 4])):
        places = [place.span() for place in re.finditer(rb"(?<=: )[-\w.]+|\"[^\"]*\"", out)]
        if not places:
            break
        start, end = chance.choice(places)
        others = [out[a:b] for a, b in places] if chance.random() < 0.3 else _NUMBERS
        out = out[:start] + chance.choice(others) + out[end:]
    return out


def _mutate(data: bytes, chance: random.Random) -> bytes:
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


def main() -> None:
    count = int(sys.argv[1])
    print("| target | seeds | files | results | errors | slowest, s | most memory above start, MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in TARGETS:
        tally = run(name, count)
        print(
            f"| `{name}` | {len(seeds(name))} | {tally.count:,} | {tally.results:,} | {tally.count - tally.results:,}"
            f" | {tally.seconds:.2f} | {tally.memory / 1e6:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
