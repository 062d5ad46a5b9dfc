"""Layers that pool over regions, against the forks' loops written out, OpenCV, and values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, opencv, run, values

POSITIONS = "psroi_pooling_param { spatial_scale: %g output_dim: %d group_size: %d }"
# Inside, across an edge, of a single pixel, and outside of a map of 9 x 7 at half of the image's size.
REGIONS = np.array(
    [[0, 1, 2, 9, 14], [1, 0, 0, 5.5, 5.4], [1, 4, 4, 4, 4], [0, -6, -3.5, 30, 30], [1, 40, 40, 50, 50]], np.float32
)


def by_loops(features: np.ndarray, regions: np.ndarray, channels: int, size: int, scale: float) -> np.ndarray:
    """Position-sensitive pooling pixel by pixel."""
    top = np.zeros((len(regions), channels, size, size), np.float32)
    height, width = features.shape[2:]
    for n, (image, *corners) in enumerate(regions.tolist()):
        x1, y1, x2, y2 = (math.floor(abs(c) + 0.5) * (1 if c > 0 else -1) for c in corners)
        left, upper, right, lower = x1 * scale, y1 * scale, (x2 + 1) * scale, (y2 + 1) * scale
        wide, high = max(right - left, 0.1) / size, max(lower - upper, 0.1) / size
        for k in range(channels):
            for i in range(size):
                for j in range(size):
                    inside = [
                        float(features[int(image), (k * size + i) * size + j, y, x])
                        for y in range(max(math.floor(i * high + upper), 0), math.ceil((i + 1) * high + upper))
                        for x in range(max(math.floor(j * wide + left), 0), math.ceil((j + 1) * wide + left))
                        if y < height and x < width
                    ]
                    top[n, k, i, j] = sum(inside) / len(inside) if inside else 0
    return top


@pytest.mark.parametrize(("channels", "size", "scale"), [(2, 3, 0.5), (3, 2, 0.25), (1, 1, 1)])
def test_psroipooling(channels: int, size: int, scale: float) -> None:
    features = values(2, channels * size**2, 9, 7)
    found = run(layer("PSROIPooling", "ab", POSITIONS % (scale, channels, size)), [features, REGIONS])
    assert np.allclose(found, by_loops(features, REGIONS, channels, size, scale), atol=1e-5)
    assert found.any()


def test_psroipooling_pools_what_opencv_pools(tmp_path: Path) -> None:
    it, bottoms = layer("PSROIPooling", "ab", POSITIONS % (0.5, 2, 3)), [values(1, 18, 9, 7), REGIONS[[0, 3]]]
    bottoms[1][:, 0] = 0
    assert np.allclose(run(it, bottoms), opencv(it, bottoms, tmp_path), atol=1e-5)


def test_psroipooling_by_hand() -> None:
    """Of planes of 1, 2, 3 and 4 the parts of a region are 1 2 and 3 4; beyond the map they are 0."""
    features = np.ones((1, 4, 4, 4), np.float32) * np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1, 1)
    regions = np.array([[0, 0, 0, 3, 3], [0, 2, 0, 5, 3]], np.float32)
    top = run(layer("PSROIPooling", "ab", POSITIONS % (1, 1, 2)), [features, regions])
    assert top[:, 0].tolist() == [[[1, 2], [3, 4]], [[1, 0], [3, 0]]]


def test_psroipooling_sends_gradients_to_the_pixels_it_reads() -> None:
    """The mean of 2 x 2 pixels has a quarter of each."""
    it = net(layer("PSROIPooling", "ab", POSITIONS % (1, 1, 1)), [values(1, 1, 3, 3), values(1, 5)])
    features = torch.zeros(1, 1, 3, 3, requires_grad=True)
    top = it(features, torch.tensor([[0.0, 1, 1, 2, 2]]))
    assert isinstance(top, torch.Tensor)
    top.sum().backward()
    assert features.grad is not None
    assert features.grad[0, 0].tolist() == [[0, 0, 0], [0, 0.25, 0.25], [0, 0.25, 0.25]]


def test_psroipooling_refuses() -> None:
    bottoms = [values(1, 8, 5, 5), REGIONS[:1]]
    with pytest.raises(DefinitionError, match="2 channels of 3 x 3 parts need 18"):
        run(layer("PSROIPooling", "ab", POSITIONS % (1, 2, 3)), bottoms)
    for settings in ("output_dim: 2 group_size: 2", "spatial_scale: 1 output_dim: 2", "spatial_scale: 1 group_size: 2"):
        with pytest.raises(DefinitionError, match="layer 'it': give spatial_scale, output_dim and group_size"):
            run(layer("PSROIPooling", "ab", f"psroi_pooling_param {{ {settings} }}"), bottoms)


def plane(height: int, width: int) -> np.ndarray:
    """100 y + x at each pixel: interpolation between pixels is exact."""
    return (100 * np.arange(height)[:, None] + np.arange(width)).astype(np.float32)[None, None]


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
def test_roialign_of_a_plane_is_the_plane_at_the_middle_of_each_part(samples: int) -> None:
    """Whatever the number of samples, as long as all lie inside of the map."""
    it = layer(
        "ROIAlign", "ab", f"roi_align_param {{ pooled_h: 2 pooled_w: 4 spatial_scale: 0.5 sampling_ratio: {samples} }}"
    )
    region = np.array([[0, 3, 4, 14, 11]], np.float32)  # from 1.5, 2 to 7, 5.5 on the map
    expected = [[100 * y + x for x in 1.5 + 5.5 * np.array([1, 3, 5, 7]) / 8] for y in (2 + 3.5 / 4, 2 + 3.5 * 3 / 4)]
    assert np.allclose(run(it, [plane(10, 12), region])[0, 0], expected, atol=1e-3)


def test_psroialign_of_planes_is_each_parts_plane_at_its_middle() -> None:
    """Each channel is a plane of its own height: 1000 times its number, plus 100 y + x."""
    features = plane(10, 12) + 1000 * np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)
    region = np.array([[0, 3, 4, 14, 11]], np.float32)  # from 1.5, 2 to 7, 5.5 on the map
    top = run(layer("PSROIAlign", "ab", POSITIONS % (0.5, 2, 2)), [features, region])
    middles = [[100 * y + x for x in (1.5 + 5.5 / 4, 1.5 + 5.5 * 3 / 4)] for y in (2 + 3.5 / 4, 2 + 3.5 * 3 / 4)]
    channels = 1000 * np.arange(8).reshape(2, 2, 2)
    assert np.allclose(top[0], channels + np.array(middles), atol=1e-2)


def test_psroialign_at_the_edges_of_the_map() -> None:
    """Of a row 8 8 8 the samples outside of its first and last pixel are 0, and count; an empty region is 0."""
    row = np.full((1, 1, 2, 3), 8, np.float32)
    regions = np.array([[0, -2, 0, 2, 1], [0, 0, 0, 2, 1], [0, 1, 0, 1, 1]], np.float32)  # x at -1, 1 and at 0.5, 1.5
    top = run(layer("PSROIAlign", "ab", POSITIONS % (1, 1, 1)), [row, regions])
    assert top.ravel().tolist() == [4, 8, 0]


def samples_by_loops(
    features: np.ndarray, regions: np.ndarray, channels: int, size: int, scale: float, samples: int
) -> np.ndarray:
    """Position-sensitive samples one by one, as the CUDA kernel takes them."""
    top = np.zeros((len(regions), channels, size, size), np.float32)
    height, width = features.shape[2:]
    for (n, k, i, j), _ in np.ndenumerate(top):
        image, left, upper, right, lower = regions[n].tolist()
        spans = []
        for index, low, high, length in ((i, upper, lower, height), (j, left, right, width)):
            part = max((high + 1) * scale - low * scale, 0.1) / size
            start, end = (min(max(at * part + low * scale, 0), length - 1) for at in (index, index + 1))
            spans.append([at for s in range(samples) if (at := start + (s + 1) * part / (samples + 1)) < end])
        plane, total = features[int(image), (k * size + i) * size + j], 0.0
        for y in spans[0]:
            for x in spans[1]:
                y0, x0 = int(y), int(x)
                y1, x1, a, b = min(y0 + 1, height - 1), min(x0 + 1, width - 1), y - y0, x - x0
                total += (1 - a) * ((1 - b) * plane[y0, x0] + b * plane[y0, x1])
                total += a * ((1 - b) * plane[y1, x0] + b * plane[y1, x1])
        top[n, k, i, j] = total / samples**2
    return top


@pytest.mark.parametrize(("size", "samples"), [(1, 1), (2, 3), (3, 2)])
def test_psroialign_with_samples(size: int, samples: int) -> None:
    features = values(2, 2 * size**2, 9, 7)
    settings = f"spatial_scale: 0.5 output_dim: 2 group_size: {size} sample_num: {samples}"
    top = run(layer("PSROIAlign", "ab", f"psroi_align_param {{ {settings} }}"), [features, REGIONS])
    expected = samples_by_loops(features, REGIONS, 2, size, 0.5, samples)
    assert np.count_nonzero(expected[:4].any((1, 2, 3))) >= 3
    assert not expected[4].any()
    assert np.allclose(top, expected, atol=1e-4)


@pytest.mark.parametrize("settings", ["", "spatial_scale: 1 output_dim: 1 group_size: 1 sample_num: 0"])
def test_psroialign_with_samples_refuses(settings: str) -> None:
    problem = "layer 'it': give spatial_scale, output_dim, group_size and sample_num, and positive"
    with pytest.raises(DefinitionError, match=problem):
        run(layer("PSROIAlign", "ab", f"psroi_align_param {{ {settings} }}"), [values(2, 1, 9, 7), REGIONS])


def test_roialign_at_the_edges_of_the_map() -> None:
    """One sample for each part, on columns 0 1 2: up to a pixel outside it is the column at the edge, beyond it 0."""
    it = layer("ROIAlign", "ab", "roi_align_param { pooled_h: 1 pooled_w: 5 sampling_ratio: 1 }")
    columns = np.array([[10, 20, 40]], np.float32).reshape(1, 1, 1, 3)
    region = np.array([[0, -2.25, -0.5, 5.25, 0.5]], np.float32)  # samples at -1.5, 0, 1.5, 3 and 4.5
    assert run(it, [columns, region]).ravel().tolist() == pytest.approx([0, 10, 30, 40, 0])
    small = np.array([[0, 1, 0, 1, 0]], np.float32)  # as if it were one pixel wide: samples from 1.1 to 1.9
    assert run(it, [columns, small]).ravel().tolist() == pytest.approx([22, 26, 30, 34, 38])


def test_roialign_of_mscnn_has_the_values_at_the_corners_of_parts() -> None:
    """Halves of pixels are subtracted on the map: the corners lie at 1, 3, 5 and 7 along x, at 1 and 4 along y."""
    it = layer("ROIAlign", "ab", "roi_pooling_param { pooled_h: 1 pooled_w: 3 spatial_scale: 0.5 }")
    region = np.array([[0, 3, 3, 15, 9]], np.float32)
    assert run(it, [plane(10, 12), region])[0, 0].tolist() == [[101, 103, 105, 107], [401, 403, 405, 407]]


def test_roialign_of_mscnn_at_the_edges_of_the_map() -> None:
    """On a row 10 20 40: half a pixel outside it is the value at the edge, beyond it 0; so are empty regions."""
    it = layer("ROIAlign", "ab", "roi_pooling_param { pooled_h: 1 pooled_w: 4 }")
    row = np.array([[10, 20, 40], [10, 20, 40]], np.float32).reshape(1, 1, 2, 3)
    regions = np.array([[0, -0.75, 0.5, 3.25, 1.5], [0, 2, 0.5, 2, 1.5]], np.float32)  # at -1.25 -0.25 0.75 1.75 2.75
    top = run(it, [row, regions])
    assert top[0, 0].tolist() == [[0, 10, 17.5, 35, 0]] * 2
    assert not top[1].any()


def test_regions_with_a_margin() -> None:
    """A region of 2 x 4 pixels is enlarged by half of its size on each side: by 1 along x, by 2 along y."""
    features = plane(12, 12)
    enlarged, given = np.array([[0, 4, 2, 7, 9]], np.float32), np.array([[0, 5, 4, 6, 7]], np.float32)
    for kind in ("ROIPooling", "ROIAlign"):
        plain = layer(kind, "ab", "roi_pooling_param { pooled_h: 2 pooled_w: 2 }")
        margin = layer(kind, "ab", "roi_pooling_param { pooled_h: 2 pooled_w: 2 pad_ratio: 0.5 }")
        assert np.allclose(run(margin, [features, given]), run(plain, [features, enlarged]))


def test_roialign_refuses() -> None:
    bottoms = [values(1, 2, 5, 5), REGIONS[:1]]
    with pytest.raises(
        DefinitionError, match="layer 'it': forks compute ROIAlign differently without sampling_ratio; give it"
    ):
        run(layer("ROIAlign", "ab", "roi_align_param { pooled_h: 2 pooled_w: 2 }"), bottoms)
    with pytest.raises(DefinitionError, match="layer 'it': pooled_h and pooled_w must be positive"):
        run(layer("ROIAlign", "ab", "roi_align_param { pooled_h: 2 sampling_ratio: 0 }"), bottoms)


@pytest.mark.parametrize(
    ("kind", "settings", "shape"),
    [
        ("PSROIPooling", POSITIONS % (1, 2, 2), (2, 2, 2)),
        ("PSROIAlign", POSITIONS % (1, 2, 2), (2, 2, 2)),
        ("ROIAlign", "roi_align_param { pooled_h: 3 pooled_w: 2 sampling_ratio: 2 }", (8, 3, 2)),
        ("ROIAlign", "roi_pooling_param { pooled_h: 3 pooled_w: 2 }", (8, 4, 3)),
    ],
)
def test_any_number_of_regions(kind: str, settings: str, shape: tuple[int, ...]) -> None:
    it = net(layer(kind, "ab", settings), [values(1, 8, 9, 7), REGIONS[:3]])
    assert it.shapes["top"] == (3, *shape)
    for count in (0, 2):
        top = it(torch.zeros(2, 8, 6, 8), torch.zeros(count, 5, 1, 1))
        assert isinstance(top, torch.Tensor)
        assert top.shape == (count, *shape)
