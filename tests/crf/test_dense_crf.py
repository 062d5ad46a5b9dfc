"""The dense CRF against mean-field inference with dense matrices, and against pydensecrf."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fcnkit.crf import DenseCRF
from fcnkit.crf.lattice import NORMALIZATIONS, Lattice
from tests.crf.scenes import CLASSES, HEIGHT, WIDTH, gaussian, normalized, scene
from tests.crf.test_lattice import PUBLISHED, matrix, pixels
from tests.paths import DATA

POTTS = 1 - np.eye(CLASSES)
# Not symmetric, so that a transposed one gives other probabilities; float32 can represent all of them.
PENALTIES = np.array([[0, 1, 2, 0.5], [3, 0, 0.25, 1], [0.125, 0.25, 0, 1.5], [0.5, 2, 1.5, 0.25]])


def brute_force(scores: Tensor, kernels: list[tuple[float, np.ndarray]], mu: np.ndarray, iterations: int) -> np.ndarray:
    """Algorithm 1 of Krähenbühl and Koltun, NIPS 2011, with a matrix for each kernel: (pixels, classes)."""
    unary = -scores[0].flatten(1).t().numpy()
    q = np.exp(-unary)
    q /= q.sum(1, keepdims=True)
    for _ in range(iterations):
        passed = sum(weight * (kernel @ q) for weight, kernel in kernels)
        q = np.exp(-unary - passed @ mu.T)
        q /= q.sum(1, keepdims=True)
    return q


def probabilities(crf: DenseCRF, scores: Tensor, image: Tensor | None) -> np.ndarray:
    """(pixels, classes)."""
    return crf(scores, image)[0].flatten(1).t().detach().numpy()


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("mu", [POTTS, PENALTIES], ids=["potts", "penalties"])
def test_mean_field_with_the_lattices_own_matrices(normalization: str, mu: np.ndarray) -> None:
    """Two kernels of each kind; only the filters are the lattice's, so the rest must agree to rounding."""
    scores, image = scene()
    weights = [1 / 16, 1 / 32, 1 / 32, 1 / 64] if normalization == "none" else [3, 1, 4, 0.5]
    points = [pixels(1), pixels(3), pixels(10, image, 20), pixels(5, image, 13)]
    kernels = [matrix(Lattice(each, normalization, torch.float64), len(each)).numpy() for each in points]
    crf = DenseCRF(
        4, weights[:2], [1, 3], weights[2:], [10, 5], [20, 13],
        None if mu is POTTS else torch.from_numpy(mu), normalization,
    )  # fmt: skip
    expected = brute_force(scores, list(zip(weights, kernels, strict=True)), mu, 4)
    assert np.abs(probabilities(crf, scores, image) - expected).max() < 1e-12
    few = brute_force(scores, list(zip(weights[:2], kernels[:2], strict=True)), mu, 4)
    assert np.abs(probabilities(crf, scores, None) - few).max() < 1e-12
    assert np.abs(expected - few).max() > 0.1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("normalization", ["symmetric", "after"])
@pytest.mark.parametrize("settings", [(3, 10, 20), (3, 20, 13)])
def test_mean_field_with_exact_gaussians(normalization: str, settings: tuple[float, ...], seed: int) -> None:
    """Ten iterations stay within the error of one filter: 45 dB of probabilities, whose peak is 1."""
    scores, image = scene(seed)
    pos_xy_std, bi_xy_std, bi_rgb_std = settings
    crf = DenseCRF(10, 3, pos_xy_std, 5, bi_xy_std, bi_rgb_std, normalization=normalization)
    matrices = [gaussian(HEIGHT, WIDTH, pos_xy_std), gaussian(HEIGHT, WIDTH, bi_xy_std, image, bi_rgb_std)]
    kernels = [(weight, normalized(each, normalization)) for weight, each in zip((3, 5), matrices, strict=True)]
    expected = brute_force(scores, kernels, POTTS, 10)
    found = probabilities(crf, scores, image)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 10 ** (-PUBLISHED / 20)
    assert (found.argmax(1) == expected.argmax(1)).all()
    unrefined = scores[0].flatten(1).t().numpy().argmax(1)
    assert (found.argmax(1) != unrefined).mean() > 0.1


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("default", {}),
        ("symmetric", {"normalization": "symmetric"}),
        ("before", {"normalization": "before"}),
        ("after", {"normalization": "after"}),
        ("none", {"normalization": "none", "pos_w": 0.05, "bi_w": 0.02}),
        ("matrix", {"max_iter": 4, "pos_w": 2, "pos_xy_std": 2, "bi_w": 3, "bi_xy_std": 15, "bi_rgb_std": 10}),
    ],
)
def test_it_computes_as_pydensecrf(case: str, settings: dict[str, Any]) -> None:
    """Values that pydensecrf (lucasb-eyer/pydensecrf, commit 2723c7f) computed for the scene of seed 5, 33 x 41."""
    stored = np.load(DATA / "pydensecrf.npz")
    common = {"max_iter": 5, "pos_w": 3, "pos_xy_std": 3, "bi_w": 4, "bi_xy_std": 20, "bi_rgb_std": 13}
    if case == "matrix":
        settings = {**settings, "compatibility": torch.from_numpy(stored["compatibility"])}
    crf = DenseCRF(**({} if case == "default" else common | settings))
    image = torch.from_numpy(stored["image"].transpose(2, 0, 1))[None]
    found = crf(torch.from_numpy(stored["scores"])[None], image)[0]
    assert found.dtype == torch.float32
    assert np.abs(found.numpy() - stored[case]).max() < 1e-5


def test_gradients_against_finite_differences() -> None:
    scores, image = scene(0, 3, 5)
    image.requires_grad_()
    compatibility = torch.from_numpy(PENALTIES)
    crf = DenseCRF(3, [0.7, 0.2], [1, 3], 0.9, 5, 20, compatibility, "after", learnable=True).double()
    assert sorted(name for name, _ in crf.named_parameters()) == ["bi_w", "compatibility", "pos_w"]

    def run(scores: Tensor, pos_w: Tensor, bi_w: Tensor, compatibility: Tensor) -> Tensor:
        tensors = {"pos_w": pos_w, "bi_w": bi_w, "compatibility": compatibility}
        found: Tensor = torch.func.functional_call(crf, tensors, (scores, image))
        return found

    parameters = [parameter.detach().clone() for parameter in (crf.pos_w, crf.bi_w, compatibility)]
    assert torch.autograd.gradcheck(run, [each.requires_grad_() for each in (scores, *parameters)])


def test_potts_weights_learn() -> None:
    """The gradient of a weight without a compatibility matrix, too."""
    scores, image = scene(0, 3, 5)
    crf = DenseCRF(2, 0.7, 1, 0.9, 5, 20, learnable=True).double()

    def run(pos_w: Tensor, bi_w: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(crf, {"pos_w": pos_w, "bi_w": bi_w}, (scores, image))
        return found

    assert torch.autograd.gradcheck(run, [crf.pos_w.detach().requires_grad_(), crf.bi_w.detach().requires_grad_()])


def test_a_matrix_of_potts_equals_none() -> None:
    scores, image = scene()
    plain, general = DenseCRF(), DenseCRF(compatibility=torch.from_numpy(POTTS))
    assert torch.allclose(plain(scores, image), general(scores, image), atol=1e-3)


def test_images_of_a_batch_are_refined_alone() -> None:
    (scores, image), (others, other) = scene(0), scene(1)
    crf = DenseCRF(3)
    both = crf(torch.cat([scores, others]), torch.cat([image, other]))
    assert torch.allclose(both[:1], crf(scores, image), atol=1e-12)
    assert torch.allclose(both[1:], crf(others, other), atol=1e-12)
    assert crf(scores[:0], image[:0]).shape == (0, CLASSES, HEIGHT, WIDTH)


def test_sizes_may_change() -> None:
    """The kernels of positions are kept for one size."""
    crf = DenseCRF(2)
    for height, width in [(20, 27), (27, 20), (20, 27)]:
        scores, image = scene(0, height, width)
        assert torch.allclose(crf(scores, image), DenseCRF(2)(scores, image), atol=1e-12)


def test_it_keeps_the_dtype_and_state() -> None:
    scores, image = scene()
    crf = DenseCRF(2)
    assert crf(scores.half(), image.half()).dtype == torch.float16
    assert torch.allclose(crf(scores.float(), image), crf(scores, image).float(), atol=1e-4)
    assert crf.state_dict() == {}
    assert not list(crf.parameters())
    assert torch.allclose(DenseCRF(0)(scores), scores.softmax(1))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"pos_w": [1, 2]}, "pos_w has 2 numbers, pos_xy_std 1"),
        ({"bi_w": [], "bi_xy_std": []}, "bi_w has 0 numbers, bi_rgb_std 1"),
        ({"bi_rgb_std": 0}, "bi_rgb_std must be positive"),
        ({"pos_xy_std": float("inf")}, "pos_xy_std must be positive"),
        ({"bi_xy_std": float("nan")}, "bi_xy_std must be positive"),
        ({"max_iter": -1}, "max_iter must be at least 0"),
        ({"normalization": "all"}, "normalization must be one of symmetric, before, after, none, not 'all'"),
        ({"compatibility": torch.ones(2, 3)}, r"compatibility must be classes x classes, not \(2, 3\)"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DenseCRF(**settings)


def test_bottoms_that_do_not_fit() -> None:
    scores, image = scene()
    with pytest.raises(RuntimeError, match=r"an image of shape \(1, 3, 19, 27\) does not fit scores of \(1, 4, 20, 27"):
        DenseCRF()(scores, image[:, :, 1:])
    with pytest.raises(RuntimeError, match=r"the scores must have 4 axes, not the shape \(4, 20, 27\)"):
        DenseCRF()(scores[0], image)
