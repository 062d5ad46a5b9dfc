"""The FCN repository's data layers, on small data sets laid out as theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TRAIN
from fcnkit.errors import FcnkitError
from fcnkit.train.data.feeding import Feed
from fcnkit.train.data.sources import Sources

RANDOM = np.random.default_rng(5)
COLOURS = RANDOM.integers(0, 256, (6, 7, 3), np.uint8)
INNER = "spatial_envelope_256x256_static_8outdoorcategories"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, content: object) -> None:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        savemat(target, content)
    elif isinstance(content, str):
        target.write_text(content)
    else:
        # Files may have any name: PNG keeps the pixels.
        content.save(target, "PNG")


def feed_of(module: str, kind: str, tops: list[str], params: dict) -> Feed:
    net = prototxt.parse(
        f'layer {{ name: "data" type: "Python" python_param {{ module: "{module}" layer: "{kind}" }} }}'
    )
    net.layer[0].top.extend(tops)
    net.layer[0].python_param.param_str = str(params)
    net.layer[0].phase = TRAIN
    (feed,) = Sources().feeds(net)
    return feed


def bgr(mean: tuple[float, float, float]) -> np.ndarray:
    return (COLOURS[:, :, ::-1].astype(np.float32) - np.float32(mean)).transpose(2, 0, 1)[None]


def equal(found: object, expected: np.ndarray) -> bool:
    return np.allclose(np.asarray(found), expected, rtol=0, atol=1e-5) and np.shape(found) == np.shape(expected)


def indexed(values: list[list[int]]) -> Image.Image:
    image = Image.fromarray(np.array(values, np.uint8)).convert("P")
    image.putpalette([number for index in range(256) for number in (index, 0, 255 - index)])
    return image


VOC = {"voc_dir": "VOC2011", "split": "seg11valid", "mean": (104.00699, 116.66877, 122.67892), "seed": 1337}


def test_voc() -> None:
    put("VOC2011/ImageSets/Segmentation/seg11valid.txt", "a\nb\n")
    labels = [[0, 20, 255], [1, 2, 3]]
    for name in "ab":
        put(f"VOC2011/JPEGImages/{name}.jpg", Image.fromarray(COLOURS))
        put(f"VOC2011/SegmentationClass/{name}.png", indexed(labels))
    feed = feed_of("voc_layers", "VOCSegDataLayer", ["data", "label"], VOC)
    assert feed.shapes == {"data": (1, 3, 6, 7), "label": (1, 1, 2, 3)}
    for _ in range(3):
        batch = feed()
        assert equal(batch["data"], bgr(VOC["mean"]))
        assert equal(batch["label"], np.array([[labels]]))


def test_sbdd_is_drawn_at_random_in_training() -> None:
    put("sbd/train.txt", "".join(f"{number}\n" for number in range(8)))
    for number in range(8):
        put(f"sbd/img/{number}.jpg", Image.fromarray(COLOURS))
        put(f"sbd/cls/{number}.mat", {"GTcls": {"Segmentation": np.full((6, 7), number, np.uint8)}})
    params = {"sbdd_dir": "sbd", "split": "train", "mean": (1, 2, 3), "seed": 1337}
    feed = feed_of("voc_layers", "SBDDSegDataLayer", ["data", "label"], params)
    drawn = [int(feed()["label"].mean()) for _ in range(40)]
    assert set(drawn) == set(range(8))
    assert drawn[:8] != list(range(8))
    again = feed_of("voc_layers", "SBDDSegDataLayer", ["data", "label"], params)
    again.seek(30)
    assert [int(again()["label"].mean()) for _ in range(10)] == drawn[30:]
    ordered = feed_of("voc_layers", "SBDDSegDataLayer", ["data", "label"], {**params, "randomize": False})
    assert [int(ordered()["label"].mean()) for _ in range(10)] == [*range(8), 0, 1]


def test_nyud() -> None:
    put("nyud/test.txt", "5001\n")
    depth = RANDOM.integers(1000, 9000, (6, 7)).astype(np.uint16)
    put("nyud/data/images/img_5001.png", Image.fromarray(COLOURS))
    put("nyud/data/hha/img_5001.png", Image.fromarray(COLOURS))
    put("nyud/data/depth/img_5001.png", Image.fromarray(depth))
    put("nyud/segmentation/img_5001.mat", {"segmentation": np.array([[0, 1], [40, 2]])})
    tops = ["color", "depth", "hha", "label"]
    feed = feed_of("nyud_layers", "NYUDSegDataLayer", tops, {"nyud_dir": "nyud", "split": "test", "tops": tops})
    batch = feed()
    assert equal(batch["color"], bgr((116.190, 97.203, 92.318)))
    assert equal(batch["label"], np.array([[[[255, 0], [39, 1]]]]))
    assert equal(batch["depth"], (np.log(depth.astype(np.float64)) - 7.844)[None, None])
    # The repository's layer leaves the channels of HHA in the order of the file.
    hha = COLOURS.astype(np.float32) - np.float32([132.431, 94.076, 118.477])
    assert equal(batch["hha"], hha.transpose(2, 0, 1)[None])


def test_siftflow() -> None:
    put("sift/trainval.txt", "coast_a\n")
    put(f"sift/Images/{INNER}/coast_a.jpg", Image.fromarray(COLOURS))
    put(f"sift/SemanticLabels/{INNER}/coast_a.mat", {"S": np.array([[0, 1], [33, 5]], np.uint8)})
    put(f"sift/GeoLabels/{INNER}/coast_a.mat", {"S": np.array([[-1, 1], [3, 0]], np.int16)})
    tops = ["data", "sem", "geo"]
    params = {"siftflow_dir": "sift", "split": "trainval", "seed": 1337}
    batch = feed_of("siftflow_layers", "SIFTFlowSegDataLayer", tops, params)()
    assert equal(batch["data"], bgr((114.578, 115.294, 108.353)))
    assert equal(batch["sem"], np.array([[[[255, 0], [32, 4]]]]))
    assert equal(batch["geo"], np.array([[[[255, 0], [2, 255]]]]))


def context(names: str = "1: accordion\n2: table\n3: bed clothes\n4: cloth\n5: sky\n") -> Feed:
    put("VOC/VOC2010/ImageSets/Main/val.txt", "a\n")
    put("VOC/VOC2010/JPEGImages/a.jpg", Image.fromarray(COLOURS))
    put("context/labels.txt", names)
    put("context/59_labels.txt", "1: sky\n2: diningtable\n3: bedcloth\n4: clothes\n")
    put("context/trainval/a.mat", {"LabelMap": np.array([[1, 2, 3], [4, 5, 300]], np.uint16)})
    params = {"voc_dir": "VOC", "context_dir": "context", "split": "val"}
    return feed_of("pascalcontext_layers", "PASCALContextSegDataLayer", ["data", "label"], params)


def test_pascal_context() -> None:
    batch = context()()
    assert equal(batch["data"], bgr((104.007, 116.669, 122.679)))
    assert equal(batch["label"], np.array([[[[0, 2, 3], [4, 1, 0]]]]))


def test_a_class_that_the_whole_list_lacks() -> None:
    with pytest.raises(FcnkitError, match=r"^context/labels.txt: lacks the class 'sky' of 59_labels.txt$"):
        context("1: table\n")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("open('x')", "layer 'data': param_str is not a dict of plain values: \"open('x')\""),
        ("{}", "layer 'data': param_str has no 'voc_dir' and no 'mean' and no 'split'"),
        ("{'voc_dir': 'v', 'mean': 3, 'split': 'val'}", "layer 'data': param_str: mean must be three numbers, not 3"),
        ("{'voc_dir': 'w', 'mean': (1, 2, 3), 'split': 'val'}", "w/ImageSets/Segmentation/val.txt: cannot be read: No such file or directory"),  # noqa: E501
        ("{'voc_dir': 'v', 'mean': (1, 2, 3), 'split': 'trainval'}", "v/ImageSets/Segmentation/trainval.txt: lists 'b', and there is no file 'v/JPEGImages/b.jpg'"),  # noqa: E501
    ],
)  # fmt: skip
def test_settings_that_are_wrong(params: str, message: str) -> None:
    put("v/ImageSets/Segmentation/val.txt", "a\n")
    put("v/ImageSets/Segmentation/trainval.txt", "b\n")
    put("v/JPEGImages/a.jpg", Image.fromarray(COLOURS))
    put("v/SegmentationClass/a.png", Image.fromarray(np.ascontiguousarray(COLOURS[:, :, 0])))
    layer = 'layer { name: "data" type: "Python" top: "data" top: "label" python_param { module: "voc_layers" layer: "VOCSegDataLayer" } }'  # noqa: E501
    net = prototxt.parse(layer)
    net.layer[0].python_param.param_str = params
    with pytest.raises(FcnkitError) as raised:
        Sources().feeds(net)
    assert str(raised.value) == message


def test_the_number_of_tops() -> None:
    with pytest.raises(FcnkitError, match=r"the layer has 1 tops; it makes 2: data, label$"):
        feed_of("voc_layers", "VOCSegDataLayer", ["data"], VOC)
