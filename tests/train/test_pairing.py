"""Images and label maps: paired, split and listed; the trees of VOC and SBD."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fcnkit.errors import FcnkitError
from fcnkit.train.data.pairing import Pair, pairs, read_list, split, write_list
from fcnkit.train.data.voc import voc


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    """Files whose content does not matter here."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def message(call: Callable[[], object]) -> str:
    with pytest.raises(FcnkitError) as raised:
        call()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def numbered(count: int) -> list[Pair]:
    return [Pair(Path(f"{number}.jpg"), Path(f"{number}.png")) for number in range(count)]


def test_pairs_by_name() -> None:
    touch("photos/a.jpg", "photos/b.png", "photos/notes.md", "labels/b.mat", "labels/a.png")
    expected = [("photos/a.jpg", "labels/a.png"), ("photos/b.png", "labels/b.mat")]
    Path("photos.txt").write_text("photos/b.png\nphotos/a.jpg\n")
    for images in ("photos", "photos/*.[jp][pn]g", "photos.txt"):
        assert [tuple(map(str, pair)) for pair in pairs(images, "labels")] == expected


def test_a_missing_partner_is_named() -> None:
    touch("photos/a.jpg", "photos/b.jpg", "labels/a.png")
    way_out = "; give both the same name, or choose the files with a pattern or a .txt list of paths"
    assert message(lambda: pairs("photos", "labels")) == ("unmatched files: 'photos/b.jpg' has no label map" + way_out)
    Path("photos/b.jpg").unlink()
    touch("labels/c.png")
    assert message(lambda: pairs("photos", "labels")) == (
        "unmatched files: 'labels/c.png' has no prediction or image" + way_out
    )
    assert message(lambda: pairs("none", "labels")) == "none: there is no such image or folder"
    touch("photos/a.png")
    assert message(lambda: pairs("photos", "labels")) == (
        "photos/a.png: has the same name as 'photos/a.jpg'; results are named after it: rename one"
    )


@pytest.mark.parametrize(("count", "share", "validated"), [(10, 0.3, 3), (10, 0.001, 1), (10, 0.999, 9), (2, 0.5, 1)])
def test_split(count: int, share: float, validated: int) -> None:
    all_pairs = numbered(count)
    train, val = split(all_pairs, share)
    assert (len(train), len(val)) == (count - validated, validated)
    assert sorted(train + val) == sorted(all_pairs)
    assert train == [pair for pair in all_pairs if pair in train]
    assert split(all_pairs, share) == (train, val)


def test_splits_differ_by_seed() -> None:
    assert len({tuple(split(numbered(20), 0.5, seed)[1]) for seed in range(5)}) == 5


def test_a_split_that_is_impossible() -> None:
    assert message(lambda: split(numbered(1), 0.5)) == (
        "1 image cannot be split into training and validation; give more, or the images of the validation"
    )
    assert message(lambda: split(numbered(3), 1)) == "the share of the validation is 1; give a number between 0 and 1"
    assert message(lambda: split(numbered(3), 0)).startswith("the share of the validation is 0;")


def test_a_list_is_read_as_it_was_written() -> None:
    touch("photos/a b.jpg", "labels/ä.png")
    write_list("list.txt", [Pair(Path("photos/a b.jpg"), Path("labels/ä.png"))])
    here = Path.cwd()
    assert read_list("list.txt") == [(here / "photos/a b.jpg", here / "labels/ä.png")]
    assert message(lambda: write_list("list.txt", numbered(1))) == (
        "list.txt: exists; replace it with `force` or choose another output"
    )
    write_list("list.txt", [Pair(Path("labels/ä.png"), Path("labels/ä.png"))] * 2, force=True)
    assert len(read_list("list.txt")) == 2


def test_relative_paths_start_at_the_list() -> None:
    touch("data/photos/a.jpg", "data/a.png")
    Path("data/list.txt").write_text("photos/a.jpg\ta.png\n\n")
    assert read_list("data/list.txt") == [(Path("data/photos/a.jpg"), Path("data/a.png"))]


@pytest.mark.parametrize("name", ["a\tb.png", "a\nb.png", "a\x85b.png", "a.png "])
def test_paths_that_a_list_cannot_contain(name: str) -> None:
    found = message(lambda: write_list("list.txt", [Pair(Path("a.jpg"), Path(name))]))
    assert found.endswith(
        ": has a tab, a line break or a space at its end in its path, which a list cannot contain; rename it"
    )
    assert not Path("list.txt").exists()


def test_a_path_that_is_no_text() -> None:
    found = message(lambda: write_list("list.txt", [Pair(Path("a.jpg"), Path("a\udcff.png"))]))
    assert found.endswith("has a path that is not UTF-8 text; rename it")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg\n", "list.txt: has the line 'a.jpg'; a line is IMAGE, a tab, LABELS"),
        (
            "a.jpg\ta.png\na.jpg\ta.png\ta.png\n",
            "list.txt: has the line 'a.jpg\\ta.png\\ta.png': it has 2 label maps, and the first line has 1",
        ),
        ("a.jpg\tb.png\n", "list.txt: lists 'b.png', and there is no such file"),
        ("\n", "list.txt: lists no image"),
    ],
)
def test_lists_that_are_wrong(text: str, expected: str) -> None:
    touch("a.jpg", "a.png")
    Path("list.txt").write_text(text)
    assert message(lambda: read_list("list.txt")) == expected


def names(pairs: list[Pair]) -> list[str]:
    return [pair.image.stem for pair in pairs]


@pytest.fixture
def tree() -> Path:
    """VOC's train is a, b, its val c, d, e; SBD's train is b, d, f."""
    for name in "abcde":
        touch(f"VOC/JPEGImages/{name}.jpg", f"VOC/SegmentationClass/{name}.png")
    for name in "bdf":
        touch(f"benchmark_RELEASE/dataset/img/{name}.jpg", f"benchmark_RELEASE/dataset/cls/{name}.mat")
    lists = {
        "VOC/ImageSets/Segmentation/train": "ab",
        "VOC/ImageSets/Segmentation/val": "cde",
        "benchmark_RELEASE/dataset/train": "bdf",
    }
    for path, listed in lists.items():
        touch(f"{path}.txt")
        Path(f"{path}.txt").write_text("\n".join(listed) + "\n")
    return Path("VOC")


def test_voc(tree: Path) -> None:
    train, val = voc(tree)
    assert (names(train), names(val)) == (["a", "b"], ["c", "d", "e"])
    assert train[0] == (tree / "JPEGImages/a.jpg", tree / "SegmentationClass/a.png")


@pytest.mark.parametrize("sbd", [".", "benchmark_RELEASE", "benchmark_RELEASE/dataset"])
def test_voc_with_sbd(tree: Path, sbd: str) -> None:
    train, val = voc(tree, sbd)
    assert (names(train), names(val)) == (["b", "d", "f"], ["c", "e"])
    assert train[0].label == Path("benchmark_RELEASE/dataset/cls/b.mat")
    assert val[0].label == tree / "SegmentationClass/c.png"


def test_the_published_validation_set(tree: Path) -> None:
    Path("VOC/ImageSets/Segmentation/seg11valid.txt").write_text("e\nd\n")
    train, val = voc(tree, "benchmark_RELEASE")
    assert (names(train), names(val)) == (["b", "f"], ["e", "d"])


@pytest.mark.parametrize(
    ("missing", "sbd", "expected"),
    [
        ("VOC/JPEGImages", None, "VOC: has no folder JPEGImages; give the folder of one year of PASCAL VOC, such as VOCdevkit/VOC2012"),  # noqa: E501
        ("VOC/SegmentationClass", None, "VOC: has no folder SegmentationClass; give the folder of one year"),
        ("VOC/ImageSets/Segmentation/val.txt", None, "VOC: has no list ImageSets/Segmentation/val.txt; give the folder of one year"),  # noqa: E501
        ("VOC/SegmentationClass/d.png", None, "VOC/ImageSets/Segmentation/val.txt: lists 'd', and there is no file 'VOC/SegmentationClass/d.png'"),  # noqa: E501
        ("benchmark_RELEASE/dataset/cls", "benchmark_RELEASE", "benchmark_RELEASE: has no folder img; give the folder benchmark_RELEASE of SBD, or dataset in it"),  # noqa: E501
        ("benchmark_RELEASE/dataset/train.txt", "benchmark_RELEASE", "benchmark_RELEASE/dataset: has no list train.txt; give the folder benchmark_RELEASE of SBD"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_a_tree_lacks(tree: Path, missing: str, sbd: str | None, expected: str) -> None:
    Path(missing).rename("elsewhere")
    assert message(lambda: voc(tree, sbd)).startswith(expected)


def test_no_image_is_left(tree: Path) -> None:
    Path("VOC/ImageSets/Segmentation/val.txt").write_text("d\n")
    assert message(lambda: voc(tree, "benchmark_RELEASE")) == (
        "VOC/ImageSets/Segmentation/val.txt: lists only images that the other split lists too"
    )
