"""Fillers by their definition in Caffe's filler.hpp: bounds, moments and exact values."""

from __future__ import annotations

import pytest
import torch

from fcnkit.caffe.schema import message_class
from fcnkit.errors import DefinitionError
from fcnkit.layers.fillers import bilinear_kernel, fill

Filler = message_class("FillerParameter")
AVERAGE, FAN_OUT = 2, 1


def filled(shape: tuple[int, ...], **settings: object) -> torch.Tensor:
    torch.manual_seed(1)
    blob = torch.full(shape, -99.0)
    fill(blob, Filler(**settings), "l")
    return blob


def test_constant() -> None:
    assert (filled((2, 3), value=1.5) == 1.5).all()
    assert (filled((2, 3)) == 0).all()


def test_uniform() -> None:
    blob = filled((100, 100), type="uniform", min=-2, max=1)
    assert -2 <= blob.min() < -1.99
    assert 0.99 < blob.max() <= 1


def test_gaussian() -> None:
    blob = filled((200, 100), type="gaussian", mean=3, std=0.5)
    assert blob.mean() == pytest.approx(3, abs=0.02)
    assert blob.std() == pytest.approx(0.5, abs=0.02)


def test_sparse_gaussian_leaves_so_many_inputs_to_each_output_on_average() -> None:
    blob = filled((100, 400), type="gaussian", sparse=5)
    assert (blob != 0).float().mean() == pytest.approx(5 / 100, abs=0.01)


def test_positive_unitball() -> None:
    blob = filled((4, 3, 2), type="positive_unitball")
    assert blob.min() >= 0
    assert torch.allclose(blob.reshape(4, -1).sum(1), torch.ones(4))


@pytest.mark.parametrize(("norm", "fan"), [(0, 18), (FAN_OUT, 36), (AVERAGE, 27)])
def test_xavier_and_msra_count_inputs_and_outputs_by_the_first_two_axes(norm: int, fan: int) -> None:
    shape = (400, 200, 3, 3)  # 200 * 9 inputs, 400 * 9 outputs
    xavier = filled(shape, type="xavier", variance_norm=norm)
    bound = (3 / (fan * 100)) ** 0.5
    assert xavier.abs().max() == pytest.approx(bound, rel=1e-3)
    assert xavier.abs().max() <= bound
    msra = filled(shape, type="msra", variance_norm=norm)
    assert msra.std() == pytest.approx((2 / (fan * 100)) ** 0.5, rel=0.01)


@pytest.mark.parametrize(
    ("size", "line"),
    [(1, [1]), (3, [0.5, 1, 0.5]), (4, [0.25, 0.75, 0.75, 0.25]), (5, [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])],
)
def test_bilinear_kernels(size: int, line: list[float]) -> None:
    expected = torch.outer(torch.tensor(line).float(), torch.tensor(line).float())
    assert torch.allclose(bilinear_kernel(size), expected)
    assert torch.allclose(filled((2, 3, size, size), type="bilinear"), expected.expand(2, 3, size, size))


def test_errors() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': unknown filler 'magic'; the fillers are constant, gaussian"):
        filled((1,), type="magic")
    with pytest.raises(DefinitionError, match="only the gaussian filler can be sparse, not 'uniform'"):
        filled((1,), type="uniform", sparse=2)
    with pytest.raises(DefinitionError, match=r"bilinear filler needs square filters, not \(1, 1, 2, 3\)"):
        filled((1, 1, 2, 3), type="bilinear")
    with pytest.raises(DefinitionError, match="layer 'l': its gaussian filler cannot be used: normal expects std >= 0"):
        filled((1,), type="gaussian", std=-1)
    with pytest.raises(DefinitionError, match="layer 'l': its uniform filler cannot be used: uniform_ expects"):
        filled((1,), type="uniform", min=2, max=1)


def test_expectation_finds_the_mean_position_of_a_map() -> None:
    """Of 2 x 3 pixels: columns at -1, 0 and 1, rows at -1 and 1."""
    settings = {"type": "expectation", "width": 3, "height": 2}
    rows = filled((2, 6), **settings)
    assert rows.tolist() == [[-1, 0, 1, -1, 0, 1], [-1, -1, -1, 1, 1, 1]]
    assert filled((2, 6), **settings, expectation_option="-x^2y^2").tolist() == [[-1, 0, -1] * 2, [-1] * 6]
    assert filled((1, 6), **settings, expectation_option="y").tolist() == [[-1, -1, -1, 1, 1, 1]]
    with pytest.raises(DefinitionError, match="its expectation filler cannot be used: expectation_option 'x' does not"):
        filled((2, 6), **settings, expectation_option="x")
    with pytest.raises(DefinitionError, match=r"width 3 and height 2 do not fit a blob of \(2, 5\)"):
        filled((2, 5), **settings)


def test_expectation_data_is_the_position_of_each_pixel() -> None:
    settings = {"type": "expectation_data", "expectation_option": "y"}
    assert filled((1, 2, 3, 2), **settings).tolist() == [[[[-1, -1], [0, 0], [1, 1]]] * 2]
    with pytest.raises(DefinitionError, match="expectation_option is x or y"):
        filled((1, 2, 3, 2), type="expectation_data")


def test_diagonal_takes_the_mean_of_a_window() -> None:
    """Of three channels the first two, halved and as they are."""
    blob = filled((2, 3, 1, 2), type="diagonal", diag_val=[0.5])
    assert blob.reshape(2, 3, 2).tolist() == [[[0.25, 0.25], [0, 0], [0, 0]], [[0, 0], [0.5, 0.5], [0, 0]]]


def test_gaussian_unitball() -> None:
    blob = filled((5, 3, 2), type="gaussian_unitball")
    assert torch.allclose(blob.reshape(5, -1).norm(dim=1), torch.ones(5))
    assert blob.min() < 0


def test_masks_of_borders() -> None:
    """Differences to the right lack the last column, those downwards the last row; a border of round(0.1 * 5)."""
    flow = filled((2, 2, 2, 3), type="flowBorderMask")
    assert flow[1].tolist() == [[[1, 1, 0], [1, 1, 0]], [[1, 1, 1], [0, 0, 0]]]
    border = filled((1, 1, 5, 6), type="borderMask", border_ratio=0.1)
    assert border[0, 0].tolist() == [[0] * 6, *[[0, 1, 1, 1, 1, 0]] * 3, [0] * 6]
    assert filled((1, 2, 4, 4), type="borderMask", border_ratio=0.1).all()
    with pytest.raises(DefinitionError, match="its flowBorderMask filler cannot be used: the blob must be a map of 2"):
        filled((2, 3, 2, 3), type="flowBorderMask")
    with pytest.raises(DefinitionError, match="its borderMask filler cannot be used: the blob must be a map, and"):
        filled((2, 3, 2, 3), type="borderMask")
