"""Nets that run only with another shape of an input, or with the default boxes of another fork."""

from __future__ import annotations

from pathlib import Path

import pytest

import fcnkit
from fcnkit.errors import DefinitionError
from tests.net.build import conv, data, layer

BOXES = "prior_box_param { min_size: 8 max_size: 16 aspect_ratio: 2 step: %d }"
FOUND = "detection_output_param { num_classes: 2 code_type: CENTER_SIZE }"


def detector(first: str, second: str, kinds: tuple[int, int]) -> str:
    """Two maps with so many boxes at a place, in the wiring of MhLiao/TextBoxes examples/TextBoxes/deploy.prototxt."""
    text = data(32, 64) + conv("a", "data", 4, 4) + conv("b", "a", 4, 2)
    for name, boxes, count in (("a", first, kinds[0]), ("b", second, kinds[1])):
        text += conv(f"{name}_loc", name, 4 * count) + conv(f"{name}_conf", name, 2 * count)
        for part in ("loc", "conf"):
            text += layer(
                "Permute",
                f"{name}_{part}_perm",
                f"{name}_{part}",
                "permute_param { order: 0 order: 2 order: 3 order: 1 }",
            )
            text += layer("Flatten", f"{name}_{part}_flat", f"{name}_{part}_perm")
        text += layer("PriorBox", f"{name}_boxes", f"{name} data", boxes)
    for part, axis in (("loc_flat", 1), ("conf_flat", 1), ("boxes", 2)):
        text += layer("Concat", part, f"a_{part} b_{part}", f"concat_param {{ axis: {axis} }}")
    return text + layer("DetectionOutput", "found", "loc_flat conf_flat boxes", FOUND)


def loaded(text: str, folder: Path) -> fcnkit.CaffeNet:
    (folder / "net.prototxt").write_text(text)
    return fcnkit.load(folder / "net.prototxt")


def test_textboxes_default_boxes_are_twice_as_many(tmp_path: Path) -> None:
    """4 boxes of the settings: a square of each size, and two of the aspect ratio."""
    net = loaded(detector(BOXES % 4, BOXES % 8, (8, 8)), tmp_path)
    assert net.remarks == ["default boxes are those of TextBoxes, twice as many: the locations are for them"]
    assert net.shapes["boxes"] == (1, 2, 4 * 8 * (8 * 16 + 4 * 8))
    assert all(layer.prior_box_param.denser_prior_boxes for layer in net.definition().layer if layer.type == "PriorBox")
    assert loaded(detector(BOXES % 4, BOXES % 8, (4, 4)), tmp_path).remarks == []


def test_faceboxes_default_boxes_are_denser(tmp_path: Path) -> None:
    dense = "prior_box_param { min_size: 32 min_size: 64 min_size: 128 step: 4 }"
    net = loaded(detector(dense, "prior_box_param { min_size: 256 step: 8 }", (21, 1)), tmp_path)
    assert net.remarks == ["default boxes are those of FaceBoxes, 21 for 3 sizes: the locations are for them"]
    assert net.shapes["boxes"] == (1, 2, 4 * (21 * 8 * 16 + 4 * 8))


def test_default_boxes_without_geometric_means(tmp_path: Path) -> None:
    """Two sizes have a square, a mean and a box of a ratio each, and one size a square and a mean: 4 and 1 are left."""
    more = "prior_box_param { min_size: 9 min_size: 20 max_size: 20 max_size: 31 aspect_ratio: 2 flip: false step: 4 }"
    one = "prior_box_param { min_size: 40 max_size: 60 flip: false step: 8 }"
    net = loaded(detector(more, one, (4, 1)), tmp_path)
    assert net.remarks == [
        "default boxes are those of SSD_windows_caffe, without geometric means: the locations are for them"
    ]
    assert net.shapes["boxes"] == (1, 2, 4 * (4 * 8 * 16 + 4 * 8))
    assert loaded(detector(more, one, (6, 2)), tmp_path).remarks == []


@pytest.mark.parametrize(
    ("loss", "scores", "label"),
    [
        ("SoftmaxWithLoss", conv("c", "data", 5, 4), (1, 1, 8, 16)),
        ("Accuracy", layer("InnerProduct", "c", "data", "inner_product_param { num_output: 5 }"), (1,)),
        ("EuclideanLoss", conv("c", "data", 5, 4), (1, 5, 8, 16)),
        ("LpqLoss", conv("c", "data", 5, 4), (1, 5, 8, 16)),
        (
            "SigmoidCrossEntropyLoss",
            layer("InnerProduct", "c", "data", "inner_product_param { num_output: 5 }"),
            (1, 5),
        ),
    ],
)
def test_labels_have_the_shape_that_their_loss_needs(
    loss: str, scores: str, label: tuple[int, ...], tmp_path: Path
) -> None:
    text = layer("Python", "d", "", 'python_param { module: "pairs" layer: "Pairs" }', "data label") + scores
    text += layer(loss, "loss", "c label", "lpq_loss_param { p: 1 q: 0.2 }" if loss == "LpqLoss" else "")
    (tmp_path / "net.prototxt").write_text(text)
    shape = {"data": (1, 3, 32, 64)}
    net = fcnkit.load(tmp_path / "net.prototxt", phase="train", deploy=False, input_shape=shape)
    assert net.shapes["label"] == label
    assert net.remarks == [f"input 'label' has the shape {label}, which layer 'loss' needs"]
    wrong = shape | {"label": (2, 3, 7)}
    with pytest.raises(DefinitionError, match="layer 'loss'"):
        fcnkit.load(tmp_path / "net.prototxt", phase="train", deploy=False, input_shape=wrong)


def test_default_boxes_are_those_that_the_removed_loss_reads(tmp_path: Path) -> None:
    text = detector(BOXES % 4, BOXES % 8, (8, 8)).replace(FOUND, "").replace('"DetectionOutput"', '"MultiBoxLoss"')
    text = text.replace('bottom: "boxes" top: "found"', 'bottom: "boxes" bottom: "objects" top: "found"')
    text += 'layer { name: "objects" type: "Python" top: "objects" python_param { module: "m" layer: "L" } }'
    net = loaded(text, tmp_path)
    assert net.outputs == ("loc_flat", "conf_flat", "boxes")
    assert net.remarks == ["default boxes are those of TextBoxes, twice as many: the locations are for them"]
    assert net.shapes["boxes"] == (1, 2, net.shapes["loc_flat"][1])


@pytest.mark.parametrize("kinds", [(8, 4), (5, 5)])
def test_boxes_that_fit_no_fork_are_refused(kinds: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"layer 'found' .* default boxes need .* locations and .* scores"):
        loaded(detector(BOXES % 4, BOXES % 8, kinds), tmp_path)


DATA = 'layer { name: "d" type: "Data" top: "data" transform_param { crop_size: 16 } }'
GUIDE = 'layer { name: "g" type: "Data" top: "guide" }'


def test_an_input_has_the_shape_that_its_reader_needs(tmp_path: Path) -> None:
    """The wiring of Cysu/dgd_person_reid: a data set has a number for each channel of a layer."""
    text = DATA + GUIDE + conv("a", "data", 6, 2)
    net = loaded(text + layer("GuidedDropout", "kept", "a guide"), tmp_path)
    assert net.shapes["guide"] == (1, 6)
    assert net.remarks == ["input 'guide' has the shape (1, 6), which layer 'kept' needs"]
    summed = loaded(text + layer("Eltwise", "sum", "a guide"), tmp_path)
    assert summed.shapes["guide"] == summed.shapes["a"]
    assert len(summed.remarks) == 1


def test_stated_shapes_stay(tmp_path: Path) -> None:
    text = DATA + GUIDE + conv("a", "data", 6, 2) + layer("GuidedDropout", "kept", "a guide")
    (tmp_path / "net.prototxt").write_text(text)
    with pytest.raises(DefinitionError, match="the second bottom must have a number for each channel of each item"):
        fcnkit.load(tmp_path / "net.prototxt", input_shape={"guide": (1, 5)})
    assert fcnkit.load(tmp_path / "net.prototxt", input_shape={"guide": (1, 6)}).remarks == []


def test_constants_have_the_batch_of_the_blobs_beside_them(tmp_path: Path) -> None:
    """Masks for the 16 items of training, for the one image that the net reads instead; another constant stays."""
    dummy = 'layer {{ name: "{0}" type: "DummyData" top: "{0}" dummy_data_param {{ shape {{ dim: {1} }} }} }}'
    text = f"""
        layer {{ name: "d" type: "Data" top: "d" transform_param {{ crop_size: 4 }} }}
        {dummy.format("mask", [16, 3, 4, 4])} {dummy.format("other", [16, 2])} {dummy.format("seven", [7])}
        layer {{ name: "t" type: "TanH" bottom: "d" top: "t" }}
        layer {{ name: "p" type: "Eltwise" bottom: "t" bottom: "mask" top: "p" eltwise_param {{ operation: PROD }} }}"""
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    net = fcnkit.load(path)
    assert {name: net.shapes[name] for name in ("d", "mask", "p")} == dict.fromkeys(("d", "mask", "p"), (1, 3, 4, 4))
    assert (net.shapes["other"], net.shapes["seven"]) == ((1, 2), (7,))
    remark = "constant blobs of 16 items have 1, as the blobs that layer 'p' reads beside them"
    assert remark in net.remarks
    path.write_text(text.replace("[16, 3, 4, 4]", "[16, 3, 4, 5]"))
    with pytest.raises(DefinitionError, match="the bottoms must have equal shapes"):
        fcnkit.load(path)


def test_a_batch_is_as_large_as_the_layers_that_cut_or_reshape_it_need(tmp_path: Path) -> None:
    """Two data layers feed a batch of 8 + 8, of which a Slice cuts the first 8; a Reshape reads 3 clips of 4 images."""
    data = 'layer {{ name: "{0}" type: "Data" top: "{0}" top: "l{0}" transform_param {{ crop_size: 4 {1} }} }}'
    mean = "mean_value: [1, 2, 3]"
    pairs = f"""{data.format("a", mean)} {data.format("b", mean)}
        layer {{ name: "j" type: "Concat" bottom: "a" bottom: "b" top: "j" concat_param {{ axis: 0 }} }}
        layer {{ name: "s" type: "Slice" bottom: "j" top: "x" top: "y" slice_param {{ axis: 0 slice_point: 8 }} }}"""
    path = tmp_path / "net.prototxt"
    path.write_text(pairs)
    net = fcnkit.load(path)
    assert (net.shapes["a"], net.shapes["y"]) == ((8, 3, 4, 4), (8, 3, 4, 4))
    assert "'a', 'b': 8 items, because layer 's' reads 16 at once" in net.remarks
    clips = (
        data.format("a", mean)
        + """
        layer { name: "f" type: "InnerProduct" bottom: "a" top: "f" inner_product_param { num_output: 5 } }
        layer { name: "r" type: "Reshape" bottom: "f" top: "r" reshape_param { shape { dim: 4 dim: %d dim: 5 } } }"""
    )
    path.write_text(clips % 3)
    assert fcnkit.load(path).shapes["r"] == (4, 3, 5)
    path.write_text((clips % 3).replace("dim: 5", "dim: 7"))
    with pytest.raises(DefinitionError, match=r"the shape \(4, 3, 7\) does not fit 5 elements"):
        fcnkit.load(path)
    path.write_text(clips % 3)
    with pytest.raises(DefinitionError, match=r"the shape \(4, 3, 5\) does not fit 5 elements"):
        fcnkit.load(path, input_shape=(1, 3, 4, 4))


def test_regions_have_the_number_of_their_image(tmp_path: Path) -> None:
    """As ShuangLI59/person_search states four numbers, and gives the input five before it runs."""
    text = """input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 6 } input: "rois" input_shape { dim: 3 dim: %d }
        layer { name: "p" type: "ROIPooling" bottom: "data" bottom: "rois" top: "p"
          roi_pooling_param { pooled_h: 2 pooled_w: 2 } }"""
    path = tmp_path / "net.prototxt"
    path.write_text(text % 4)
    net = fcnkit.load(path)
    assert (net.shapes["rois"], net.shapes["p"]) == ((3, 5), (3, 2, 2, 2))
    assert net.remarks == ["input 'rois' has five numbers for each region, an image and corners, where four are stated"]
    path.write_text(text % 3)
    with pytest.raises(DefinitionError, match="a region has 5 numbers, an image and corners: not 3"):
        fcnkit.load(path)
