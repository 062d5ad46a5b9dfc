"""Scores by hand, and those that Caffe's predictions have."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcnkit.errors import FileFormatError, InputError
from fcnkit.segment.metrics import Scores, histogram
from fcnkit.segment.parallel import Ranks
from fcnkit.segment.scoring import Pair, Scorer, add_up, partners


def scores(truth: list[int], predicted: list[int], classes: int = 3) -> Scores:
    return Scores(histogram(np.array(truth), np.array(predicted), classes))


def test_by_hand() -> None:
    found = scores([0, 0, 0, 1, 1, 2, 255, -1], [0, 0, 1, 1, 2, 2, 9, 9])
    assert found.hist.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found.pixel_accuracy == pytest.approx(4 / 6)
    assert found.mean_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.iu == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    assert found.mean_iu == pytest.approx(0.5)
    assert found.fw_iu == pytest.approx(3 / 6 * 2 / 3 + 2 / 6 * 1 / 3 + 1 / 6 * 1 / 2)


def test_a_class_in_neither_is_left_out() -> None:
    found = scores([0, 0, 2, 2], [0, 2, 2, 2])
    assert found.iu == pytest.approx([1 / 2, math.nan, 2 / 3], nan_ok=True)
    assert found.mean_iu == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.mean_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.fw_iu == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 3)
    assert found.as_dict()["iu"] == [1 / 2, None, 2 / 3]


def test_a_class_that_is_only_predicted_has_an_iu_of_0() -> None:
    found = scores([0, 0, 0, 0], [0, 0, 0, 1], 2)
    assert found.iu == pytest.approx([3 / 4, 0])
    assert found.mean_iu == pytest.approx(3 / 8)
    assert found.mean_accuracy == pytest.approx(3 / 4)
    assert found.fw_iu == pytest.approx(3 / 4)


def test_nothing_but_ignored_pixels() -> None:
    found = scores([255, 255], [0, 1], 2)
    assert json.loads(json.dumps(found.as_dict())) == {
        "pixel_accuracy": None, "mean_accuracy": None, "mean_iu": None, "fw_iu": None,
        "iu": [None, None], "hist": [[0, 0], [0, 0]],
    }  # fmt: skip


def test_counts_do_not_overflow_small_integers() -> None:
    truth = np.full((100, 100), 200, np.uint8)
    assert histogram(truth, truth, 256)[200, 200] == 10_000


def test_caffes_predictions_have_caffes_scores(data: Path) -> None:
    folder = data / "shapes"
    pairs = [Pair(folder / f"caffe{i}.png", folder / f"label{i}.png") for i in range(6)]
    expected = json.loads((folder / "scores.json").read_text())
    for classes in (4, None):
        total = add_up(Scorer(classes).files(pairs, 2), classes, Ranks())
        assert total.unknown == 0
        found = Scores(total.hist).as_dict()
        assert found["hist"] == expected["hist"]
        assert found["iu"] == pytest.approx(expected["iu"], abs=1e-6)
        for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu"):
            assert found[name] == pytest.approx(expected[name], abs=1e-6)


def save(path: Path, values: list[list[int]], kind: type = np.uint8) -> Path:
    Image.fromarray(np.array(values, kind)).save(path)
    return path


@pytest.mark.parametrize(
    ("predicted", "truth", "classes", "message"),
    [
        ([[0, 1]], [[0], [1]], None, "t.png: is 2 x 1 pixels, and '{p}' is 1 x 2; they must be equal"),
        ([[0, 0]], [[0, 7]], 4, "t.png: has label 7; 1 of its pixels are out of range: the classes are 0 to 3, and "),
        ([[4, 4]], [[0, 1]], 4, "p.png: has label 4 where the truth counts; 2 of its pixels are out of range: "),
        ([[255, 0]], [[1, 1]], None, "p.png: has label 255 where the truth counts; 1 of its pixels are out of range: "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(
    tmp_path: Path, predicted: list[list[int]], truth: list[list[int]], classes: int | None, message: str
) -> None:
    pair = Pair(save(tmp_path / "p.png", predicted), save(tmp_path / "t.png", truth))
    with pytest.raises(InputError) as caught:
        list(Scorer(classes).files([pair], 1))
    assert str(caught.value).startswith(f"{tmp_path}/{message}".replace("{p}", str(pair.predicted)))


def test_what_is_predicted_where_the_truth_is_ignored_does_not_matter(tmp_path: Path) -> None:
    pair = Pair(save(tmp_path / "p.png", [[0, 255, 9]]), save(tmp_path / "t.png", [[0, 255, 255]]))
    assert next(Scorer(2).files([pair], 1)).hist.tolist() == [[1, 0], [0, 0]]
    pair = Pair(save(tmp_path / "p.png", [[0, 1, 1]]), save(tmp_path / "t.png", [[0, 1, 1]]))
    assert next(Scorer(2, ignore=0).files([pair], 1)).hist.tolist() == [[0, 0], [0, 2]]


def test_sixteen_bit_labels_and_colour_masks(tmp_path: Path) -> None:
    wide = save(tmp_path / "p.png", [[0, 1], [1, 1]], np.uint16)
    mask = tmp_path / "t.png"
    colours = [[[0, 0, 0], [128, 0, 0]], [[224, 224, 192], [1, 2, 3]]]
    Image.fromarray(np.array(colours, np.uint8)).save(mask)
    counts = next(Scorer(2).files([Pair(wide, mask)], 1))
    assert (counts.hist.tolist(), counts.unknown) == ([[1, 0], [0, 1]], 1)


def test_labels_of_sbd(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    truth = tmp_path / "t.mat"
    scipy_io.savemat(truth, {"GTcls": {"Segmentation": np.array([[0, 1, 1]], np.uint8), "CategoriesPresent": [1]}})
    counts = next(Scorer(2).files([Pair(save(tmp_path / "p.png", [[0, 1, 0]]), truth)], 1))
    assert counts.hist.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(("variable", "dtype"), [("S", np.int16), ("segmentation", np.float64)])
def test_labels_that_are_counted_from_one(variable: str, dtype: type, tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    truth = tmp_path / "t.mat"
    scipy_io.savemat(truth, {variable: np.array([[0, 1, 2, -1, 2]], dtype)})
    predicted = save(tmp_path / "p.png", [[0, 0, 0, 1, 1]])
    for ignore in (255, 7):
        counts = next(Scorer(2, ignore=ignore).files([Pair(predicted, truth)], 1))
        assert (counts.hist.tolist(), counts.ignored) == ([[1, 0], [1, 1]], 2)


@pytest.mark.parametrize(
    "content", [{"T": np.ones((2, 2))}, {"S": np.array(["sky"], object)}, {"GTcls": np.ones((1, 1))}]
)
def test_a_mat_file_without_labels(content: dict[str, np.ndarray], tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(tmp_path / "t.mat", content)
    with pytest.raises(FileFormatError) as caught:
        next(Scorer(2).files([Pair(tmp_path / "t.mat", tmp_path / "t.mat")], 1))
    assert str(caught.value) == (
        f"{tmp_path / 't.mat'}: cannot be read as labels: it has no GTcls.Segmentation (SBD), no S (SIFT Flow) and no"
        " segmentation (NYUDv2), or is damaged"
    )


def test_partners() -> None:
    a, b = Path("a.jpg"), Path("b.png")
    assert partners({"x": a, "y": a}, {"x": b, "y": b}) == [Pair(a, b)] * 2
    assert partners({"x": a, "y": a}, {"x": b, "z": b}, ["x"]) == [Pair(a, b)]
    with pytest.raises(InputError) as caught:
        partners({"x": a, "y": a}, {"x": b, "z": b})
    assert str(caught.value) == (
        "unmatched files: 'b.png' has no prediction or image, 'a.jpg' has no label map; "
        "give the names to score with `only`"
    )
    with pytest.raises(InputError) as caught:
        partners({"x": a}, {}, ["x", "y"], "rename them")
    assert str(caught.value) == (
        "unmatched files: 'y' has no prediction or image, 'a.jpg' has no label map, 'y' has no label map; rename them"
    )
    with pytest.raises(
        InputError, match=r"'b4.png' has no prediction or image, and 5 more; give the names to score with `only`"
    ):
        partners({}, {str(number): Path(f"b{number}.png") for number in range(10)})
