"""Data layers beside what Caffe's made of the same files, and beside other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TEST, TRAIN, Datum
from fcnkit.errors import FcnkitError
from fcnkit.train.data.feeding import Feed, Share
from fcnkit.train.data.sources import Sources

CASES = ["floats", "mean_file_crop", "mean_value_scale", "one_mean_value_crop", "plain"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_data_is_caffes(name: str, workers: int, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data / "data")
    net = prototxt.read(f"{name}.prototxt")
    net.layer[0].phase = TEST
    (feed,) = Sources(workers=workers).feeds(net)
    golden = np.load(f"{name}.npz")
    for number in range(4):
        batch = feed()
        for top in ("data", "label"):
            expected = golden[f"{number}/{top}"]
            assert batch[top].shape == feed.shapes[top] == expected.shape
            # The decoders are two, the arithmetic is float32 in both.
            np.testing.assert_allclose(batch[top].numpy(), expected, rtol=1e-6, atol=1e-5)


def feed_of(text: str, phase: int = TRAIN, **settings: object) -> Feed:
    net = prototxt.parse(text)
    net.layer[0].phase = phase
    (feed,) = Sources(**settings).feeds(net)
    return feed


def picture(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def listed(folder: Path) -> list[np.ndarray]:
    """Five images of 12 x 9, RGB, in images/ and list.txt; their labels are 0 to 4."""
    (folder / "images").mkdir()
    images = [picture(12, 9, seed) for seed in range(5)]
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / "images" / f"no {index}.png")
    (folder / "list.txt").write_text("".join(f"no {index}.png {index}\n" for index in range(5)))
    return images


LIST = 'source: "list.txt" root_folder: "images/"'


def image_data(param: str, transform: str = "") -> str:
    return (
        f'layer {{ name: "data" type: "ImageData" top: "data" top: "label"'
        f" image_data_param {{ {LIST} {param} }} transform_param {{ {transform} }} }}"
    )


def test_image_data_wraps_around(listed: list[np.ndarray]) -> None:
    feed = feed_of(image_data("batch_size: 3"))
    labels = [feed()["label"].tolist() for _ in range(4)]
    assert labels == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]
    feed.seek(1)
    batch = feed()
    np.testing.assert_array_equal(batch["data"][0].numpy(), listed[3][:, :, ::-1].transpose(2, 0, 1))


def test_image_data_shuffles_each_epoch_anew(listed: list[np.ndarray]) -> None:
    feed = feed_of(image_data("batch_size: 5 shuffle: true"), seed=3)
    epochs = [feed()["label"].tolist() for _ in range(6)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 3
    again = feed_of(image_data("batch_size: 5 shuffle: true"), seed=3)
    again.seek(4)
    assert [again()["label"].tolist() for _ in range(2)] == epochs[4:]


def test_two_processes_share_the_samples(listed: list[np.ndarray]) -> None:
    whole = feed_of(image_data("batch_size: 4"))
    halves = [feed_of(image_data("batch_size: 2"), share=Share(rank, 2)) for rank in range(2)]
    for _ in range(5):
        labels = sorted(label for half in halves for label in half()["label"].tolist())
        assert labels == sorted(whole()["label"].tolist())


def test_grey_images_have_one_channel(listed: list[np.ndarray]) -> None:
    feed = feed_of(image_data("is_color: false"))
    assert feed.shapes["data"] == (1, 1, 12, 9)
    expected = cv2.cvtColor(listed[0], cv2.COLOR_RGB2GRAY)
    assert np.abs(feed()["data"][0, 0].numpy() - expected).max() <= 1


@pytest.mark.parametrize("size", [(24, 18), (7, 5), (12, 20)])
def test_resizing_is_opencvs(listed: list[np.ndarray], size: tuple[int, int]) -> None:
    feed = feed_of(image_data(f"new_height: {size[0]} new_width: {size[1]}"))
    expected = cv2.resize(listed[0], size[::-1])[:, :, ::-1].transpose(2, 0, 1)
    # OpenCV interpolates with weights of 11 bits.
    assert np.abs(feed()["data"][0].numpy() - expected).max() <= 1


def test_crops_are_anywhere_in_training(listed: list[np.ndarray]) -> None:
    feed = feed_of(image_data("", "crop_size: 7 scale: 0.5 mean_value: 10 mean_value: 20 mean_value: 30"), seed=1)
    whole = (listed[0][:, :, ::-1].transpose(2, 0, 1).astype(np.float32) - [[[10]], [[20]], [[30]]]) * 0.5
    windows = {(top, left): whole[:, top : top + 7, left : left + 7] for top in range(6) for left in range(3)}
    found = set()
    for number in range(200):
        feed.seek(5 * number)
        crop = feed()["data"][0].numpy()
        found.update(place for place, window in windows.items() if np.array_equal(window, crop))
    assert found == set(windows)


def test_mirrored_images_are_half_of_them(listed: list[np.ndarray]) -> None:
    feed = feed_of(image_data("", "mirror: true"), TEST, seed=1)
    plain = listed[0][:, :, ::-1].transpose(2, 0, 1)
    mirrored = 0
    for number in range(100):
        feed.seek(5 * number)
        image = feed()["data"][0].numpy()
        mirrored += np.array_equal(image, plain[:, :, ::-1])
        assert np.array_equal(image, plain[:, :, ::-1]) or np.array_equal(image, plain)
    assert 30 < mirrored < 70


@pytest.mark.parametrize(
    ("param", "transform", "message"),
    [
        ("", "crop_size: 10", "images/no 0.png: the image has 12 x 9 pixels, fewer than its crop_size 10"),
        ("", "mean_value: 1 mean_value: 2", "images/no 0.png: the image has 3 channels, the mean 2"),
        ("new_height: 3", "", "layer 'data': new_height and new_width belong together: give both, or none"),
    ],
)
def test_images_that_do_not_fit(listed: list[np.ndarray], param: str, transform: str, message: str) -> None:
    with pytest.raises(FcnkitError) as raised:
        feed_of(image_data(param, transform))
    assert str(raised.value) == message


def test_images_of_a_batch_have_one_size(listed: list[np.ndarray]) -> None:
    Image.fromarray(picture(5, 5, 9)).save("images/no 1.png")
    with pytest.raises(FcnkitError) as raised:
        feed_of(image_data("batch_size: 2"))()
    assert str(raised.value) == (
        "data layer 'data': samples of one batch have the shapes (3, 5, 5) and (3, 12, 9);"
        " resize or crop them, or set its batch_size to 1"
    )


def test_lists_that_are_wrong(listed: list[np.ndarray]) -> None:
    for text, message in {
        "no 0.png 1\nno 9.png 1\n": "line 2 lists 'images/no 9.png', and there is no such file",
        "no 0.png\n": "line 1 is not a path and a label: 'no 0.png'",
        "": "lists no image",
    }.items():
        Path("list.txt").write_text(text)
        with pytest.raises(FcnkitError) as raised:
            feed_of(image_data(""))
        assert str(raised.value) == f"list.txt: {message}"


def write_lmdb(path: Path, entries: dict[bytes, bytes]) -> None:
    environment = lmdb.open(str(path))
    with environment.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    environment.close()


LMDB = 'layer {{ name: "data" type: "Data" top: "data" top: "label" data_param {{ source: "db" {} }} {} }}'


def test_lmdb_of_encoded_and_raw_images(folder: Path) -> None:
    image = picture(6, 8, 1)
    datum = Datum
    png = cv2.imencode(".png", image)[1].tobytes()
    grey = cv2.imencode(".png", image[:, :, 0])[1].tobytes()
    raw = datum(channels=3, height=6, width=8, data=image.transpose(2, 0, 1).tobytes(), label=2)
    write_lmdb(folder / "db", {
        b"b": datum(data=png, encoded=True, label=1).SerializeToString(),
        b"a": raw.SerializeToString(),
        b"c": datum(data=grey, encoded=True, label=3).SerializeToString(),
    })  # fmt: skip
    feed = feed_of(LMDB.format("batch_size: 1", ""))
    for label, channels in ((2, slice(0, 3)), (1, slice(0, 3)), (3, slice(0, 1))):
        batch = feed()
        assert batch["label"].tolist() == [label]
        np.testing.assert_array_equal(batch["data"][0].numpy(), image.transpose(2, 0, 1)[channels])
    feed = feed_of(LMDB.format("batch_size: 1 force_encoded_color: true", ""))
    feed.seek(2)
    np.testing.assert_array_equal(feed()["data"][0].numpy(), image[:, :, [0, 0, 0]].transpose(2, 0, 1))
    # rand_skip leaves some out at the start.
    firsts = {feed_of(LMDB.format("batch_size: 1 rand_skip: 3", ""), seed=n)()["label"].item() for n in range(30)}
    assert firsts == {1, 2, 3}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"\xff\xff", "its value is not a Datum"),
        (b"", "its Datum states the shape (0, 0, 0), but has 0 values"),
        (b"\x08\x01\x10\x02\x18\x02\x22\x03abc", "its Datum states the shape (1, 2, 2), but has 3 values"),
    ],
)
def test_damaged_lmdbs(folder: Path, value: bytes, message: str) -> None:
    write_lmdb(folder / "db", {b"key": value})
    with pytest.raises(FcnkitError) as raised:
        feed_of(LMDB.format("batch_size: 1", ""))
    assert str(raised.value) == f"db: key 'key': {message}"


def test_an_empty_lmdb_and_none(folder: Path) -> None:
    write_lmdb(folder / "db", {})
    with pytest.raises(FcnkitError, match=r"^db: is an LMDB without an entry$"):
        feed_of(LMDB.format("batch_size: 1", ""))
    (folder / "db" / "data.mdb").write_bytes(b"nothing")
    with pytest.raises(FcnkitError, match=r"^db: cannot be read as an LMDB: "):
        feed_of(LMDB.format("batch_size: 1", ""))
    (folder / "db" / "data.mdb").rename(folder / "db" / "CURRENT")
    with pytest.raises(FcnkitError, match=r"^db: is a LevelDB, which is not supported: make an LMDB of it;"):
        feed_of(LMDB.format("batch_size: 1", ""))


def test_a_datum_that_turns_out_damaged_is_one_line_from_a_worker_too(folder: Path) -> None:
    good = Datum(channels=1, height=1, width=1, data=b"a").SerializeToString()
    write_lmdb(folder / "db", {b"a": good, b"b": b"\xff"})
    for workers in (0, 1):
        feed = feed_of(LMDB.format("batch_size: 1", ""), workers=workers)
        feed()
        with pytest.raises(FcnkitError) as raised:
            feed()
        assert str(raised.value) == "db: key 'b': its value is not a Datum"


MEMORY = 'layer { name: "data" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 2 channels: 1 height: 2 width: 2 } }'  # noqa: E501


class Pairs(Dataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.full((1, 2, 2), float(index)), index


class Endless:
    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        return ((np.full((1, 2, 2), index), index) for index in range(3))


@pytest.mark.parametrize("given", [Pairs(), Pairs, Endless(), lambda layer, phase: [Pairs()[i] for i in range(3)]])
def test_memory_data_comes_from_a_program(given: object) -> None:
    feed = feed_of(MEMORY, given={"data": given})
    assert feed.shapes == {"data": (2, 1, 2, 2), "label": (2,)}
    assert [feed()["label"].tolist() for _ in range(3)] == [[0, 1], [2, 0], [1, 2]]
    feed.seek(1)
    assert feed()["data"][:, 0, 0, 0].tolist() == [2, 0]


def test_a_data_loader_gives_whole_batches() -> None:
    feed = feed_of(MEMORY, given={"data": DataLoader(Pairs(), batch_size=3)})
    assert feed.shapes == {"data": (3, 1, 2, 2), "label": (3,)}
    assert [feed()["label"].tolist() for _ in range(2)] == [[0, 1, 2]] * 2


def test_memory_data_must_be_given() -> None:
    with pytest.raises(FcnkitError) as raised:
        feed_of(MEMORY)
    assert str(raised.value) == ("layer 'data': MemoryData takes its data from a program; give it with `data`")
    with pytest.raises(FcnkitError, match=r"^data layer 'data' has 2 tops, its data set gives 1$"):
        feed_of(MEMORY, given={"data": [1, 2]})
    with pytest.raises(FcnkitError, match=r"^data layer 'data': a sample does not consist of arrays of numbers: "):
        feed_of(MEMORY, given={"data": ["text"]})
