"""Colours of labels, there and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcnkit.errors import FileFormatError, InputError
from fcnkit.palette import colours_from_labels, label_image, labels_from_colours, voc_palette
from fcnkit.segment import classes
from fcnkit.segment.images import read_palette
from fcnkit.segment.pictures import heatmap, legend, overlay, shares

ALL = np.arange(256, dtype=np.uint8).reshape(8, 32)


def test_the_first_colours_and_the_border() -> None:
    first = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    assert voc_palette()[:7].tolist() == [list(colour) for colour in first]
    assert voc_palette()[255].tolist() == [224, 224, 192]


def test_all_labels_survive_colours(tmp_path: Path) -> None:
    colours = colours_from_labels(ALL)
    assert colours.shape == (8, 32, 3)
    labels, unknown = labels_from_colours(colours)
    assert (labels.dtype, unknown) == (np.uint8, 0)
    assert np.array_equal(labels, ALL)
    label_image(ALL).save(tmp_path / "a.png")
    read = Image.open(tmp_path / "a.png")
    assert read.mode == "P"
    assert np.array_equal(np.asarray(read), ALL)
    assert np.array_equal(np.asarray(read.convert("RGB")), colours)


def test_unknown_colours_are_ignored_and_counted() -> None:
    colours = np.array([[[0, 0, 0], [1, 0, 0], [255, 255, 255], [224, 224, 192], [128, 0, 0]]], np.uint8)
    assert labels_from_colours(colours)[0].tolist() == [[0, 255, 255, 255, 1]]
    assert labels_from_colours(colours)[1] == 1
    # White borders are no unknown colours in another palette either, and a palette's white is a label.
    assert labels_from_colours(colours, np.array([[0, 0, 0], [128, 0, 0]]))[1] == 1
    assert labels_from_colours(colours, np.array([[0, 0, 0], [255, 255, 255]]))[0].tolist() == [[0, 255, 1, 255, 255]]
    assert labels_from_colours(colours, ignore=9)[0].tolist() == [[0, 9, 9, 9, 1]]


def test_palettes_from_text_and_images(tmp_path: Path) -> None:
    text, picture = tmp_path / "p.txt", tmp_path / "p.png"
    text.write_text("0 0 0\n 10, 20, 30\n\n255\t0 0\n")
    palette = read_palette(text)
    assert palette.tolist() == [[0, 0, 0], [10, 20, 30], [255, 0, 0]]
    label_image(np.array([[0, 1, 2]], np.uint8), palette).save(picture)
    assert read_palette(picture)[:3].tolist() == palette.tolist()
    assert labels_from_colours(palette[[2, 0, 1]], palette) == (pytest.approx([2, 0, 1]), 0)


@pytest.mark.parametrize("content", [b"", b"1 2\n", b"0 0 256\n", b"\xff\xd8", b"0 0 0\n" * 257])
def test_what_is_no_palette(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        read_palette(path)
    assert str(caught.value) == (
        f"{path}: is not a palette: neither an indexed image nor up to 256 lines `red green blue`, 0 to 255 each"
    )
    with pytest.raises(FileFormatError, match="none: cannot be read: No such file or directory"):
        read_palette(tmp_path / "none")


def test_two_labels_of_one_colour_have_no_way_back() -> None:
    with pytest.raises(FileFormatError, match="the palette has the same colour for labels 1 and 3, so that"):
        labels_from_colours(np.zeros((1, 3)), np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2], [1, 1, 1]]))


def test_names_of_the_published_classes() -> None:
    assert {name: len(names) for name, names in classes.SETS.items()} == {
        "voc": 21, "pascal-context": 60, "pascal-context-59": 59, "siftflow": 33, "siftflow-geo": 3, "nyud": 40,
    }  # fmt: skip
    for names in classes.SETS.values():
        assert len(set(names)) == len(names)
        assert all(name == name.strip() != "" for name in names)
    assert classes.by_count(21)[15] == "person"
    assert classes.by_count(60)[1:] == classes.by_count(59)
    assert (classes.by_count(33)[27], classes.by_count(40)[21]) == ("sky", "ceiling")
    assert classes.by_count(3) == ("class 0", "class 1", "class 2")


def test_classes_by_number_set_and_file(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("nothing\n Kreis ä \n", encoding="utf-8")
    assert classes.resolve("2") == ("class 0", "class 1")
    assert classes.resolve("siftflow-geo") == ("sky", "horizontal", "vertical")
    assert classes.resolve(str(path)) == ("nothing", "Kreis ä")
    assert [classes.class_of(text, ("a", "b", "7")) for text in ("b", "1", "7")] == [1, 1, 2]
    for text, message in [
        ("0", "0 classes: label maps have 1 to 256"),
        ("257", "257 classes: label maps have 1 to 256"),
        ("cityscapes", "cityscapes: is neither a number of classes, nor one of voc, "),
    ]:
        with pytest.raises(InputError) as caught:
            classes.resolve(text)
        assert str(caught.value).startswith(message)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FileFormatError, match=r"cannot be read as names of classes.*: it is not UTF-8 text"):
        classes.resolve(str(path))
    path.write_bytes(b"")
    with pytest.raises(FileFormatError, match="names 0 classes, one per line; label maps have 1 to 256"):
        classes.resolve(str(path))
    with pytest.raises(InputError, match="there is no class '2'; the classes are a, b, or 0 to 1"):
        classes.class_of("2", ("a", "b"))
    with pytest.raises(
        InputError, match=r"the classes are class 0, .*, class 63, and 936 more, or 0 to 999; give their"
    ):
        classes.class_of("1000", classes.by_count(1000))


def test_overlays_leave_the_background() -> None:
    image = Image.new("L", (3, 1), 100)
    labels = np.array([[0, 1, 2]], np.uint8)
    assert np.asarray(overlay(image, labels)).tolist() == [[[100, 100, 100], [114, 50, 50], [50, 114, 50]]]
    assert np.asarray(overlay(image, labels, background=None)).tolist()[0][0] == [50, 50, 50]


def test_heat_maps_keep_the_probability_and_brighten_with_it() -> None:
    image = heatmap(np.array([[0, 0.5, 1]], np.float32))
    assert np.asarray(image).tolist() == [[0, 128, 255]]
    colours = np.asarray(image.convert("RGB")).sum(2)[0]
    assert colours.tolist()[0] == 0
    assert colours.tolist()[2] == 765
    assert 0 < colours[1] < 765


def test_a_legend_has_a_line_for_each_class_that_occurs() -> None:
    labels = np.array([[0, 0, 0, 5]], np.uint8)
    assert shares(labels) == [(0, 0.75), (5, 0.25)]
    pixels = np.asarray(legend(labels, classes.VOC))
    assert pixels.shape[0] == 2 * 20 + 6
    assert [pixels[13, 13].tolist(), pixels[33, 13].tolist()] == [[0, 0, 0], [128, 0, 128]]
