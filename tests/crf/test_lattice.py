"""The lattice's filter against Gaussians between all pairs of points."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fcnkit.crf import Lattice
from fcnkit.crf.lattice import NORMALIZATIONS
from tests.crf.scenes import HEIGHT, WIDTH, gaussian, normalized, scene

# Against exact Gaussian filters of images, the lattice is published with more than 45 dB: Adams, Baek and Davis, "Fast
# High-Dimensional Filtering Using the Permutohedral Lattice", 2010, abstract.
PUBLISHED = 45


def pixels(xy_std: float, image: Tensor | None = None, rgb_std: float = 1) -> Tensor:
    """The points of an image's pixels, in standard deviations."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    features = [x.double() / xy_std, y.double() / xy_std]
    if image is not None:
        features += [channel / rgb_std for channel in image[0]]
    return torch.stack([feature.flatten() for feature in features], 1)


def decibels(found: np.ndarray, expected: np.ndarray) -> float:
    """The peak signal-to-noise ratio of an image of 0..255."""
    return -20 * math.log10(np.sqrt(np.mean((found - expected) ** 2)) / 255)


def matrix(lattice: Lattice, count: int, reverse: bool = False) -> Tensor:
    """The filter as a matrix."""
    return lattice.filter(torch.eye(count, dtype=torch.float64), reverse)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("deviations", [(1, 0), (3, 0), (5, 20), (10, 13), (67, 3)])
def test_it_filters_as_a_gaussian(deviations: tuple[float, float], seed: int) -> None:
    _, image = scene(seed)
    xy_std, rgb_std = deviations
    guide = image if rgb_std else None
    colours = image[0].flatten(1).t()
    found = Lattice(pixels(xy_std, guide, rgb_std), "after", torch.float64)(colours).numpy()
    exact = normalized(gaussian(HEIGHT, WIDTH, xy_std, guide, rgb_std), "after") @ colours.numpy()
    assert decibels(found, exact) > PUBLISHED
    # Without a filter it would be less.
    assert decibels(colours.numpy(), exact) < decibels(found, exact) - 8


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_point_at_a_vertex_has_the_weight_1_to_itself(dimensions: int) -> None:
    """exp(0). The origin is a vertex; the points around it make sure that all of its neighbours exist."""
    around = 4 * torch.rand(5000, dimensions, dtype=torch.float64, generator=torch.manual_seed(0)) - 2
    points = torch.cat([torch.zeros(1, dimensions, dtype=torch.float64), around])
    values = torch.eye(len(points), 1, dtype=torch.float64)
    assert Lattice(points, dtype=torch.float64)(values)[0].item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_reversed_it_is_transposed(normalization: str) -> None:
    _, image = scene()
    points = pixels(5, image, 20)
    lattice = Lattice(points, normalization, torch.float64)
    forward, reverse = (matrix(lattice, len(points), way) for way in (False, True))
    assert torch.allclose(forward.t(), reverse, atol=1e-12)
    assert not torch.allclose(forward, reverse, atol=1e-6)


def test_sums_are_normalized() -> None:
    points = pixels(5, scene()[1], 20)
    none, before, after, symmetric = (
        matrix(Lattice(points, how, torch.float64), len(points)) for how in ("none", "before", "after", "symmetric")
    )
    sums = none.sum(1)
    assert torch.allclose(after, none / sums[:, None])
    assert torch.allclose(before, none / sums)
    assert torch.allclose(symmetric, none / (sums[:, None] * sums).sqrt())
    assert torch.allclose(after.sum(1), torch.ones_like(sums))


@pytest.mark.parametrize("normalization", ["symmetric", "after"])
def test_gradients_of_first_and_second_order(normalization: str) -> None:
    points = torch.randn(30, 3, dtype=torch.float64, generator=torch.manual_seed(0))
    values = torch.randn(30, 2, dtype=torch.float64, requires_grad=True)
    lattice = Lattice(points, normalization, torch.float64)
    assert torch.autograd.gradcheck(lattice, values)
    assert torch.autograd.gradgradcheck(lattice, values)


def test_the_order_of_points_does_not_matter() -> None:
    points = pixels(5, scene()[1], 20)
    values, order = torch.randn(len(points), 3, dtype=torch.float64), torch.randperm(len(points))
    whole = Lattice(points, "symmetric", torch.float64)
    mixed = Lattice(points[order], "symmetric", torch.float64)
    assert whole.vertices == mixed.vertices
    assert torch.allclose(whole(values)[order], mixed(values[order]))


def test_equal_points_share_their_vertices() -> None:
    points = torch.randn(1, 5, generator=torch.manual_seed(0)).repeat(50, 1)
    lattice = Lattice(points, "after")
    assert lattice.vertices == 6
    values = torch.randn(50, 2)
    assert torch.allclose(lattice(values), values.mean(0).expand(50, 2), atol=1e-6)


def test_float32_and_float64_agree() -> None:
    points, values = pixels(5, scene()[1], 20), torch.randn(HEIGHT * WIDTH, 3)
    single, double = Lattice(points)(values), Lattice(points, dtype=torch.float64)(values.double())
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), double, rtol=1e-4, atol=1e-4)


def test_points_too_far_apart() -> None:
    with pytest.raises(ValueError, match="the points lie too far apart for their lattice; choose larger standard"):
        Lattice(pixels(1e-3, scene()[1], 1e-3))
