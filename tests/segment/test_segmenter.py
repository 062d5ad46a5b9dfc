"""Images of every kind to label maps."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.crf import DenseCRF
from fcnkit.errors import ArgumentError, DefinitionError, FileFormatError, InputError
from fcnkit.geometry.tiles import TilingError
from fcnkit.net import CaffeNet
from fcnkit.segment import Segmenter, images, input_from_image, segment_files
from fcnkit.segment.images import read_palette
from fcnkit.segment.parallel import Behind, device, in_order

COLOURS = np.array(
    [[[250, 10, 20], [30, 240, 50]], [[60, 70, 230], [90, 90, 90]], [[0, 0, 0], [255, 255, 255]]], np.uint8
)


@pytest.fixture(scope="module")
def net(sample: Path) -> CaffeNet:
    return fcnkit.convert(sample)


def small(body: str = "", channels: int = 3) -> CaffeNet:
    """A net whose score of class 0 is the first channel, of class 1 the second."""
    built = CaffeNet(
        prototxt.parse(f"""
        layer {{ name: "data" type: "Input" top: "data"
                 input_param {{ shape {{ dim: 1 dim: {channels} dim: 8 dim: 8 }} }} }}
        layer {{ name: "score" type: "Convolution" bottom: "data" top: "score"
                 convolution_param {{ num_output: 2 kernel_size: 1 bias_term: false }} }} {body}""")
    )
    weight = torch.zeros(2, channels, 1, 1)
    weight[0, 0] = weight[1, min(1, channels - 1)] = 1
    built.load_state_dict({"score.weight": weight}, strict=False)
    order = "BGR" if channels == 3 else ""
    built.preprocessing = {"data": Preprocessing(order)}
    return built.eval()


@pytest.mark.parametrize("index", range(6))
def test_predictions_equal_caffes(net: CaffeNet, examples: Path, data: Path, index: int) -> None:
    image = images.read(examples / f"image{index}.png")
    expected = np.asarray(Image.open(data / "shapes" / f"caffe{index}.png"))
    found = Segmenter(net, scores=True)([image])[0]
    assert np.array_equal(found.labels, expected)
    score = np.load(data / "shapes" / f"caffe{index}.npz")["score"][0]
    assert found.scores is not None
    assert np.abs(found.scores - score).max() <= 1e-5 * np.abs(score).max()
    tiled = Segmenter(net, tile=40)([image])[0]
    assert np.array_equal(tiled.labels, expected)


def test_tiles_make_scores_and_heat_too(net: CaffeNet) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (210, 177, 3), np.uint8)
    whole, tiled = Segmenter(net, scores=True), Segmenter(net, scores=True, tile=120)
    whole.heat = tiled.heat = 1
    pair = [Image.fromarray(noise), Image.fromarray(noise[::-1])]
    for one, other in zip(whole(pair), tiled(pair), strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.abs(one.scores - other.scores).max() <= 1e-5 * np.abs(one.scores).max()
        assert np.abs(one.heat - other.heat).max() <= 1e-5


def test_channel_order_and_mean() -> None:
    image = Image.fromarray(COLOURS)
    net = small()
    assert Segmenter(net)([image])[0].labels.tolist() == [[0, 1], [0, 0], [0, 0]]
    assert Segmenter(net, rgb=True)([image])[0].labels.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert Segmenter(net, mean=[100, 0, 0])([image])[0].labels.tolist() == [[1, 1], [0, 1], [1, 1]]
    net.preprocessing["data"] = Preprocessing("BGR", mean=(1.0, 2.0, 3.0))
    assert Segmenter(net, rgb=True).preprocessing.mean == (3.0, 2.0, 1.0)
    assert Segmenter(net, rgb=True, mean=[5.0]).preprocessing.mean == (5.0,)
    values = input_from_image(image, Segmenter(net).preprocessing)
    assert values[0, :, 0, 0].tolist() == [19, 8, 247]


def test_heat_is_the_probability() -> None:
    for body in ("", 'layer { name: "p" type: "Softmax" bottom: "score" top: "p" }'):
        run = Segmenter(small(body), mean=[0, 0, 0])
        run.heat = 1
        heat = run([Image.fromarray(COLOURS // 64)])[0].heat
        assert heat is not None
        blue, green = COLOURS[..., 2] // 64, COLOURS[..., 1] // 64
        expected = 1 / (1 + np.exp(blue.astype(float) - green))
        assert np.allclose(heat, expected, atol=1e-6)


def test_a_crf_refines_the_scores_by_the_image(net: CaffeNet, examples: Path, data: Path) -> None:
    """More of the pixels get their true labels, and tiles are put together before the CRF sees them."""
    for index in (2, 3):
        image = images.read(examples / f"image{index}.png")
        plain, refined = Segmenter(net, scores=True), Segmenter(net, scores=True, crf=DenseCRF())
        plain.heat = refined.heat = 1
        [before], [after] = plain([image]), refined([image])
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None]
        expected = DenseCRF()(torch.from_numpy(before.scores)[None], pixels)[0].numpy()
        assert np.allclose(after.scores, expected, atol=1e-4)
        assert np.array_equal(after.labels, after.scores.argmax(0))
        assert np.array_equal(after.heat, after.scores[1])
        truth = np.asarray(Image.open(data / "shapes" / f"label{index}.png"))
        right = [(found.labels == truth)[truth < 4].mean() for found in (before, after)]
        assert right[1] > right[0]
        tiled = Segmenter(net, crf=DenseCRF(), tile=40)
        tiled.heat = 1
        [found] = tiled([image])
        assert found.scores is None
        assert (found.labels != after.labels).mean() < 1e-3
        assert np.abs(found.heat - after.heat).mean() < 1e-3


def test_a_crf_of_a_net_that_ends_in_probabilities() -> None:
    """It reads their logarithms; of grey images, too, and several at once."""
    body = 'layer { name: "p" type: "Softmax" bottom: "score" top: "p" }'
    batch = [Image.fromarray(COLOURS // 64), Image.fromarray(COLOURS[::-1] // 64)]
    crf = DenseCRF(3, bi_rgb_std=20)
    by_scores, by_probabilities = (Segmenter(small(text), scores=True, crf=crf) for text in ("", body))
    for one, other in zip(by_scores(batch), by_probabilities(batch), strict=True):
        assert np.allclose(one.scores, other.scores, atol=1e-6)
        assert np.allclose(one.scores.sum(0), 1)
    grey = Segmenter(small(channels=1), crf=crf)([batch[0].convert("L")])
    assert grey[0].labels.shape == (3, 2)


def test_a_crf_needs_scores_of_each_pixel() -> None:
    smaller = small('layer { name: "p" type: "Pooling" bottom: "score" top: "p" pooling_param { kernel_size: 2 } }')
    message = "the output has 2 x 1 pixels for an image of 3 x 2; run it without `crf`, which needs scores for each"
    with pytest.raises(InputError, match=message):
        Segmenter(smaller, crf=DenseCRF())([Image.fromarray(COLOURS)])
    with pytest.raises(InputError, match="`crf`: the points lie too far apart for their lattice; choose larger"):
        Segmenter(small(), crf=DenseCRF(bi_xy_std=1e-6, bi_rgb_std=1e-6))([Image.fromarray(COLOURS)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output": "x"}, "the net has no output 'x'; it has score"),
        ({"mean": [1.0, 2.0]}, "the mean has 2 numbers; the net reads 3 channels"),
    ],
)
def test_settings_that_do_not_fit(settings: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Segmenter(small(), **settings)
    assert str(caught.value) == message


def test_nets_that_do_not_segment() -> None:
    two = small(
        'layer { name: "b" type: "Convolution" bottom: "data" top: "b" convolution_param { num_output: 1 '
        "kernel_size: 1 } }"
    )
    for net, output, message in [
        (two, None, "the net has several outputs, score, b; choose one with `output`"),
        (two, "b", "the output 'b' has shape (1, 1, 8, 8), not N x classes x height x width with 2 to 256 classes"),
        (small(channels=4), None, "the net reads 4 channels; images have 3, or 1 if grey"),
    ]:
        with pytest.raises(DefinitionError) as caught:
            Segmenter(net, output=output)
        assert str(caught.value) == message
    assert Segmenter(two, output="score")([Image.fromarray(COLOURS)])[0].labels.shape == (3, 2)
    two.preprocessing = {}
    with pytest.raises(DefinitionError, match="the net reads data; segmenting needs one image and nothing else"):
        Segmenter(two, output="score")
    with pytest.raises(InputError, match="the net reads grey images; they have no order of channels"):
        Segmenter(small(channels=1), rgb=True)
    smaller = small('layer { name: "p" type: "Pooling" bottom: "score" top: "p" pooling_param { kernel_size: 2 } }')
    with pytest.raises(InputError, match="the output has 2 x 1 pixels for an image of 3 x 2; run it without tiles"):
        Segmenter(smaller, tile=2)([Image.fromarray(COLOURS)])
    pooled = small(
        'layer { name: "p" type: "Pooling" bottom: "score" top: "p" pooling_param { global_pooling: true } }'
    )
    with pytest.raises(TilingError, match=r"layer 'p' \(Pooling\) covers its whole bottom; run it without tiles"):
        Segmenter(pooled, tile=2)


def test_arguments_of_other_types_and_sizes() -> None:
    image = Image.fromarray(COLOURS)
    for settings, message in [
        ({"tile": 0}, "`tile` is 0; give a number of pixels from 1 up, or 'auto'"),
        ({"tile": "big"}, "`tile` is 'big'; give a number of pixels from 1 up, or 'auto'"),
        ({"tile": "auto", "memory": "4GB"}, "`memory` is '4GB'; give a number of bytes from 1 up"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            Segmenter(small(), **settings)
        assert str(caught.value) == message
    with pytest.raises(ArgumentError, match=r"^a str is not a CaffeNet; fcnkit\.load returns one$"):
        Segmenter("fcn8s.caffemodel")
    with pytest.raises(ArgumentError, match=r"^the images have 2 sizes, 3 x 2, 2 x 3; give those of one size"):
        Segmenter(small())([image, image.rotate(90, expand=True)])


def saved(path: Path, image: Image.Image, **settings: object) -> Path:
    image.save(path, **settings)
    return path


def test_every_kind_of_image_is_read(tmp_path: Path) -> None:
    rgb = Image.fromarray(COLOURS)
    grey = np.array([[0, 100], [200, 255], [7, 8]], np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6  # shown turned by 90 degrees to the right
    masked = rgb.quantize(8)
    clear = Image.fromarray(np.dstack([COLOURS, np.full((3, 2), 7, np.uint8)]))
    for name, image, expected, settings in [
        ("rgb.png", rgb, COLOURS, {}),
        ("rgb.bmp", rgb, COLOURS, {}),
        ("clear.png", clear, COLOURS, {}),
        ("turned.png", rgb, np.rot90(COLOURS, -1), {"exif": turned}),
        ("palette.png", masked, np.asarray(masked.convert("RGB")), {"transparency": b"\x00\x80"}),
        ("grey.png", Image.fromarray(grey), grey, {}),
        ("half.png", Image.merge("LA", [Image.fromarray(grey)] * 2), grey, {}),
        ("wide.png", Image.fromarray(grey.astype(np.uint16) * 257), grey, {}),
        ("wide.tif", Image.fromarray(grey.astype(np.int32) * 257), grey, {}),
        ("float.tif", Image.fromarray(grey.astype(np.float32)), grey, {}),
        ("bits.png", Image.fromarray(grey > 99), (grey > 99) * np.uint8(255), {}),
        ("cmyk.tif", rgb.convert("CMYK"), np.asarray(rgb.convert("CMYK").convert("RGB")), {}),
    ]:
        read = images.read(saved(tmp_path / name, image, **settings))
        assert read.mode == ("RGB" if expected.ndim == 3 else "L"), name
        assert np.array_equal(np.asarray(read), expected), name
    jpeg = images.read(saved(tmp_path / "a.jpg", rgb.convert("CMYK").resize((40, 30))))
    assert (jpeg.mode, jpeg.size) == ("RGB", (40, 30))


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)
    whole = saved(tmp_path / "whole.png", Image.fromarray(noise))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:900])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no image")
    for name, message in [
        ("none.png", "cannot be read as an image: No such file or directory"),
        ("empty.jpg", "is not an image, or is damaged; the formats that are read: BMP, GIF"),
        ("text.png", "is not an image, or is damaged; the formats that are read: BMP, GIF"),
        ("cut.png", "cannot be read as an image: "),
    ]:
        with pytest.raises(FileFormatError) as caught:
            images.read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
        assert "\n" not in str(caught.value)


def test_images_of_very_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (50, 60)))
    # Pillow's own limit warns, and warnings are errors here; it is as it was afterwards.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(FileFormatError, match=r"a.png: has 60 x 50 pixels, more than the limit of 2,999; raise it"):
        images.read(path, 2999)
    assert images.read(path, 3000).size == images.read(path, None).size == images.read(path).size == (50, 60)
    assert Image.MAX_IMAGE_PIXELS == 1000


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"


def test_no_image_starts_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow reads EPS by starting Ghostscript, whatever the file is called."""
    for program in ("gs", "gswin32c", "gswin64c"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name in ("photo.png", "photo.jpg", "photo.eps"):
        path = tmp_path / name
        path.write_bytes(EPS)
        for read in (images.read, images.read_labels, read_palette):
            with pytest.raises(FileFormatError, match=f"{name}: is not? "):
                read(path)
    assert not (tmp_path / "started").exists()
    assert [path.name for path in images.find([tmp_path])] == ["photo.jpg", "photo.png"]


def test_folders_patterns_and_lists(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.PNG", "notes.md", ".hidden.png", "d.mat"):
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("b.png\n\n a.jpg \n")
    (tmp_path / "empty").mkdir()

    def names(*sources: object, suffixes: tuple[str, ...] = ()) -> list[str]:
        return [path.name for path in images.find([tmp_path / str(s) for s in sources], suffixes)]

    assert names("") == ["a.jpg", "b.png", "c.PNG"]
    assert names("", suffixes=(".mat",)) == ["a.jpg", "b.png", "c.PNG", "d.mat"]
    assert names("*.png") == ["b.png"]
    assert names("c.PNG", "", "b.png") == ["c.PNG", "a.jpg", "b.png"]
    assert names("list.txt") == ["b.png", "a.jpg"]
    (tmp_path / "bad.txt").write_text("none.png\n")
    for source, message in [
        ("none.png", "there is no such image or folder"),
        ("empty", "contains no image"),
        ("*.gif", "contains no image"),
        ("bad.txt", f"lists '{tmp_path}/none.png', and there is no such file"),
    ]:
        with pytest.raises(InputError) as caught:
            names(source)
        assert str(caught.value) == f"{tmp_path / source}: {message}"
    with pytest.raises(InputError, match=r"x/a.png: has the same name as 'a.jpg'; results are named after it: rename"):
        images.by_stem([Path("a.jpg"), Path("x/a.png")])


@pytest.mark.parametrize("batch", [1, 3])
def test_files_in_batches_of_equal_size_and_broken_ones_between(tmp_path: Path, batch: int) -> None:
    random = np.random.default_rng(0)
    expected, paths = {}, []
    for index in range(20):
        size = [(4, 5), (6, 3)][index % 2]
        pixels = random.integers(0, 256, (*size, 3), np.uint8)
        paths.append(saved(tmp_path / f"{index}.png", Image.fromarray(pixels)))
        expected[paths[-1]] = (pixels[..., 1] > pixels[..., 2]).astype(np.uint8)
    paths.insert(7, tmp_path / "broken.png")
    found = {item.path: item for item in segment_files(Segmenter(small()), paths, batch=batch, workers=3)}
    assert found.keys() == set(paths)
    assert str(found.pop(tmp_path / "broken.png").error).endswith("No such file or directory")
    for path, item in found.items():
        assert item.prediction is not None
        assert np.array_equal(item.prediction.labels, expected[path])


def test_an_image_the_net_cannot_work_with_is_an_error_of_its_own(tmp_path: Path) -> None:
    net = small(
        'layer { name: "c" type: "Convolution" bottom: "score" top: "c" convolution_param { num_output: 2 '
        "kernel_size: 4 } }"
    )
    paths = [saved(tmp_path / f"{size}.png", Image.new("RGB", (size, 9))) for size in (3, 9)]
    bad, good = segment_files(Segmenter(net), paths)
    assert str(bad.error).startswith(f"{tmp_path}/3.png: layer 'c' (Convolution) cannot work with 'score' (1, 2, 9, 3)")
    assert good.error is None


def test_a_device_that_is_not_there() -> None:
    assert device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "gpu", "meta"):
        with pytest.raises(InputError, match=f"there is no device '{name}' here, only cpu"):
            device(name)


def test_threads_keep_the_order_and_pass_errors_on() -> None:
    assert list(in_order(lambda x: x * x, range(50), 3)) == [x * x for x in range(50)]
    started = []
    results = in_order(started.append, range(1000), 2)
    next(results)
    results.close()
    assert len(started) < 20
    done: list[int] = []
    with Behind(2) as behind:
        for number in range(50):
            behind(done.append, number)
    assert sorted(done) == list(range(50))
    with pytest.raises(ZeroDivisionError), Behind(1) as behind:
        behind(lambda: 1 / 0)
