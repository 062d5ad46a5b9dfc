"""Dense CRFs and CRF-RNN as layers, against mean-field inference with dense matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.crf import CRFRNN, Lattice
from fcnkit.errors import DefinitionError, InputError, OutputError
from tests.crf.scenes import CLASSES, HEIGHT, WIDTH, scene
from tests.crf.test_dense_crf import POTTS, brute_force
from tests.crf.test_lattice import matrix, pixels
from tests.layers.build import layer, net, run

SETTINGS = "max_iter: 4 pos_w: 3 pos_xy_std: 3 bi_w: 4 bi_xy_std: 10 bi_rgb_std: 20"
DENSE = f"dense_crf_param {{ {SETTINGS} }}"


def float32(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [tensor.float().numpy() for tensor in tensors]


def filters(image: torch.Tensor, deviations: tuple[float, float, float]) -> list[np.ndarray]:
    """The matrices of the spatial and of the bilateral kernel, each row with the sum 1."""
    xy, bilateral_xy, colour = deviations
    points = [pixels(xy), pixels(bilateral_xy, image, colour)]
    return [matrix(Lattice(each, "after", torch.float64), len(each)).numpy() for each in points]


def as_map(rows: np.ndarray) -> np.ndarray:
    return rows.T.reshape(1, CLASSES, HEIGHT, WIDTH)


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (HEIGHT + 100, WIDTH)], ids=["whole", "cropped"])
def test_dense_crf(size: tuple[int, int]) -> None:
    """The kernels are normalized after filtering, unlike pydensecrf's by default."""
    scores, image = scene()
    spatial, bilateral = filters(image, (3, 10, 20))
    expected = as_map(brute_force(scores, [(3, spatial), (4, bilateral)], POTTS, 4))
    bottoms = float32(scores, torch.tensor(size).view(1, 2, 1, 1), image)
    assert np.abs(run(layer("DenseCRF", "abc", DENSE), bottoms) - expected).max() < 1e-4
    logs = run(layer("DenseCRF", "abc", f"dense_crf_param {{ {SETTINGS} output_probability: false }}"), bottoms)
    assert np.abs(np.exp(logs) - expected).max() < 1e-4
    assert np.isfinite(logs).all()
    # Without the image, the bilateral settings are not used.
    alone = as_map(brute_force(scores, [(3, spatial)], POTTS, 4))
    assert np.abs(run(layer("DenseCRF", "ab", DENSE), bottoms[:2]) - alone).max() < 1e-4


@pytest.mark.parametrize("settings", ["", "output_probability: false"])
def test_dense_crf_leaves_out_the_padding(settings: str) -> None:
    """The first image of the batch is 12 x 17 and padded, the second fills the blob."""
    (scores, image), (others, other) = scene(0), scene(1)
    it = layer("DenseCRF", "abc", f"dense_crf_param {{ {SETTINGS} {settings} }}")
    sizes = np.array([[12, 17], [HEIGHT, WIDTH]], np.float32).reshape(2, 1, 1, 2)
    both = run(it, [*float32(torch.cat([scores, others])), sizes, *float32(torch.cat([image, other]))])
    part = run(it, [*float32(scores[..., :12, :17]), sizes[:1], *float32(image[..., :12, :17])])
    whole = run(it, [*float32(others), sizes[1:], *float32(other)])
    expected = np.zeros_like(both)
    expected[:1, :, :12, :17], expected[1:] = part, whole
    assert np.allclose(both, expected, atol=1e-5)
    assert (both[:1, :, 12:] == 0).all()
    assert (both[:1, :, :, 17:] == 0).all()


def test_logarithms_of_probabilities_that_vanish() -> None:
    """They end at the smallest normal float, as FLT_MIN does in the fork."""
    scores = np.zeros((1, 2, 3, 3), np.float32)
    scores[:, 0] = 500
    it = layer("DenseCRF", "ab", "dense_crf_param { max_iter: 1 output_probability: false }")
    found = run(it, [scores, np.full((1, 2), 3, np.float32)])
    assert found[0, :, 0, 0].tolist() == pytest.approx([0, np.log(np.finfo(np.float32).tiny)])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("max_iter: 1", "it has an image as a bottom, and no bi_w"),
        ("pos_w: 3 bi_w: 1 bi_xy_std: 2 bi_rgb_std: 2", "pos_w has 1 numbers, pos_xy_std 0"),
        ("bi_w: 1 bi_xy_std: 2", "bi_w has 1 numbers, bi_rgb_std 0"),
        ("bi_w: 1 bi_xy_std: 0 bi_rgb_std: 1", "bi_xy_std must be positive"),
    ],
)
def test_dense_crf_refuses(settings: str, problem: str) -> None:
    scores, image = scene()
    bottoms = [*float32(scores), np.zeros((1, 2), np.float32), *float32(image)]
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("DenseCRF", "abc", f"dense_crf_param {{ {settings} }}"), bottoms)
    with pytest.raises(DefinitionError, match=r"layer 'it': it reads images of 3 channels, not \(1, 4, 20, 27\)"):
        run(layer("DenseCRF", "abc", DENSE), [bottoms[0], bottoms[1], bottoms[0]])


MEANFIELD = "multi_stage_meanfield_param { num_iterations: 3 theta_alpha: 10 theta_beta: 20 theta_gamma: 3 %s }"


def recurrent(start: np.ndarray, unary: np.ndarray, kernels: list[np.ndarray], weights: list[np.ndarray]) -> np.ndarray:
    """CRF-RNN's iterations as section 4 of Zheng et al., ICCV 2015, lists them, in matrices."""
    scores = start
    for _ in range(3):
        q = np.exp(scores)
        q /= q.sum(1, keepdims=True)
        messages = [kernel @ q for kernel in kernels]  # message passing
        weighted = messages[0] @ weights[0].T + messages[1] @ weights[1].T  # weighting filter outputs
        scores = unary - weighted @ weights[2].T  # compatibility transform, adding unary potentials
    return scores


@pytest.mark.parametrize("trained", [True, False])
def test_crf_rnn(trained: bool) -> None:
    """The top is not normalized; the second bottom, where it starts, is not the first here."""
    scores, image = scene(0)
    start = scene(1)[0]
    random = np.random.default_rng(0)
    identity = np.eye(CLASSES)
    weights = [3 * identity, 5 * identity, -identity]
    blobs = None
    if trained:
        weights = [weight + random.normal(0, 0.3, weight.shape) for weight in weights]
        blobs = {"it": [weight.astype(np.float32)[None, None] for weight in weights]}
    settings = MEANFIELD % "spatial_filter_weight: 3 bilateral_filter_weight: 5"
    it = net(layer("MultiStageMeanfield", "abc", settings), float32(scores, start, image), blobs)
    found = it(scores.float(), start.float(), image.float())
    rows = [each[0].flatten(1).t().numpy() for each in (start, scores)]
    expected = as_map(recurrent(*rows, filters(image, (3, 10, 20)), weights))
    assert isinstance(found, torch.Tensor)
    assert np.abs(found.detach().numpy() - expected).max() < 1e-4 * np.abs(expected).max()
    assert [blob.shape for blob in it.blobs()["it"]] == [(1, 1, CLASSES, CLASSES)] * 3


def test_weights_of_classes_from_text() -> None:
    """As later versions of the fork have them."""
    scores, image = scene()
    text = 'spatial_filter_weights_str: "1 2 3 4" bilateral_filter_weights_str: "5 6 7 8"'
    it = net(layer("MultiStageMeanfield", "aab", MEANFIELD % text), float32(scores, image))
    found = [blob.detach().numpy() for blob in it.blobs()["it"]]
    expected = [np.diag([1, 2, 3, 4]), np.diag([5, 6, 7, 8]), -np.eye(4)]
    assert all(np.array_equal(a[0, 0], b) for a, b in zip(found, expected, strict=True))


def test_gradients_of_crf_rnn() -> None:
    scores, image = scene(0, 3, 5)
    start = scene(1, 3, 5)[0]
    module = CRFRNN(CLASSES, 2, 5, 20, 1, [0.5, 0.6, 0.7, 0.8], 0.9).double()
    names = [name for name, _ in module.named_parameters()]

    def apply(scores: torch.Tensor, start: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        tensors = dict(zip(names, weights, strict=True))
        found: torch.Tensor = torch.func.functional_call(module, tensors, (scores, start, image))
        return found

    weights = [parameter.detach().clone().requires_grad_() for parameter in module.parameters()]
    assert torch.autograd.gradcheck(apply, (scores.requires_grad_(), start.requires_grad_(), *weights))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "num_iterations must be at least 2"),
        ("num_iterations: 5 detection_potentials_enabled: true", "potentials of detections and superpixels are not"),
        ("num_iterations: 5 ho_potentials_enabled: true", "potentials of detections and superpixels are not"),
        ("num_iterations: 5 theta_beta: 0", "theta_alpha, theta_beta and theta_gamma must be positive"),
        ('num_iterations: 5 spatial_filter_weights_str: "1 2"', "'1 2' must be a number for each of the 4 classes"),
        ('num_iterations: 5 bilateral_filter_weights_str: "a"', "'a' must be a number for each of the 4 classes"),
    ],
)
def test_crf_rnn_refuses(settings: str, problem: str) -> None:
    bottoms = float32(*scene())
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("MultiStageMeanfield", "aab", f"multi_stage_meanfield_param {{ {settings} }}"), bottoms)


def test_bottoms_of_crf_rnn_that_do_not_fit() -> None:
    scores, image = scene()
    with pytest.raises(DefinitionError, match=r"layer 'it': it reads scores of 4 axes and images of 3 channels, not"):
        run(layer("MultiStageMeanfield", "aaa", MEANFIELD % ""), float32(scores))
    with pytest.raises(DefinitionError, match="layer 'it': MultiStageMeanfield needs 3 bottoms, it has 2"):
        run(layer("MultiStageMeanfield", "ab", MEANFIELD % ""), float32(scores, image))
    it = net(layer("MultiStageMeanfield", "abc", MEANFIELD % ""), float32(scores, scores, image))
    with pytest.raises(InputError, match=r"layer 'it' .* the bottoms must have equal shapes, not"):
        it(scores.float(), scores.float()[..., 1:], image.float())


# The end of torrvision/crfasrnn python-scripts/TVG_CRFRNN_new_deploy.prototxt, on a smaller net.
CRF_RNN = """name: "crf-rnn"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 24, 32] } } }
layer { name: "coarse" type: "Convolution" bottom: "data" top: "coarse" convolution_param {
        num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "splitting" type: "Split" bottom: "coarse" top: "unary" top: "Q0" }
layer { name: "inference1" type: "MultiStageMeanfield" bottom: "unary" bottom: "Q0" bottom: "data" top: "pred"
        param { lr_mult: 10000 } param { lr_mult: 10000 } param { lr_mult: 1000 }
        multi_stage_meanfield_param { num_iterations: 10 compatibility_mode: POTTS threshold: 2 theta_alpha: 160
        theta_beta: 3 theta_gamma: 3 spatial_filter_weight: 3 bilateral_filter_weight: 5 } }"""


def test_a_whole_crf_rnn_runs_learns_and_is_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    built = fcnkit.CaffeNet(CRF_RNN)
    image = torch.rand(1, 3, 24, 32) * 255
    top = built(image)
    assert isinstance(top, torch.Tensor)
    assert top.shape == built.shapes["pred"] == (1, 4, 24, 32)
    torch.nn.functional.cross_entropy(top, torch.randint(4, (1, 24, 32))).backward()
    gradients = {name: parameter.grad for name, parameter in built.named_parameters()}
    assert sorted(gradients) == [
        "coarse.bias", "coarse.weight",
        "inference1.bilateral_weight", "inference1.compatibility", "inference1.spatial_weight",
    ]  # fmt: skip
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients.values())
    for name in ("net.safetensors", "net.caffemodel", "net.pth"):
        fcnkit.save(built, tmp_path / name)
        definition = None if name == "net.safetensors" else tmp_path / "net.prototxt"
        (tmp_path / "net.prototxt").write_text(prototxt.to_text(built.definition()))
        again = fcnkit.load(tmp_path / name, definition).eval()
        assert torch.allclose(again(image), built.eval()(image), atol=1e-5)
    with pytest.raises(OutputError, match=r"net\.py: layer 'inference1'"):
        fcnkit.save(built, tmp_path / "net.py")
