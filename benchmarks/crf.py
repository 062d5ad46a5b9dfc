"""`fcnkit.crf.DenseCRF` beside pydensecrf: time and agreement on 500 x 500 pixels, 21 classes, 10 iterations.

    python benchmarks/crf.py [PHOTO...]

needs pydensecrf (lucasb-eyer/pydensecrf). Without photos, the images are generated: noise whose spectrum falls as in
photos, alone and with noise of each pixel added. Both take turns in one process, and the fastest of each counts, for
other work on the machine only adds time. pydensecrf has one thread, torch as many as OMP_NUM_THREADS or cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fcnkit.crf import DenseCRF  # noqa: E402

SIDE, CLASSES, ROUNDS = 500, 21, 3
SETTINGS = {
    "DeepLab's settings": {},
    "pydensecrf's example": {"pos_xy_std": 3, "bi_w": 10, "bi_xy_std": 80, "bi_rgb_std": 13},
}


def spectrum(random: np.random.Generator, count: int, power: float) -> np.ndarray:
    """Noise whose amplitude falls with that power of the frequency, (count, SIDE, SIDE), of deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    frequency[0, 0] = 1
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(count, SIDE, SIDE))) / frequency**power, s=(SIDE, SIDE))
    return (noise - noise.mean((1, 2), keepdims=True)) / noise.std((1, 2), keepdims=True)


def images(paths: list[str]) -> dict[str, np.ndarray]:
    """(SIDE, SIDE, 3) uint8, by name."""
    if paths:
        photos = (Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC) for path in paths)
        return {Path(path).name: np.array(photo) for path, photo in zip(paths, photos, strict=True)}
    random = np.random.default_rng(0)
    drawn = 128 + 45 * spectrum(random, 1, 1.2) + 15 * spectrum(random, 3, 1.2)
    noisy = drawn + random.normal(0, 5, drawn.shape)
    both = {"1/f": drawn, "1/f and noise": noisy}
    bytes_of = {name: each.clip(0, 255).astype(np.uint8).transpose(1, 2, 0) for name, each in both.items()}
    return {name: np.ascontiguousarray(each) for name, each in bytes_of.items()}


def by_pydensecrf(image: np.ndarray, scores: np.ndarray, crf: DenseCRF) -> np.ndarray:
    from pydensecrf.densecrf import DenseCRF2D

    other = DenseCRF2D(SIDE, SIDE, CLASSES)
    other.setUnaryEnergy(np.ascontiguousarray(-scores.reshape(CLASSES, -1)))
    other.addPairwiseGaussian(sxy=crf.pos_xy_std[0], compat=crf.pos_w.item())
    other.addPairwiseBilateral(sxy=crf.bi_xy_std[0], srgb=crf.bi_rgb_std[0], rgbim=image, compat=crf.bi_w.item())
    return np.array(other.inference(crf.max_iter)).reshape(scores.shape)


@torch.inference_mode()
def by_fcnkit(image: np.ndarray, scores: np.ndarray, crf: DenseCRF) -> np.ndarray:
    return crf(torch.from_numpy(scores)[None], torch.from_numpy(image).permute(2, 0, 1)[None])[0].numpy()


def timed(run: Callable[..., np.ndarray], *args: Any) -> tuple[np.ndarray, float, float]:
    start, used = time.perf_counter(), time.process_time()
    found = run(*args)
    return found, time.perf_counter() - start, time.process_time() - used


def main(paths: list[str]) -> None:
    scores = 2 * spectrum(np.random.default_rng(1), CLASSES, 1.5).astype(np.float32)
    print(f"{torch.get_num_threads()} threads; seconds and, of all threads, seconds of processor time")
    for name, image in images(paths).items():
        for title, settings in SETTINGS.items():
            rounds = []
            for _ in range(ROUNDS):
                # A new one each time: what it keeps of the last image would save it time.
                crf = DenseCRF(**settings)
                rounds.append([timed(run, image, scores, crf) for run in (by_pydensecrf, by_fcnkit)])
            (theirs, *_), (ours, *_) = rounds[0]
            fastest = [[min(each[which][unit] for each in rounds) for unit in (1, 2)] for which in (0, 1)]
            (wall, processor), (own_wall, own_processor) = fastest
            differ = np.abs(theirs - ours).max(), np.mean(theirs.argmax(0) != ours.argmax(0))
            print(f"{name}, {title}: pydensecrf {wall:.2f} s ({processor:.2f}),", end=" ")
            print(f"fcnkit {own_wall:.2f} s ({own_processor:.2f}),", end=" ")
            print(f"ratio {own_wall / wall:.2f} ({own_processor / processor:.2f});", end=" ")
            print(f"probabilities differ by up to {differ[0]:.0e}, labels at {differ[1]:.4%} of pixels", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
