"""Filters on the permutohedral lattice against its definition written out with vertices as tuples, and by hand."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from fcnkit.crf.convolution import gaussian_filter, taps
from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, tops_of, values

Vertex = tuple[int, ...]


def simplex(point: np.ndarray) -> list[tuple[Vertex, float]]:
    """The vertices around a point with its barycentric coordinates (Adams, Baek and Davis, 2010, pages 5 and 10)."""
    d = len(point)
    scaled = [x * math.sqrt(2 / 3) * (d + 1) / math.sqrt((i + 1) * (i + 2)) for i, x in enumerate(point)]
    y = [sum(scaled[i:]) - (i * scaled[i - 1] if i else 0) for i in range(d + 1)]
    base = [(d + 1) * round(each / (d + 1)) for each in y]
    excess = sum(base) // (d + 1)
    order = sorted(range(d + 1), key=lambda i: y[i] - base[i])  # the smallest difference first
    for i in order[:excess] if excess > 0 else []:
        base[i] -= d + 1
    for i in order[excess:] if excess < 0 else []:
        base[i] += d + 1
    assert sum(base) == 0
    # The point is the base and a mean of the simplex's vertices, which lie in the order of the differences.
    rest = sorted(((y[i] - base[i], i) for i in range(d + 1)), reverse=True)
    found, vertex = [], list(base)
    steps = [value for value, _ in rest]
    weights = [
        1 - (steps[0] - steps[-1]) / (d + 1),
        *((a - b) / (d + 1) for a, b in pairwise(steps)),
    ]
    # Vertex k has the k largest coordinates raised by d + 1 - k and the others lowered by k.
    for k in range(d + 1):
        raised = {i for _, i in rest[:k]}
        found.append((tuple(vertex[i] + (d + 1 - k if i in raised else -k) for i in range(d + 1)), weights[k]))
    return found


def moved(vertex: Vertex, tap: tuple[int, ...], present: set[Vertex]) -> Vertex | None:
    """The vertex so many steps away; None if the way leads over a missing one."""
    d = len(vertex) - 1
    for axis, count in enumerate(tap):
        for _ in range(count):
            vertex = tuple(x - 1 + (d + 1) * (axis == i) for i, x in enumerate(vertex))
            if vertex not in present:
                return None
    return vertex


def convolved(
    inputs: np.ndarray, sources: np.ndarray, targets: np.ndarray, filters: np.ndarray, reach: int
) -> np.ndarray:
    """(outputs, targets) of values (channels, sources), without any normalization."""
    d, gained = len(sources), defaultdict(lambda: np.zeros(len(inputs)))
    ends = [[simplex(point) for point in points.T] for points in (sources, targets)]
    for corners, value in zip(ends[0], inputs.T, strict=True):
        for vertex, weight in corners:
            gained[vertex] += weight * value
    present = {vertex for end in ends for corners in end for vertex, _ in corners}
    offsets = [tap for tap in product(range(reach + 1), repeat=d + 1) if min(tap) == 0]
    top = np.zeros((len(filters), targets.shape[1]))
    for number, corners in enumerate(ends[1]):
        for vertex, weight in corners:
            for tap, offset in enumerate(offsets):
                other = moved(vertex, offset, present)
                if other in gained:
                    top[:, number] += weight * filters[:, :, tap] @ gained[other]
    return top


@pytest.mark.parametrize(("d", "reach", "groups"), [(2, 1, 1), (3, 1, 2), (2, 2, 1), (1, 1, 1)])
@pytest.mark.parametrize("norm", ["AFTER", "SYMMETRIC"])
def test_a_filter_on_the_lattice(d: int, reach: int, groups: int, norm: str) -> None:
    """From 3 x 5 to 2 x 4 points, with all normalizations made of the same loops."""
    count = (reach + 1) ** (d + 1) - reach ** (d + 1)
    bottoms = [values(1, 4, 3, 5, seed=1), 0.4 * values(1, d, 3, 5, seed=2), 0.4 * values(1, d, 2, 4, seed=3)]
    filters, bias = values(6, 4 // groups, 1, count, seed=4), values(1, 1, 1, 6, seed=5)
    more = (
        f"permutohedral_param {{ num_output: 6 neighborhood_size: {reach} group: {groups} bias_term: true"
        f" norm_type: {norm} offset_type: NONE }}"
    )
    found = run(layer("Permutohedral", "abc", more), bottoms, {"it": [filters, bias]})
    inputs, sources, targets = (bottom.reshape(bottom.shape[1], -1).astype(float) for bottom in bottoms)
    gauss = gaussian_filter(d, reach).numpy()[None, None]
    ones = np.ones((1, 15))
    if norm == "AFTER":
        before, after = np.ones(15), 1 / convolved(ones, sources, targets, gauss, reach)
    else:
        # One lattice has the points of both ends.
        both = np.concatenate([sources, targets], 1)
        sums = [
            convolved(np.where(inside, 1.0, 0.0)[None], both, both, gauss, reach)[0]
            for inside in (np.arange(23) < 15, np.arange(23) >= 15)
        ]
        before, after = sums[0][:15] ** -0.5, sums[1][15:] ** -0.5
    expected = np.concatenate(
        [
            convolved(part * before, sources, targets, kernels[:, :, 0], reach) * after
            for part, kernels in zip(np.split(inputs, groups), np.split(filters, groups), strict=True)
        ]
    )
    assert np.allclose(found.reshape(6, 8), expected + bias.reshape(6, 1), atol=1e-4)


def test_a_gaussian_filter_by_hand() -> None:
    """One dimension: two axes of opposite directions. A step along each is a half, and both lead back: 1 + 1/4 + 1/4.

    After the first axis the centre has 1 and its neighbours 1/2 each; after the second the centre has 1.5, and each
    neighbour 1/2 and half of 1.
    """
    assert taps(1, 1) == [(0, 0), (0, 1), (1, 0)]
    assert gaussian_filter(1, 1).tolist() == pytest.approx([1, 2 / 3, 2 / 3])
    assert gaussian_filter(2, 0).tolist() == [1]
    assert len(taps(5, 1)) == 63


def test_offsets_and_what_is_not_convolved() -> None:
    bottoms = [values(1, 2, 3, 4), values(1, 2, 3, 4, seed=1) * 3, values(1, 2, 3, 4, seed=1) * 3]
    gauss = gaussian_filter(2, 1).float().numpy()
    zero, base = np.zeros((2, 2, 1, 7), np.float32), "num_output: 2 neighborhood_size: 1 norm_type: AFTER %s"

    def made(settings: str, weights: np.ndarray) -> np.ndarray:
        it = layer("Permutohedral", "abc", f"permutohedral_param {{ {base % settings} }}")
        return run(it, bottoms, {"it": [weights]})

    full, diagonal = np.broadcast_to(gauss, (2, 2, 1, 7)).copy(), zero.copy()
    diagonal[[0, 1], [0, 1], 0] = gauss
    assert np.allclose(made("", zero), made("offset_type: NONE", full), atol=1e-5)
    assert np.allclose(made("offset_type: DIAG", zero), made("offset_type: NONE", diagonal), atol=1e-5)
    centre = zero.copy()
    centre[[0, 1], [0, 1], 0, 0] = 1
    assert np.allclose(made("do_skip_blur: true", zero), made("offset_type: NONE", centre), atol=1e-5)


def test_gradients_reach_values_and_filters() -> None:
    bottoms = [torch.from_numpy(values(1, 2, 2, 3, seed=seed)).double() for seed in (1, 2, 3)]
    it = net(
        layer("Permutohedral", "abc", "permutohedral_param { num_output: 2 neighborhood_size: 1 }"),
        [each.numpy() for each in bottoms],
    ).double()
    bottoms[0].requires_grad_()
    assert torch.autograd.gradcheck(it, tuple(bottoms))
    it(*bottoms).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in it.parameters())


def test_a_second_layer_reads_the_lattice_of_the_first() -> None:
    """The wiring of MPI-IS/bilateralNN bilateralnn_code/examples/tile_segmentation/bnn_deploy.prototxt."""
    more = "permutohedral_param {{ num_output: {} neighborhood_size: 1 norm_type: AFTER {} }}"
    text = layer("PixelFeature", "a", "pixel_feature_param { type: POSITION_AND_RGB pos_scale: 0.5 }", "f", "features")
    text += (
        'layer { name: "first" type: "Permutohedral" bottom: "a" bottom: "f" bottom: "f" top: "c" top: "lattice" '
        + more.format(4, "")
        + ' } layer { name: "second" type: "Permutohedral" bottom: "c" bottom: "f" bottom: "f" %s top: "top" '
        + more.format(2, "repeated_init: false")
        + " }"
    )
    bottom = values(2, 3, 4, 5)
    with_lattice = net(text % 'bottom: "lattice"', [bottom])
    without = net(text % "", [bottom])
    without.load_state_dict(with_lattice.state_dict())
    assert with_lattice.shapes["lattice"] == (2, 3, 1, 8)
    assert np.array_equal(tops_of(with_lattice, bottom)[0], tops_of(without, bottom)[0])


def test_pixel_features_by_hand() -> None:
    bottom = np.array([[1, 2, 3], [4, 5, 6]], np.float32).reshape(1, 1, 2, 3)
    settings = "pos_scale: 2 color_scale: 10 offset_h: 1 offset_w: -1"
    rows, columns, color = [[1, 1, 1], [3, 3, 3]], [[-1, 1, 3]] * 2, [[10, 20, 30], [40, 50, 60]]
    for kind, expected in (
        ("POSITION", [rows, columns]),
        ("POSITION_AND_RGB", [rows, columns, color]),
        ("RGB_AND_POSITION", [color, rows, columns]),
        ("RGB", [color]),
    ):
        it = layer("PixelFeature", "a", f"pixel_feature_param {{ type: {kind} {settings} }}")
        assert run(it, [bottom]).tolist() == [expected]
    with pytest.raises(DefinitionError, match="type WARPED_POSITION of PixelFeature is not supported"):
        net(layer("PixelFeature", "a", "pixel_feature_param { type: WARPED_POSITION }"), [bottom])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "num_output must be given, and bottoms of 4 axes"),
        ("num_output: 3 group: 2", "group must divide 2 channels and num_output"),
        ("num_output: 3 do_skip_blur: true", "which do_skip_blur needs to be equal"),
        ("num_output: 3 offset_type: DIAG", "offset_type DIAG needs as many outputs as a group's channels"),
        ("num_output: 2 visualize_lattice: true", "visualize_lattice is not supported"),
    ],
)
def test_refused_filters(settings: str, problem: str) -> None:
    it = layer("Permutohedral", "abc", f"permutohedral_param {{ neighborhood_size: 1 {settings} }}")
    with pytest.raises(DefinitionError, match=problem):
        net(it, [values(1, 2, 3, 4)] * 3)


def test_bottoms_that_do_not_fit() -> None:
    it = layer("Permutohedral", "abc", "permutohedral_param { num_output: 2 neighborhood_size: 1 }")
    for shapes, problem in (
        ([(1, 2, 3, 4), (1, 2, 4, 3), (1, 2, 3, 4)], "must have as many images, rows and columns"),
        ([(1, 2, 3, 4), (1, 2, 3, 4), (1, 3, 3, 4)], "2 channels and 2 features are read"),
        ([(1, 2, 3, 4), (1, 2, 3, 4), (2, 2, 3, 4)], "there must be as many images at both ends"),
    ):
        with pytest.raises(DefinitionError, match=problem):
            net(it, [values(*shape) for shape in shapes])
