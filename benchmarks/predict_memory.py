"""Memory of `fcnkit predict` and `fcnkit score` over many images: it must not grow with their number.

Run it with the python of an environment in which fcnkit is installed: python benchmarks/predict_memory.py [IMAGES]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "shapes-fcn8s.caffemodel"
SIZES = [(96, 112), (112, 96), (80, 120)]


def generate(folder: Path, count: int) -> None:
    """Images of noise in three sizes."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(count):
        pixels = random.integers(0, 256, (*SIZES[index % len(SIZES)], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:06}.png")


def watched(*command: object) -> list[float]:
    """The resident memory of a command in MiB, ten times a second while it runs."""
    process = subprocess.Popen([sys.executable, "-m", "fcnkit", *map(str, command)], stdout=subprocess.DEVNULL)
    found = []
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        found += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")]
        time.sleep(0.1)
    if process.wait():
        sys.exit(f"{' '.join(map(str, command))} failed")
    return found


def report(what: str, seconds: float, count: int, memory: list[float]) -> None:
    quarters = [max(part) for part in np.array_split(memory, 4) if len(part)]
    print(f"{what}: {count} images in {seconds:.1f} s, {count / seconds:.1f} images/s")
    print("  largest memory by quarter of the run: " + ", ".join(f"{value:.0f}" for value in quarters) + " MiB")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        images, labels = Path(name, "images"), Path(name, "labels")
        generate(images, count)
        for what, command in {
            "predict": ("predict", SAMPLE, images, "-o", labels, "--overlay", "--batch", 4),
            "score, two folders": ("score", labels, labels),
            "score, a model": ("score", SAMPLE, "--images", images, "--labels", labels, "--batch", 4),
        }.items():
            start = time.perf_counter()
            memory = watched(*command)
            report(what, time.perf_counter() - start, count, memory)


if __name__ == "__main__":
    main()
