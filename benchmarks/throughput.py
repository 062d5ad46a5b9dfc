"""Images per second of predicting files, beside the bare forward: what reading and writing add.

    python benchmarks/throughput.py [IMAGES]

JPEG files of mixed sizes go through a full-size FCN-8s twice, in turns: as `fcnkit predict` runs them, from files to
label maps, overlays included; and as tensors that lie ready, through the same prepared net alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from fcn8s import MODEL, make
from PIL import Image

import fcnkit
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.net import CaffeNet
from fcnkit.segment import Segmenter, images, input_from_image
from fcnkit.segment.batches import segment_files
from fcnkit.segment.parallel import Behind
from fcnkit.segment.prediction_files import Results

COUNT, ROUNDS, SIZES, LONGEST = 200, 3, 12, 240
NAMES = [f"class {number}" for number in range(256)]


def photos(folder: Path, count: int) -> list[Path]:
    """Images with large and small structures, in several sizes; JPEG of them costs what one of a photo costs."""
    random = np.random.default_rng(3)
    sizes = [tuple(random.integers(LONGEST // 2, LONGEST, 2).tolist()) for _ in range(SIZES)]
    paths = []
    for number in range(count):
        width, height = sizes[number % SIZES]
        image = Image.fromarray(random.integers(0, 256, (height // 8, width // 8, 3), np.uint8))
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        noisy = np.clip(pixels + random.integers(-12, 13, pixels.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{number:03}.jpg")
        Image.fromarray(noisy).save(paths[-1], quality=90)
    return paths


def predict(segmenter: Segmenter, paths: list[Path], folder: Path) -> float:
    """Seconds from files to files, as the command works."""
    results = Results(folder, NAMES[: segmenter.classes], overlay=True, force=True)
    start = time.perf_counter()
    with Behind(2) as behind:
        for path, image, prediction, error in segment_files(
            segmenter, results.prepare({p: Path(p.name) for p in paths})
        ):
            if error is not None or image is None or prediction is None:
                sys.exit(str(error))
            behind(results.write, path, image, prediction)
    return time.perf_counter() - start


def bare(net: CaffeNet, preprocessing: Preprocessing, paths: list[Path]) -> float:
    """Seconds of the forward alone."""
    run = fcnkit.optimized(net)
    inputs = [input_from_image(images.read(path), preprocessing) for path in paths]
    with torch.inference_mode():
        for values in inputs[:SIZES]:
            run(values)
        start = time.perf_counter()
        for values in inputs:
            run(values)
    return time.perf_counter() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        (folder / "images").mkdir()
        paths = photos(folder / "images", count)
        net = fcnkit.convert(folder / MODEL).eval()
        segmenter = Segmenter(net, mean=[104.0, 116.7, 122.7])
        predict(segmenter, paths[:SIZES], folder / "labels")
        ratios = []
        for _ in range(ROUNDS):
            alone = bare(net, segmenter.preprocessing, paths)
            whole = predict(segmenter, paths, folder / "labels")
            ratios.append(alone / whole)
            print(
                f"{count / whole:.2f} images/s, {count / alone:.2f} in the bare forward: {ratios[-1]:.3f}", flush=True
            )
    print(f"predict reaches {median(ratios):.3f} of the forward's throughput")


if __name__ == "__main__":
    main()
