"""The report of a training run: its numbers and pictures, and the page in a browser."""

from __future__ import annotations

import io
import json
import re
import sys
from base64 import b64decode
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcnkit.errors import FcnkitError
from fcnkit.palette import label_image
from fcnkit.segment.metrics import Scores
from fcnkit.train import curves
from fcnkit.train.logs import Log
from fcnkit.train.report import Shown, Stage, write
from tests.browser import browse, needs_chromium

NAMES = ("background", "cat", "dog")
# Confusion matrices of 200 pixels; in none of them is a dog recognized.
BEST = [[90, 10, 0], [13, 54, 13], [9, 11, 0]]
WORSE = [[50, 50, 0], [40, 40, 0], [20, 0, 0]]
FIRST = [[100, 0, 0], [80, 0, 0], [20, 0, 0]]
HOSTILE = [
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}<b>",
    "$\\frac{1}{2}$ &lt;&amp;<!--",
    "a\nb\t\x07 'quoted'",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc" + "x" * 500,
]


class Page(HTMLParser):
    """What is on a page: its elements with their attributes, and the text of each element and of those in it."""

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        if tag in ("td", "th"):
            self.handle_data(" ")
        if tag not in ("meta", "img"):
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self.elements[self._open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.texts[place] += data

    def all(self, tag: str, **attributes: str) -> list[str]:
        """The texts of the elements with this tag and these attributes, with single spaces."""
        return [
            " ".join(text.split())
            for text, (name, found) in zip(self.texts, self.elements, strict=True)
            if name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "img"]


def log(scorings: dict[int, Any], displays: Sequence[tuple[int, float]] = ((0, 2.0), (50, 1.0))) -> Log:
    """Records as they are read from a log: loss by iteration, and confusion matrices by iteration."""
    scores = [
        {"iteration": iteration, "score": {**Scores(np.array(hist)).as_dict(), "loss": 0.5}}
        for iteration, hist in scorings.items()
    ]
    return Log([{"iteration": i, "loss": loss, "lr": 1.0, "outputs": {}} for i, loss in displays], [], scores)


def pictures(folder: Path, count: int, names: Sequence[str] = ("one.jpg", "two.png")) -> tuple[list[Shown], Any]:
    """Images of 60 x 40 and 400 x 300 pixels with their truth, and predictions for iterations 100 apart."""
    random = np.random.default_rng(0)
    shown, sizes = [], [(40, 60), (300, 400)]
    predictions: dict[int, list[list[Path]]] = {100 * index: [] for index in range(count)}
    for index, (name, size) in enumerate(zip(names, sizes, strict=True)):
        (folder / "labels").mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(folder / name)
        truth = np.zeros(size, np.uint8)
        truth[10:30, 10:30], truth[10:30, 30] = 1, 255
        label_image(truth).save(folder / f"labels/{index}.png")
        shown.append(Shown(folder / name, [folder / f"labels/{index}.png"]))
        for iteration, paths in predictions.items():
            paths.append([folder / f"labels/{index}-{iteration}.png"])
            label_image(np.roll(np.where(truth == 1, 2, 0), iteration // 100, axis=0).astype(np.uint8)).save(
                paths[-1][0]
            )
    return shown, predictions


def test_the_numbers_of_a_run(tmp_path: Path) -> None:
    stage = Stage("", log({0: FIRST, 100: BEST, 200: WORSE}), {})
    write(tmp_path / "report.html", "Pets", [stage], [], {"": NAMES}, {"net": "FCN-8s", "images": "90, 10"})
    page = Page(tmp_path / "report.html")
    assert page.all("title") == page.all("h1") == ["Pets"]
    assert page.all("dt") == ["net", "images"]
    assert page.all("dd") == ["FCN-8s", "90, 10"]
    assert page.all("p", class_="notice") == []
    means = {"pixel accuracy": 144 / 200, "mean accuracy": (0.9 + 0.675) / 3, "mean IU": (90 / 122 + 54 / 101) / 3,
             "f.w. IU": (100 * 90 / 122 + 80 * 54 / 101) / 200}  # fmt: skip
    tiles = page.all("li")[:4]
    order = ("mean IU", "pixel accuracy", "mean accuracy", "f.w. IU")
    assert tiles == [f"{words} {means[words]:.1%}" for words in order]
    assert "The best of 3 scorings on the validation images, by mean IU: iteration 100." in page.all("p", class_="soft")
    rows = page.all("tr")
    assert rows[:3] == [
        "iteration pixel accuracy mean accuracy mean IU f.w. IU loss",
        f"100 {means['pixel accuracy']:.1%} {means['mean accuracy']:.1%} {means['mean IU']:.1%} "
        f"{means['f.w. IU']:.1%} 0.5 best",
        "200 45.0% 33.3% 20.7% 27.9% 0.5 last",
    ]
    assert rows[3:7] == [rows[0], "0 50.0% 33.3% 16.7% 25.0% 0.5", *rows[1:3]]
    assert rows[7:11] == [
        "class true pixels IU, best IU, last",
        f"background 50.0% {90 / 122:.1%} {50 / 160:.1%}",
        f"cat 40.0% {54 / 101:.1%} {40 / 130:.1%}",
        "dog 10.0% 0.0% 0.0%",
    ]
    widths = [attributes["style"] for tag, attributes in page.elements if tag == "i"]
    assert widths[:4] == [f"width: {100 * iu:.1f}%" for iu in (90 / 122, 50 / 160, 54 / 101, 40 / 130)]
    assert rows[12:15] == ["background 90 10", "cat 16 68 16", "dog 45 55"]
    assert rows[16:] == ["dog cat 55.0%", "dog background 45.0%", "cat background 16.2%", "cat dog 16.2%",
                         "background cat 10.0%"]  # fmt: skip


def test_what_cannot_be_scored_is_a_dash(tmp_path: Path) -> None:
    nothing = log({0: np.zeros((3, 3), int).tolist()})
    nothing.scores[0]["score"]["loss"] = None
    write(tmp_path / "report.html", "x", [Stage("", nothing, {})], [], {"": NAMES}, {})
    page = Page(tmp_path / "report.html")
    assert page.all("li")[:4] == ["mean IU -", "pixel accuracy -", "mean accuracy -", "f.w. IU -"]
    assert "0 - - - - - best last" in page.all("tr")
    assert "cat 0.0% -" in page.all("tr")
    assert "cat - - -" in page.all("tr")
    assert "nan" not in (tmp_path / "report.html").read_text().lower()


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([Stage("", Log([], [], []), {})], "the log ends at iteration 0, before the final scoring."),
        ([Stage("", log({0: FIRST}), {})], "the log ends at iteration 50, before the final scoring."),
        ([Stage("", log({0: FIRST}), {}, 4000)], "the log ends at iteration 50 of 4,000, before the final scoring."),
        ([Stage("", log({0: FIRST, 50: BEST}), {})], None),
        ([Stage("32s", log({60: BEST}), {}, 60), Stage("16s", log({0: BEST, 40: BEST}, []), {}, 60)],
         "the log ends at stage 16s, iteration 40 of 60, before the final scoring."),
        ([Stage("32s", log({60: BEST}), {}, 60), Stage("16s", log({60: BEST}), {}, 60)], None),
    ],
)  # fmt: skip
def test_a_run_that_goes_on_is_reported_as_such(tmp_path: Path, stages: list[Stage], message: str | None) -> None:
    write(tmp_path / "report.html", "x", stages, [], {"": NAMES}, {})
    found = Page(tmp_path / "report.html").all("p", class_="notice")
    assert found == ([] if message is None else [f"This run is not finished: {message}"])


def test_predictions_over_time(tmp_path: Path) -> None:
    """Of ten scorings six: the first, the best, the last, and others between; each picture is the label map's own."""
    shown, predictions = pictures(tmp_path, 10)
    stage = Stage("", log({i: BEST if i == 200 else FIRST for i in predictions}), predictions)
    write(tmp_path / "report.html", "x", [stage], shown, {"": NAMES}, {})
    page = Page(tmp_path / "report.html")
    heads = [text for text in page.all("th", scope="col") if text.startswith("iteration ")]
    iterations = [int(re.match(r"iteration (\d+) mean IU", head)[1]) for head in heads]
    assert len(iterations) == 6
    assert iterations == sorted(iterations)
    assert {0, 200, 900} < set(iterations)
    assert max(np.diff(iterations)) <= 300
    assert heads[iterations.index(200)] == f"iteration 200 mean IU {(90 / 122 + 54 / 101) / 3:.1%} best"
    assert heads[-1] == "iteration 900 mean IU 16.7% last"
    assert page.all("ul", class_="legend") == ["background (not coloured) cat dog ignored in the truth"]
    images = page.images()
    assert len(images) == 2 * (2 + 6)
    assert images[0]["alt"] == "one.jpg"
    assert images[1]["alt"] == "one.jpg: truth"
    assert images[2]["alt"] == "one.jpg: prediction at iteration 0"
    files = [[each.image, *each.labels, *(predictions[i][k][0] for i in iterations)] for k, each in enumerate(shown)]
    for attributes, path in zip(images, chain(*files), strict=True):
        kind, data = re.fullmatch(r"data:image/(jpeg|png);base64,(.*)", attributes["src"]).groups()
        with Image.open(io.BytesIO(b64decode(data))) as picture, Image.open(path) as source:
            assert picture.size == ((60, 40) if source.size == (60, 40) else (320, 240))
            assert picture.size == (int(attributes["width"]), int(attributes["height"]))
            assert kind == ("jpeg" if "labels" not in str(path) else "png")
            if kind == "png":
                assert (np.asarray(picture) == np.asarray(source.resize(picture.size, Image.Resampling.NEAREST))).all()
                opacity = picture.info["transparency"]
                assert (opacity[0], opacity[255]) == (0, 255)
                assert 100 < opacity[1] == opacity[2] < 255


def test_stages_are_joined(tmp_path: Path) -> None:
    shown, predictions = pictures(tmp_path, 3)
    one = Stage("32s", log({0: FIRST, 100: BEST, 200: FIRST}), predictions, 200)
    two = Stage("16s", log({0: FIRST, 100: WORSE, 200: FIRST}), predictions, 200)
    write(tmp_path / "report.html", "x", [one, two], shown, {"": NAMES}, {})
    page = Page(tmp_path / "report.html")
    assert "by mean IU: stage 32s, iteration 100." in " ".join(page.all("p", class_="soft"))
    assert [row.split("%")[0] for row in page.all("tr")[1:5]] == [
        "32s 100 72.0", "32s 200 50.0", "16s 100 45.0", "16s 200 50.0"
    ]  # fmt: skip
    heads = [text for text in page.all("th", scope="col") if text.startswith("stage ")]
    assert [re.sub(" mean IU [0-9.]+%", "", head) for head in heads] == [
        "stage 32s iteration 0", "stage 32s iteration 100 best", "stage 32s iteration 200", "stage 16s iteration 0",
        "stage 16s iteration 100", "stage 16s iteration 200 last",
    ]  # fmt: skip
    for words in ("32s", "16s"):
        assert page.all("text").count(words) == 2
    labels = [attributes["aria-label"] for tag, attributes in page.elements if attributes.get("role") == "img"]
    assert labels[0] == (
        "Loss over the iterations: training from 2 at iteration 0 to 1 at iteration 250; "
        "validation from 0.5 at iteration 0 to 0.5 at iteration 400"
    )
    assert labels[1].startswith("Scores over the iterations: mean IU from 16.7 at iteration 0 to 16.7 at iteration 400")


def test_curves() -> None:
    runs = [curves.Run("a", log({0: FIRST, 10: BEST}), 0), curves.Run("b", log({0: BEST}), 10)]
    training, validation = curves.losses(runs)
    assert training.xs[[0, 1, 3, 4]].tolist() == [0, 50, 10, 60]
    assert np.isnan([training.xs[2], training.ys[2]]).all()
    assert validation.ys[[0, 1, 3]].tolist() == [0.5, 0.5, 0.5]
    best = 100 * (90 / 122 + 54 / 101) / 3
    assert curves.scores(runs)[0].ys[[0, 1, 3]] == pytest.approx([100 / 6, best, best])
    # A long log is thinned, and keeps its course.
    long = log({}, [(i, 5.0 + i + i % 2) for i in range(5000)])
    (thin,) = curves.losses([curves.Run("", long, 0)])
    assert len(thin.xs) == 500
    assert thin.ys - thin.xs == pytest.approx(5.5)


def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_axis() -> None:
    def labels(falls_to: float) -> list[str]:
        run = curves.Run("", log({}, [(0, 1e5), (10, falls_to)]), 0)
        return re.findall(r">([0-9,.]+)</text>", curves.loss_picture([run]))

    assert {"100,000", "10,000", "1,000"} <= set(labels(1e3))
    assert {"60,000", "80,000", "100,000"} <= set(labels(5e4))


def hostile(folder: Path) -> Path:
    """The page of a run in which everything that a user names has such a name."""
    shown, predictions = pictures(folder, 1, [f"{name}.png".replace("/", "\\") for name in HOSTILE[:2]])
    stage = Stage(HOSTILE[3], log({0: np.ones((len(HOSTILE),) * 2, int).tolist()}), predictions)
    facts = dict(zip(HOSTILE, HOSTILE, strict=True))
    write(folder / "x.html", HOSTILE[0], [stage] * 2, shown, {"": HOSTILE}, facts)
    return folder / "x.html"


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    path = hostile(tmp_path)
    page = Page(path)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "li", "b", "dl",
               "div", "dt", "dd", "section", "figure", "svg", "defs", "clippath", "path", "g", "use", "text", "rect",
               "table", "thead", "tbody", "tr", "th", "td", "span", "small", "i", "img"}  # fmt: skip
    assert {tag for tag, _ in page.elements} <= allowed
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
    assert page.all("h1") == [HOSTILE[0]]
    assert page.all("dd")[:4] == HOSTILE[:4]
    assert page.all("dd")[4:] == ["a b\\t\\x07 'quoted'", "\\u202eabc" + "x" * 500]
    assert [text for text in page.all("li")[4:-1]] == [
        HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], "\"a\\nb\\t\\x07 'quoted'\"",
        "'\\u202eabc" + "x" * 19 + "..." + "x" * 27 + "'",
    ]  # fmt: skip
    assert HOSTILE[3] in page.all("text")
    assert page.images()[0]["alt"] == f"{HOSTILE[0]}.png".replace("/", "\\")
    text = re.sub(r"data:image/\w+;base64,[\w+/=]*", "", path.read_text())
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    text = text.replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    assert set(re.findall(r"https?:|@import|url\((?!#|\))", text)) == set()


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    write(tmp_path / "report.html", "x", [Stage("", log({0: FIRST, 60: BEST, 90: WORSE}), {})], [], {"": NAMES}, {})
    page = Page(tmp_path / "report.html")
    hint = "The curves of loss and scores are drawn with matplotlib, which is not installed: pip install 'fcnkit[plot]'"
    assert hint in page.all("p")
    assert page.all("svg") == []
    assert ("details", {"open": None}) in page.elements


def test_a_page_of_many_classes_and_large_photos_stays_small(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    count, shown = 60, []
    for index in range(8):
        label = np.kron(random.integers(0, count, (8, 10)), np.ones((64, 64), int)).astype(np.uint8)
        photo = random.normal(128, 30, (512, 640, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(photo).save(tmp_path / f"{index}.jpg")
        label_image(label).save(tmp_path / f"{index}.png")
        shown.append(Shown(tmp_path / f"{index}.jpg", [tmp_path / f"{index}.png"]))
    predictions = {iteration: [each.labels for each in shown] for iteration in range(6)}
    hist = random.integers(1, 1000, (count, count)).tolist()
    stage = Stage("", log(dict.fromkeys(predictions, hist)), predictions)
    write(tmp_path / "report.html", "x", [stage], shown, {"": [f"class {i}" for i in range(count)]}, {})
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    cells = [attributes for tag, attributes in Page(tmp_path / "report.html").elements if "--share" in str(attributes)]
    assert len(cells) == count**2


def test_what_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(FcnkitError) as raised:
        write(path, "x", [Stage("", log({}), {})], [], {"": NAMES}, {}, force=False)
    assert str(raised.value) == f"{path}: exists; replace it with `force` or choose another output"
    with pytest.raises(FcnkitError) as raised:
        write(path, "x", [Stage("8s", log({7: BEST}), {})], [], {"": NAMES[:2]}, {})
    assert str(raised.value) == (
        "stage 8s, iteration 7 of the log has no scores of 2 classes; it is a log of another run, or its classes were "
        "changed"
    )
    shown = Shown(tmp_path / "none.jpg", [tmp_path / "none.png"])
    with pytest.raises(FcnkitError, match=r"none\.jpg: cannot be read as an image: No such file or directory"):
        write(path, "x", [Stage("", log({}), {})], [shown], {"": NAMES}, {})
    assert path.read_text() == "old"


def staged(folder: Path) -> Path:
    """The page of a run in three stages."""
    shown, predictions = pictures(folder, 3)
    stages = [Stage(name, log({0: FIRST, 100: BEST, 200: WORSE}), predictions, 200) for name in ("32s", "16s", "8s")]
    write(folder / "report.html", "Pets", stages, shown, {"": NAMES}, {"net": "FCN-8s"})
    return folder / "report.html"


LOOK = """
<script>
addEventListener('load', () => {
  document.body.dataset.found = JSON.stringify({
    widths: [...document.images].map(image => image.naturalWidth),
    requests: performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !/^data:/.test(name)),
    curves: [...document.querySelectorAll('figure')].map(figure => [...figure.querySelectorAll('path')]
      .filter(path => path.getBoundingClientRect().width > 100).map(path => getComputedStyle(path).stroke)
      .filter(color => color !== 'none' && color !== getComputedStyle(document.body).color)),
    wide: document.documentElement.scrollWidth - innerWidth,
  });
});
</script>
"""


def looked(page: Path, width: int) -> dict[str, Any]:
    """What LOOK finds on the page in a window of a width; the page's policy is changed to allow that one script."""
    text, policy = page.read_text(), "default-src 'none';"
    assert policy in text
    changed = page.with_name("looked.html")
    changed.write_text(
        text.replace(policy, f"{policy} script-src 'unsafe-inline';").replace("</body>", f"{LOOK}</body>")
    )
    dom = browse(changed, f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom")
    found: dict[str, Any] = json.loads(re.search(r'data-found="([^"]*)"', dom)[1].replace("&quot;", '"'))
    return found


@needs_chromium
@pytest.mark.parametrize("width", [500, 1280])
def test_the_page_in_a_browser(tmp_path: Path, width: int) -> None:
    """Pictures are decoded, curves drawn, nothing is requested or logged, and the page is no wider than the window."""
    found = looked(staged(tmp_path), width)
    assert found["widths"] == [60] * 8 + [320] * 8
    assert found["requests"] == []
    # Two losses and four scores; other lines, such as those of the grid, have the colour of the text.
    assert [len(set(colors)) for colors in found["curves"]] == [2, 4]
    assert [len(colors) for colors in found["curves"]] == [2, 4]
    assert found["wide"] <= 0


@needs_chromium
def test_hostile_names_in_a_browser(tmp_path: Path) -> None:
    """No script runs, which would end in an error, and long names do not widen the page."""
    path = hostile(tmp_path)
    found = looked(path, 500)
    assert found["widths"] == [60] * 4 + [320] * 4
    assert found["requests"] == []
    assert found["wide"] <= 0
    browse(path, "--dump-dom")


@needs_chromium
@pytest.mark.parametrize(("scheme", "ground"), [(1, (255, 255, 255)), (0, (20, 23, 28))], ids=["light", "dark"])
def test_the_page_as_it_is_drawn(tmp_path: Path, scheme: int, ground: tuple[int, ...]) -> None:
    """Light or dark as the reader prefers, with the pictures: photos, and classes in their colours over grey."""
    picture = tmp_path / "report.png"
    options = f"--blink-settings=preferredColorScheme={scheme}", "--window-size=1280,3000", f"--screenshot={picture}"
    browse(staged(tmp_path), *options)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert tuple(pixels[2, 2]) == tuple(pixels[-2, -2]) == ground
    red, green, blue = np.moveaxis(pixels, -1, 0)
    photo = (abs(red - green) > 60) & (abs(green - blue) > 60)
    dog = (green - red > 60) & (abs(red - blue) < 4)
    cat = (red - green > 60) & (abs(green - blue) < 4)
    assert photo.sum() > 1000
    assert cat.sum() > 1000
    assert dog.sum() > 5 * 1000
