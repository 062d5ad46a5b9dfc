"""Pictures of nets: all that is in the net is in them, nothing covers anything, and they need nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader
from PIL import Image

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.errors import InputError
from fcnkit.formats import load
from fcnkit.inspect.diagram import shown
from fcnkit.inspect.drawing import dot, html, png, svg
from fcnkit.inspect.placement import GAP, Edge, arrange
from fcnkit.inspect.summary import in_words
from fcnkit.net.conversion import prepare
from tests.browser import browse, needs_chromium
from tests.paths import DATA

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]>&lt;&amp;<!--",
    "a\nb\t\x07",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 5000,
    "\N{RIGHT-TO-LEFT OVERRIDE}abc\\",
    "層 \N{SNOWMAN}",
]


@cache
def net(name: str) -> fcnkit.CaffeNet:
    """A net by where it comes from: a template's name, a net for tests, or the name of a case that Caffe ran."""
    if name.startswith("fcn-"):
        backbone, stride = name.split("-")[1:]
        text = fcnkit.generate("fcn", "deploy", backbone=backbone, stride=int(stride), upsampling="bilinear")
    elif (DATA / "nets" / f"{name}.j2").exists():
        environment = Environment(loader=FileSystemLoader(DATA / "nets"))
        environment.globals["thin"] = 8
        text = environment.get_template(f"{name}.j2").render()
    else:
        return load(DATA / "layers" / name / "net.prototxt")
    return fcnkit.CaffeNet(prepare(prototxt.parse(text), None).definition, filled=False)


def hostile() -> fcnkit.CaffeNet:
    """A chain of layers and blobs with these names."""
    definition = prototxt.parse('layer { name: "in" type: "Input" input_param { shape { dim: [1, 2, 3, 4] } } }')
    definition.name = HOSTILE[0]
    definition.layer[0].top.append("x" + HOSTILE[-1])
    for index, name in enumerate(HOSTILE):
        layer = definition.layer.add(name=name, type="ReLU", top=["x" + name])
        layer.bottom.append("x" + HOSTILE[index - 1])
        definition.layer[0].top[0] = "start"
    definition.layer[1].bottom[0] = "start"
    return fcnkit.CaffeNet(definition)


NETS = ["fcn-vgg16-8", "fcn-alexnet-4", "fcn-googlenet-8", "resnet50", "enet", "mobilenet", "squeezenet", "lstm",
        "inplace_fork", "slice_points", "dummydata"]  # fmt: skip


def boxes(picture: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each box."""
    found = []
    for group in picture.iter(f"{SVG}g"):
        x, y, width, height = (float(group.find(f"{SVG}rect").get(name)) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    """Points along a way of straight lines and curves."""
    found: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLC])([-0-9. ]+)", path.get("d")):
        n = [float(number) for number in numbers.split()]
        ends = [(found or [(n[0], n[1])])[-1], *zip(n[::2], n[1::2], strict=True)]
        if len(ends) == 2:
            ends = [ends[0], ends[0], ends[1], ends[1]]
        assert command in "ML" or len(ends) == 4
        for t in (step / 20 for step in range(21)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            found.append(tuple(sum(w * end[axis] for w, end in zip(weights, ends, strict=True)) for axis in (0, 1)))
    return found


def outside(text: str) -> list[str]:
    """What in a file would be fetched from elsewhere."""
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    return re.findall(r"https?:|//\w|\bhref|\bsrc=|url\(|@import", text)


@pytest.mark.parametrize("name", NETS)
def test_every_layer_and_blob_is_in_the_picture(name: str) -> None:
    picture = ElementTree.fromstring(svg(net(name)))
    told = ", ".join(group.find(f"{SVG}title").text for group in picture.iter(f"{SVG}g")).split(", ")
    layers = net(name).definition().layer
    assert Counter(told) == Counter(layer.name for layer in layers)
    labels = Counter(text.text for text in picture.iter(f"{SVG}text") if text.get("class") == "shape")
    made = {top: layer for layer in layers for top in layer.top}
    assert set(labels) == {in_words(net(name).shapes[top]) for top in made}
    in_place = sum(list(layer.top) == list(layer.bottom) for layer in layers)
    assert len(boxes(picture)) >= len(layers) - in_place
    assert len(list(picture.iter(f"{SVG}path"))) >= sum(
        len(layer.bottom) for layer in layers if list(layer.top) != list(layer.bottom)
    )


@pytest.mark.parametrize("name", NETS)
def test_nothing_covers_a_box_or_leaves_the_picture(name: str) -> None:
    picture = ElementTree.fromstring(svg(net(name)))
    width, height = float(picture.get("width")), float(picture.get("height"))
    places = boxes(picture)
    for index, (left, top, right, bottom) in enumerate(places):
        assert 0 < left < right < width
        assert 0 < top < bottom < height
        for other_left, other_top, other_right, other_bottom in places[:index]:
            apart = other_left - right, left - other_right, other_top - bottom, top - other_bottom
            assert max(apart) > GAP / 2
    for path in picture.iter(f"{SVG}path"):
        for x, y in points(path):
            assert 0 < x < width
            assert 0 < y < height
            inside = [box for box in places if box[0] + 1 < x < box[2] - 1 and box[1] + 1 < y < box[3] - 1]
            assert not inside, path.find(f"{SVG}title").text


@pytest.mark.parametrize("name", NETS)
def test_shapes_stand_in_their_boxes_apart_from_each_other(name: str) -> None:
    """So no line, which never enters a box, crosses one. A letter is up to 6.4 pixels wide."""
    for group in ElementTree.fromstring(svg(net(name))).iter(f"{SVG}g"):
        (left, top, right, bottom), *_ = boxes(group)
        texts = [text for text in group.iter(f"{SVG}text") if text.get("class") == "shape"]
        spans = [
            (float(text.get("x")) - 3.2 * len(text.text), float(text.get("x")) + 3.2 * len(text.text)) for text in texts
        ]
        assert all(top < float(text.get("y")) < bottom for text in texts)
        assert all(left < start < stop < right for start, stop in spans)
        assert all(stop < start for (_, stop), (start, _) in pairwise(spans))


def test_the_legend_explains_what_occurs() -> None:
    """Above the net, within its width, in as many rows as it needs."""
    for name, words in {
        "fcn-vgg16-8": "input filters upsampling pooling fusion other output blob skip only",
        "mobilenet": "input filters pooling other output blob",
    }.items():
        picture = ElementTree.fromstring(svg(net(name)))
        keys = [text for text in picture.iter(f"{SVG}text") if text.get("class") == "key"]
        assert [text.text.split()[0] for text in keys] == words.split()
        samples = [
            each for each in picture if each.tag in (f"{SVG}rect", f"{SVG}line") and each.get("class") != "ground"
        ]
        assert len(samples) == len(keys)
        top = min(top for _, top, _, _ in boxes(picture))
        assert all(float(text.get("y")) < top for text in keys)
        assert all(float(text.get("x")) + 6.4 * len(text.text) < float(picture.get("width")) for text in keys)


def test_skips_and_fusions_stand_out() -> None:
    picture = ElementTree.fromstring(svg(net("fcn-vgg16-8")))
    kinds: dict[str, list[str]] = {}
    for path in picture.iter(f"{SVG}path"):
        kinds.setdefault(path.get("class"), []).append(path.find(f"{SVG}title").text)
    assert kinds["skip"] == ["score_pool4: 1 x 21 x 44 x 44", "score_pool3: 1 x 21 x 88 x 88"]
    assert [told.split(":")[0] for told in kinds["reference"]] == ["upscore2", "upscore_pool4", "data"]
    fused = [group for group in picture.iter(f"{SVG}g") if "fuse" in group.get("class").split()]
    assert [group.find(f"{SVG}title").text for group in fused] == ["fuse_pool4", "fuse_pool3"]
    out = [group for group in picture.iter(f"{SVG}g") if "out" in group.get("class").split()]
    assert [group.find(f"{SVG}title").text for group in out] == ["score"]


def test_words_in_a_box() -> None:
    text = svg(net("fcn-googlenet-8"))
    for words in ("Convolution 64, 7 x 7, stride 2, pad ", "Pooling MAX, 3 x 3, stride 2", "+ conv1/relu_7x7 (ReLU)",
                  "Eltwise SUM", "Crop offset "):  # fmt: skip
        assert f">{words}" in text
    assert ">Convolution 6, 3 x 5, stride 2 x 1, pad 1 x 3<" in svg(net("conv_hw"))
    assert "dilation " in svg(net("conv_dilated"))
    assert ">Pooling AVE of all<" in svg(net("pool_ave_global"))


def test_groups_and_depthwise_layers() -> None:
    assert ">Convolution 4, 3 x 3, pad 1, depthwise<" in svg(net("mobilenet"))
    assert ">Deconvolution 21, 4 x 4, stride 2, pad 1, depthwise<" in svg(net("fcn-vgg16-8"))
    text = 'layer { name: "i" type: "Input" top: "x" input_param { shape { dim: [1, 8, 5, 5] } } }'
    for name, group, number in (("two", 2, 8), ("eight", 8, 16), ("one", 1, 8)):
        text += f'''layer {{ name: "{name}" type: "Convolution" bottom: "x" top: "{name}"
                    convolution_param {{ num_output: {number} kernel_size: 3 group: {group} }} }}'''
    picture = svg(fcnkit.CaffeNet(text))
    for words in ("Convolution 8, 3 x 3, group 2", "Convolution 16, 3 x 3, depthwise", "Convolution 8, 3 x 3"):
        assert f">{words}<" in picture


def test_blobs_whose_size_alone_is_read_are_dashed() -> None:
    text = 'layer { name: "i" type: "Input" top: "data" input_param { shape { dim: [1, 3, 64, 48] } } }'
    text += """
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
                convolution_param { num_output: 2 kernel_size: 3 } }
        layer { name: "p" type: "PriorBox" bottom: "c" bottom: "data" top: "p" prior_box_param { min_size: 9 } }"""
    picture = ElementTree.fromstring(svg(fcnkit.CaffeNet(text)))
    kinds = [path.get("class") for path in picture.iter(f"{SVG}path")]
    assert kinds == ["next", "reference", "reference"]


def test_pixels() -> None:
    """Two by two for each of the SVG's, in its colours."""
    with Image.open(BytesIO(png(net("fcn-vgg16-8")))) as picture:
        drawn = ElementTree.fromstring(svg(net("fcn-vgg16-8")))
        assert picture.size == (2 * int(drawn.get("width")), 2 * int(drawn.get("height")))
        left, top, _, _ = boxes(drawn)[0]
        assert picture.convert("RGB").getpixel((int(2 * left) + 12, int(2 * top) + 12)) == (0xE3, 0xF4, 0xE3)
        assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_a_net_too_large_for_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcnkit.inspect.drawing._MOST_PIXELS", 50_000)
    with pytest.raises(
        InputError, match=r"the picture has 300 x \d+ pixels, too many for \.png; write \.svg or \.html"
    ):
        png(net("pool_ave_global"))


def test_a_layer_in_place_of_what_was_read_before_has_a_box_of_its_own() -> None:
    text = 'layer { name: "i" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }'
    for name, top in zip("arsb", "axxb", strict=True):
        text += f'layer {{ name: "{name}" type: "TanH" bottom: "x" top: "{top}" }}'
    picture = ElementTree.fromstring(svg(fcnkit.CaffeNet(text)))
    titles = [group.find(f"{SVG}title").text for group in picture.iter(f"{SVG}g")]
    assert titles == ["i", "a", "r, s", "b"]


@pytest.mark.parametrize("name", ["fcn-vgg16-8", "fcn-googlenet-8", "hostile"])
def test_pictures_need_nothing_else(name: str) -> None:
    made = hostile() if name == "hostile" else net(name)
    for text in (svg(made), re.sub(r'(?s)<script id="details".*?</script>', "", html(made))):
        assert [found for found in outside(text) if name != "hostile" or found != "src="] == []


def test_hostile_names_stay_text() -> None:
    made = hostile()
    picture = ElementTree.fromstring(svg(made))
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        "svg", "title", "style", "rect", "path", "line", "g", "text"
    }  # fmt: skip
    titles = [group.find(f"{SVG}title").text for group in picture.iter(f"{SVG}g")]
    names = ["in", *(name if name.isprintable() else repr(name) for name in HOSTILE)]
    assert titles == names
    assert all(len(text.text) <= 60 for text in picture.iter(f"{SVG}text"))

    class Page(HTMLParser):
        scripts, details, inside = 0, "", False

        def handle_starttag(self, tag: str, attributes: list) -> None:
            assert tag != "img"
            assert not any(name.startswith("on") for name, _ in attributes)
            self.scripts += tag == "script"
            self.inside = ("id", "details") in attributes

        def handle_data(self, data: str) -> None:
            self.details += data if self.inside else ""

    page = Page()
    page.feed(html(made))
    assert page.scripts == 2
    details = json.loads(page.details)
    assert [box[0]["name"] for box in details] == names
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', dot(made))
    rest = re.sub(r'"(?:[^"\\\n]|\\.)*"', "", dot(made))
    assert strings
    assert '"' not in rest
    assert "<" not in rest
    assert rest.count("{") == rest.count("}") == 1


def test_what_is_shown_of_a_name() -> None:
    assert shown("conv1") == "conv1"
    assert shown("a\nb") == "'a\\nb'"
    assert shown("a" * 60) == "a" * 60
    assert shown("a" * 40 + "b" * 40) == "a" * 29 + "..." + "b" * 28


def test_details_on_the_page() -> None:
    details = json.loads(re.search(r'(?s)type="application/json">(.*?)</script>', html(net("fcn-vgg16-8")))[1])
    conv = details[1][0]
    assert conv["name"] == "conv1_1"
    assert ["parameters", "1,792"] in conv["words"]
    assert ["receptive field", "3"] in conv["words"]
    assert ["top", "conv1_1: 1 x 64 x 698 x 698"] in conv["words"]
    assert "kernel_size: 3" in conv["prototxt"]
    assert [layer["name"] for layer in details[1]] == ["conv1_1", "relu1_1"]


def test_dot() -> None:
    text = dot(net("fcn-vgg16-8"))
    assert '  1 [label="conv1_1\\nConvolution 64, 3 x 3, pad ' in text
    assert '  0 -> 1 [label="1 x 3 x 500 x 500"]\n' in text
    assert " style=dashed]\n" in text
    if graphviz := shutil.which("dot"):
        subprocess.run([graphviz, "-Tsvg"], input=text.encode(), check=True, capture_output=True)


def test_a_chain_is_straight_and_a_fork_is_even() -> None:
    chain = arrange([(100, 40), (60, 40), (80, 60)], [1, 1, 1], [Edge(0, 1, 0), Edge(1, 2, 0)])
    assert len({port for (port,) in chain.ports}) == 1
    assert chain.corners[1][1] - chain.corners[0][1] < chain.corners[2][1]
    fork = arrange([(60, 40)] * 4, [1] * 4, [Edge(0, 1, 0), Edge(0, 2, 0), Edge(1, 3, 0), Edge(2, 3, 0)])
    (top,), (left,), (right,), (bottom,) = fork.ports
    assert top == pytest.approx(bottom)
    assert top - left == pytest.approx(right - top) == pytest.approx(30 + GAP / 2)


def test_edges_cross_only_where_they_must() -> None:
    """Two pairs, told the other way round, and a source that stands above what needs it."""
    edges = [Edge(0, 3, 0), Edge(1, 2, 0), Edge(2, 4, 0), Edge(5, 6, 0), Edge(4, 6, 0)]
    place = arrange([(50, 30)] * 7, [1] * 7, edges)
    x = [port for (port,) in place.ports]
    assert (x[0] < x[1]) == (x[3] < x[2])
    assert place.corners[5][1] == place.corners[4][1]


@needs_chromium
def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    """It shows what was clicked, and can be moved and enlarged; a script that is added here does the clicking."""
    page = html(hostile())
    act = """
    const before = svg.getAttribute('viewBox');
    svg.dispatchEvent(new WheelEvent('wheel', { deltaY: -300, clientX: 50, clientY: 50 }));
    const enlarged = svg.getAttribute('viewBox');
    svg.dispatchEvent(new PointerEvent('pointerdown', { clientX: 50, clientY: 50 }));
    svg.dispatchEvent(new PointerEvent('pointermove', { clientX: 90, clientY: 80, buttons: 1 }));
    window.dispatchEvent(new PointerEvent('pointerup'));
    const dragged = svg.getAttribute('viewBox');
    document.getElementById('box-2').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    document.body.dataset.views = JSON.stringify([before, enlarged, dragged, moved]);
    moved = false;
    document.getElementById('box-2').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    document.title = location.hash;
    """
    head, _, tail = page.rpartition("</script>")
    (tmp_path / "net.html").write_text(f"{head}{act}</script>{tail}")
    dom = browse(tmp_path / "net.html", "--virtual-time-budget=3000", "--dump-dom")
    views = json.loads(re.search(r'data-views="([^"]*)"', dom)[1].replace("&quot;", '"'))
    before, enlarged, dragged = ([float(number) for number in view.split()] for view in views[:3])
    assert enlarged[2] < before[2]
    assert enlarged[3] < before[3]
    assert dragged[2:] == enlarged[2:]
    assert dragged[0] < enlarged[0]
    assert dragged[1] < enlarged[1]
    assert views[3] is True
    assert "<title>#box-2</title>" in dom
    panel = dom[dom.index('<div id="panel">') : dom.index('<script id="details"')]
    assert '<h2>"&gt;&lt;img src=x onerror=alert(1)&gt;</h2>' in panel
    assert "<img" not in dom
    assert "<td>parameters</td><td>0</td>" in panel
    assert "1 x 2 x 3 x 4" in panel
