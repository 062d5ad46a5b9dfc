"""Heat maps resized and searched for peaks, against loops written as the source's kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, run, values


def cube(v: list[float], d: float) -> float:
    return (
        (-0.5 * v[0] + 1.5 * v[1] - 1.5 * v[2] + 0.5 * v[3]) * d**3
        + (v[0] - 2.5 * v[1] + 2 * v[2] - 0.5 * v[3]) * d**2
        + (-0.5 * v[0] + 0.5 * v[2]) * d
        + v[1]
    )


def neighbours(place: float, length: int) -> tuple[list[int], float]:
    second = max(int(place + 1e-5), 0)
    third = length - 1 if second + 1 >= length else second + 1
    fourth = length - 1 if third + 1 >= length else third + 1
    return [max(second - 1, 0), second, third, fourth], place - second


def resized(maps: np.ndarray, size: tuple[int, int], start: float, gap: float) -> np.ndarray:
    number, channels, height, width = maps.shape
    top = np.zeros((1, channels, *size))
    for n, c, y, x in np.ndindex(number, channels, *size):
        left, above = (math.floor(side // 2 * (1 - start + n * gap)) for side in (width, height))
        wide, high = width - 2 * left, height - 2 * above
        columns, dx = neighbours((x - (size[1] / wide / 2 - 0.5)) * (wide / size[1]), wide)
        rows, dy = neighbours((y - (size[0] / high / 2 - 0.5)) * (high / size[0]), high)
        lines = [cube([float(maps[n, c, above + r, left + k]) for k in columns], dx) for r in rows]
        top[0, c, y, x] += cube(lines, dy) / number
    return top


@pytest.mark.parametrize(("settings", "size"), [("factor: 3", (15, 18)), ("", (9, 20))])
@pytest.mark.parametrize("number", [1, 3])
def test_maps_of_several_scales(settings: str, size: tuple[int, int], number: int) -> None:
    maps = values(number, 2, 5, 6)
    target = "" if settings else "target_spatial_height: 9 target_spatial_width: 20"
    it = layer("ImResize", "a", f"imresize_param {{ {settings} {target} start_scale: 1 scale_gap: 0.3 }}")
    assert np.allclose(run(it, [maps]), resized(maps, size, 1, 0.3), atol=1e-4)


def test_peaks_by_hand() -> None:
    """A peak of 4 with a value of 2 at its right and -8 below, and one of 0.25 that is too low; edges are no peaks."""
    maps = np.zeros((1, 2, 9, 12), np.float32)
    maps[0, 0, 4, 5], maps[0, 0, 4, 6], maps[0, 0, 5, 5] = 4, 2, -8
    maps[0, 0, 2, 10] = 0.25
    maps[0, 1, 0, 3] = 9
    it = layer("Nms", "a", "nms_param { threshold: 0.5 max_peaks: 2 num_parts: 2 }")
    top = run(it, [maps])
    assert top.shape == (1, 2, 3, 3)
    assert np.allclose(top[0, 0], [[1, 0, 0], [(4 * 5 + 2 * 6) / 6, 4, 4], [0, 0, 0]])
    assert not top[0, 1].any()


def peaks_by_loops(plane: np.ndarray, threshold: float, most: int) -> np.ndarray:
    height, width = plane.shape
    rows = np.zeros((most + 1, 3))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            around = [plane[y + j, x + i] for j in (-1, 0, 1) for i in (-1, 0, 1) if i or j]
            if plane[y, x] <= threshold or plane[y, x] <= max(around):
                continue
            rows[0, 0] += 1
            if rows[0, 0] > most:
                continue
            found = []
            for v in range(y - 3, y + 4):
                for u in range(x - 3, x + 4):
                    if 0 < v < min(width, height) and 0 < u < width and plane[v, u] > 0:
                        found.append((plane[v, u], u, v))
            total = sum(value for value, _, _ in found)
            place = [sum(value * each[axis] for value, *each in found) / total for axis in (0, 1)]
            rows[int(rows[0, 0])] = [*place, plane[y, x]]
    return rows


@pytest.mark.parametrize("size", [(11, 20), (20, 11)])
def test_peaks_by_loops(size: tuple[int, int]) -> None:
    maps = values(2, 4, *size)
    top = run(layer("Nms", "a", "nms_param { threshold: 0.2 max_peaks: 5 num_parts: 3 }"), [maps])
    for n in range(2):
        for c in range(3):
            assert np.allclose(top[n, c], peaks_by_loops(maps[n, c], 0.2, 5), atol=1e-4)
    assert top[..., 0, 0].max() > 5


def test_nms_refuses() -> None:
    with pytest.raises(DefinitionError, match="num_parts 15 must be from 1 to 4, and max_peaks positive"):
        run(layer("Nms", "a"), [values(1, 4, 5, 5)])
