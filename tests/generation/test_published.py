"""The published models as data."""

from __future__ import annotations

import pytest

from fcnkit.generation.published import HEADER, PUBLISHED

VOC = ["voc-fcn32s", "voc-fcn16s", "voc-fcn8s", "voc-fcn8s-atonce", "voc-fcn-alexnet"]
CONTEXT = ["pascalcontext-fcn32s", "pascalcontext-fcn16s", "pascalcontext-fcn8s"]
SIFTFLOW = ["siftflow-fcn32s", "siftflow-fcn16s", "siftflow-fcn8s"]
NYUD = ["nyud-fcn32s-color", "nyud-fcn32s-color-d", "nyud-fcn32s-hha", "nyud-fcn32s-color-hha"]


def test_all_published_models_are_there():
    assert list(PUBLISHED) == VOC + CONTEXT + SIFTFLOW + NYUD


@pytest.mark.parametrize(
    ("names", "dataset", "classes", "phases", "test_iter"),
    [
        (VOC, "PASCAL VOC", "21", ("train", "val"), 736),
        (CONTEXT, "PASCAL-Context", "60", ("train", "val"), 5105),
        (SIFTFLOW, "SIFT Flow", "sem 33, geo 3", ("trainval", "test"), 200),
        (NYUD, "NYUDv2", "40", ("trainval", "test"), 654),
    ],
)
def test_what_the_models_of_a_dataset_share(names, dataset, classes, phases, test_iter):
    for name in names:
        model = PUBLISHED[name]
        assert (model.dataset, model.row[1], model.net.phases) == (dataset, classes, phases)
        assert model.solver.test_iter == test_iter
        assert (model.solver.train_net, model.solver.test_net) == tuple(f"{phase}.prototxt" for phase in phases)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("voc-fcn32s", ["vgg16", "32", "63.6", "http://dl.caffe.berkeleyvision.org/fcn32s-heavy-pascal.caffemodel"]),
        (
            "voc-fcn-alexnet",
            ["alexnet", "32", "48.0", "http://dl.caffe.berkeleyvision.org/fcn-alexnet-pascal.caffemodel"],
        ),
        (
            "siftflow-fcn8s",
            ["vgg16", "32, 16, 8", "-", "http://dl.caffe.berkeleyvision.org/siftflow-fcn8s-heavy.caffemodel"],
        ),
        ("nyud-fcn32s-color-d", ["vgg16", "32", "-", "-"]),
    ],
)
def test_rows(name, rest):
    row = PUBLISHED[name].row
    assert row[2:] == rest
    assert len(row) + 1 == len(HEADER)


def test_published_mean_iu():
    stated = {name: model.mean_iu for name, model in PUBLISHED.items() if model.mean_iu is not None}
    assert stated == dict(zip(VOC, (63.6, 65.0, 65.5, 65.4, 48.0), strict=True))


def test_all_weights_but_those_never_released_have_an_address():
    assert [name for name, model in PUBLISHED.items() if not model.url] == ["nyud-fcn32s-color-d"]
    addresses = [model.url for model in PUBLISHED.values() if model.url]
    assert len(set(addresses)) == len(addresses)
