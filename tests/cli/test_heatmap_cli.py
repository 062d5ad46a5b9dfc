"""fcnkit heatmap, as its users run it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.cli import main

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE kernel_size: 4 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 300 } }
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    weight = np.zeros((300, 27), np.float32)
    weight[281, 18:] = 0.01
    caffemodel.write("caffenet.caffemodel", prototxt.parse(NET), {"fc": [weight, np.zeros(300, np.float32)]})
    torch.save(fcnkit.convert("caffenet.caffemodel").state_dict(), "caffenet.pth")
    Path("deploy.prototxt").write_text(NET)
    names = [f"n{number:08} thing {number}, part {number // 2}" for number in range(300)]
    names[281] = "n02123045 tabby, tabby cat"
    Path("synset_words.txt").write_text("\n".join(names))
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[10:18, 20:28, 0] = 255
    Image.fromarray(pixels).save("cat.png")
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def test_the_helps_examples_run(run, run_examples) -> None:
    results = run_examples("heatmap")
    assert len(results) == 3
    with Image.open("heat.png") as drawn, Image.open("cat-heat.png") as same, Image.open("tabby.png") as named:
        assert named.tobytes() == drawn.tobytes()
        assert drawn.format == "PNG"
        assert drawn.size == (40, 30)
        assert drawn.getpixel((23, 13)) == (255, 0, 0)
        assert drawn.getpixel((2, 2)) == (0, 0, 77)
        assert drawn.tobytes() == same.tobytes()


def test_it_tells_what_it_drew(run) -> None:
    assert run("heatmap caffenet.caffemodel cat.png --class 281 --mean 104,117,123 --force").output == (
        "cat.png -> cat-heat.png\n"
        "  scores       12 x 17, stride 2\n"
        "  probability  5.21e-08 to 0.998, largest at row 13, column 23\n"
    )


def test_the_cost_of_tiles_is_told(run) -> None:
    assert run("heatmap caffenet.caffemodel cat.png --class 281 --mean 0").exit_code == 0
    result = run(
        "heatmap caffenet.caffemodel cat.png --class tabby --classes synset_words.txt --mean 0 --tile 16 -o t.png"
    )
    assert result.stderr == "30 x 40 pixels in 6 tiles of up to 22 x 22, about 1.6 x the work of an untiled run\n"
    with Image.open("cat-heat.png") as whole, Image.open("t.png") as tiled:
        assert whole.tobytes() == tiled.tobytes()


def test_mistakes_are_one_line(run) -> None:
    Path("not.png").write_text("no image")
    for line, message in [
        (
            "caffenet.caffemodel cat.png --class 300",
            "caffenet.caffemodel: there is no class '300'; the classes are class 0, ",
        ),
        (
            "caffenet.caffemodel cat.png --class dog --classes synset_words.txt",
            "caffenet.caffemodel: there is no class 'dog'; ",
        ),
        (
            "caffenet.caffemodel cat.png --class 'part 3' --classes synset_words.txt",
            "caffenet.caffemodel: the classes 6, 7 are named 'part 3'; choose one by its number",
        ),
        (
            "caffenet.caffemodel cat.png --class 1",
            "caffenet.caffemodel: the net does not state how pixels become its "
            "input 'data': the mean and the scale are not stated; give --mean and --scale, for example 0 and 1 ",
        ),
        ("caffenet.caffemodel cat.png --class 1 --classes voc", "voc: names 21 classes; the net has 300"),
        (
            "caffenet.caffemodel cat.png --class 1 --mean 1,2",
            "caffenet.caffemodel: the mean has 2 numbers; the net reads 3",
        ),
        ("caffenet.caffemodel cat.png --class 1 --device cuda:99", "there is no device 'cuda:99' here"),
        (
            "caffenet.caffemodel cat.png --class 1 --max-pixels 9",
            "cat.png: has 30 x 40 pixels, more than the limit of 9",
        ),
        ("caffenet.caffemodel none.png --class 1", "none.png: cannot be read as an image: No such file or directory"),
        ("caffenet.caffemodel not.png --class 1", "not.png: is not an image, or is damaged"),
        ("caffenet.pth cat.png --class 1", "caffenet.pth: contains weights alone; give the net's definition with"),
        ("caffenet.caffemodel cat.png --class 1 -o cat.png", "cat.png: exists; replace it with --force"),
    ]:
        result = run(f"heatmap {line}")
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith(f"Error: {message}")
        assert result.stderr.count("\n") == 1
    assert run("heatmap caffenet.caffemodel cat.png").exit_code == 2
