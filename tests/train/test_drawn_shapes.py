"""examples/train/shapes.py: the drawn images and label maps that training is shown on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

from fcnkit.palette import voc_palette
from tests.paths import ROOT

PROGRAM = ROOT / "examples" / "train" / "shapes.py"


def drawn(folder: Path, seed: int) -> dict[str, bytes]:
    """The files that the program writes, by name."""
    subprocess.run([sys.executable, PROGRAM, folder, "--count", "12", "--seed", str(seed)], check=True)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def test_a_folder_of_drawn_images(tmp_path: Path) -> None:
    names = set(drawn(tmp_path, 0))
    stems = [f"{index:04}" for index in range(12)]
    assert names == {"classes.txt", *(f"images/{s}.jpg" for s in stems), *(f"labels/{s}.png" for s in stems)}
    assert (tmp_path / "classes.txt").read_text().split() == ["background", "circle", "square", "triangle"]
    sizes, counts = set(), np.zeros(256, int)
    for stem in stems:
        with Image.open(tmp_path / f"images/{stem}.jpg") as image, Image.open(tmp_path / f"labels/{stem}.png") as label:
            assert (image.mode, label.mode) == ("RGB", "P")
            assert image.size == label.size
            assert label.getpalette() == voc_palette().ravel().tolist()
            labels = np.asarray(label)
            sizes.add(image.size)
        counts += np.bincount(labels.ravel(), minlength=256)
        cross = binary_dilation(labels == 0) & (labels != 0)
        assert set(np.unique(labels[cross])) == {255}
        assert not ((labels == 255) & ~cross).any()
    assert np.flatnonzero(counts).tolist() == [0, 1, 2, 3, 255]
    assert len(sizes) > 6
    assert {side for size in sizes for side in size} <= set(range(64, 129))


def test_a_seed_draws_the_same_images_again(tmp_path: Path) -> None:
    first, again, other = (drawn(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert first == again
    assert all(first[name] != other[name] for name in first if name != "classes.txt")
