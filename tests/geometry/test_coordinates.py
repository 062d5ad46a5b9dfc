"""Coordinate maps of whole nets: crops and their errors, the published figures, the smallest input."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.nets import generate
from fcnkit.geometry.coordinates import Coordinates, fill
from fcnkit.geometry.crops import CropError
from fcnkit.geometry.grids import AxisWindow, windows
from fcnkit.geometry.report import explain
from fcnkit.types.looks import Sliding


def traced(text):
    return Coordinates(prototxt.parse(text))


def layer(name, kind, bottoms, text="", top=None):
    bottoms = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{top or name}" {text} }}\n'


def conv(name, bottom, kernel, stride=1, pad=0, more=""):
    return layer(
        name, "Convolution", bottom, f"convolution_param {{ kernel_size: {kernel} stride: {stride} pad: {pad} {more} }}"
    )


def deconv(name, bottom, kernel, stride, pad=0):
    return conv(name, bottom, kernel, stride, pad).replace('"Convolution"', '"Deconvolution"')


def crop(name, cropped, reference, text="axis: 2"):
    return layer(name, "Crop", f"{cropped} {reference}", f"crop_param {{ {text} }}")


INPUT = layer("data", "Input", "")


def test_the_trained_sample_states_what_follows(data):
    net = prototxt.read(data / "shapes" / "deploy.prototxt")
    crops = Coordinates(net).crops
    assert [one.stated for one in crops] == [one.derived for one in crops] == [(5, 5), (9, 9), (31, 31)]


@pytest.mark.parametrize(
    ("options", "blob", "field"),
    [
        ({"backbone": "vgg16"}, "fc7", 404),
        ({"backbone": "alexnet"}, "fc7", 355),
        ({"backbone": "googlenet", "average_pool": True}, "pool5/7x7_s1", 907),
    ],
)
def test_published_receptive_fields_and_strides(options, blob, field):
    for grid in traced(generate("fcn", **options)).blobs[blob]["data"]:
        assert (grid.field, grid.stride) == (field, 32)


# Crops


def test_missing_offsets_are_filled_and_others_stay():
    text = INPUT + conv("a", "data", 5, 2, 6) + deconv("up", "a", 5, 2) + crop("one", "up", "data")
    net = prototxt.parse(text + crop("two", "up", "data", "axis: 2 offset: 9"))
    filled = fill(net, Coordinates(net))
    assert [list(one.crop_param.offset) for one in filled.layer[3:]] == [[6], [9]]
    assert not net.layer[3].crop_param.offset


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("axis: 2", [3, 7]),
        ("axis: 3", [7]),
        ("axis: -1", [7]),
        ("axis: 1", [0, 3, 7]),
        ("", [3, 7]),
    ],
)
def test_height_and_width_each_have_their_offset(text, offsets):
    net = prototxt.parse(
        INPUT
        + layer("a", "Convolution", "data", "convolution_param { kernel_h: 3 kernel_w: 5 pad_h: 4 pad_w: 9 }")
        + crop("out", "a", "data", text)
    )
    coordinates = Coordinates(net)
    assert list(fill(net, coordinates).layer[-1].crop_param.offset) == offsets
    assert coordinates.crops[0].maps == "'a' = x + 3 down and x + 7 across and 'data' = x, x in pixels of 'data'"


@pytest.mark.parametrize(
    ("param", "stated"),
    [
        ("axis: 2 offset: 3", (3, 3)),
        ("offset: 3 offset: 4", (3, 4)),
        ("axis: 3 offset: 4", (0, 4)),
        ("axis: 1 offset: 1 offset: 2 offset: 3", (2, 3)),
    ],
)
def test_stated_offsets_move_what_is_cropped(param, stated):
    coordinates = traced(INPUT + conv("a", "data", 1, 1, 9) + crop("out", "a", "data", param))
    assert coordinates.crops[0].stated == stated
    assert tuple(9 - grid.map.shift for grid in coordinates.blobs["out"]["data"]) == stated


def test_dilation_counts():
    coordinates = traced(INPUT + conv("a", "data", 3, 1, 10, "dilation: 4") + crop("out", "a", "data"))
    assert coordinates.crops[0].derived == (6, 6)
    assert coordinates.blobs["a"]["data"][0].field == 9


KEEPING = ["ReLU", "Dropout", "LRN", "BatchNorm", "Scale", "Split", "PReLU", "Softmax", "Eltwise", "Concat"]


@pytest.mark.parametrize("kind", KEEPING)
def test_layers_that_keep_the_grid(kind):
    coordinates = traced(INPUT + conv("a", "data", 1, 1, 9) + layer("b", kind, "a") + crop("out", "b", "data"))
    assert coordinates.crops[0].derived == (9, 9)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("InnerProduct", ""),
        ("Unknown", ""),
        ("Concat", "concat_param { axis: 2 }"),
        ("Concat", "concat_param { concat_dim: 0 }"),
        ("Slice", "slice_param { axis: 3 }"),
        ("ArgMax", ""),
    ],
)
def test_layers_that_begin_anew(kind, text):
    coordinates = traced(INPUT + layer("b", kind, "data", text) + conv("c", "b", 1, 1, 9) + crop("out", "c", "data"))
    message = (
        f"Crop 'out': 'c' derives from 'b' and 'data' from 'data', so their relative position is unknown; "
        f"{kind} 'b' keeps no grid; state the offset"
    )
    assert str(coordinates.crops[0].error) == message
    # Behind it the crop is as good as any.
    behind = layer("b", kind, "data", text) + conv("c", "b", 1, 1, 9) + crop("out", "c", "b")
    assert traced(INPUT + behind).crops[0].derived == (9, 9)


def test_in_place_layers_write_over():
    coordinates = traced(
        INPUT + conv("a", "data", 1, 1, 9) + layer("relu", "ReLU", "a", top="a") + crop("out", "a", "data")
    )
    assert coordinates.crops[0].derived == (9, 9)


def test_two_inputs_that_are_joined_lie_on_each_other():
    streams = INPUT + layer("hha", "Input", "") + conv("a", "data", 3, 2, 8) + conv("b", "hha", 3, 2, 8)
    coordinates = traced(
        streams + layer("sum", "Eltwise", "a b") + deconv("up", "sum", 2, 2) + crop("out", "up", "hha")
    )
    assert coordinates.crops[0].error is not None
    assert "would be 7.5" in str(coordinates.crops[0].error)
    coordinates = traced(
        streams + layer("sum", "Eltwise", "a b") + deconv("up", "sum", 3, 2) + crop("out", "up", "hha")
    )
    assert coordinates.crops[0].derived == (8, 8)


def test_a_join_of_blobs_that_lie_apart_is_told():
    text = INPUT + conv("a", "data", 1, 1, 4) + conv("b", "data", 3, 1, 4)
    (one,) = traced(text + layer("sum", "Eltwise", "a b") + crop("out", "sum", "data")).crops
    message = "Eltwise 'sum' joins blobs that are not aligned: 'a' = x + 4 and 'b' = x + 3, x in pixels of 'data'"
    assert message in str(one.error)


def vgg(fc6_pad):
    net = prototxt.parse(generate("fcn", "deploy", stride=8, fillers="none"))
    for one in net.layer:
        if one.type == "Crop":
            one.crop_param.ClearField("offset")
        if one.name == "fc6":
            one.convolution_param.pad[0] = fc6_pad
    return net


def alexnet(kernel):
    net = prototxt.parse(generate("voc-fcn-alexnet", "deploy"))
    for one in net.layer:
        if one.name == "upscore":
            one.convolution_param.kernel_size[0] = kernel
        if one.name == "score":
            one.crop_param.ClearField("offset")
    return net


def test_an_offset_that_is_no_whole_number():
    (one,) = Coordinates(alexnet(64)).crops
    assert str(one.error) == (
        "Crop 'score': the offset would be 18.5, not a whole number; give 'upscore' a kernel of 63 or 65, not 64; "
        "the maps are 'upscore' = x + 18.5 and 'data' = x, x in pixels of 'data'"
    )
    assert [Coordinates(alexnet(kernel)).crops[0].derived for kernel in (63, 65)] == [(18, 18), (19, 19)]


def test_an_offset_below_0():
    coordinates = Coordinates(vgg(fc6_pad=3))
    assert str(coordinates.crops[0].error) == (
        "Crop 'score_pool4c': the offset would be -1, below 0; give 'upscore2' a pad of 1, not 0; "
        "the maps are 'score_pool4' = x/16 + 5.71875 and 'upscore2' = x/16 + 6.71875, x in pixels of 'data'"
    )
    net = vgg(fc6_pad=3)
    next(one for one in net.layer if one.name == "upscore2").convolution_param.pad.append(1)
    assert Coordinates(net).crops[0].derived == (0, 0)


@pytest.mark.parametrize(
    ("steps", "advice"),
    [
        # In what is cropped: more pad for a convolution, counted in the pixels that it reads.
        ([("a", 1, 2, 0), ("b", 3, 1, 0), ("up", 4, 2, 4)], "the offset would be -4.5"),
        (
            [("a", 1, 2, 0), ("b", 3, 1, 0), ("up", 5, 2, 5)],
            "the offset would be -5, below 0; give 'b' a pad of 3, not 0",
        ),
        # Less for a deconvolution, as far as it goes.
        ([("a", 1, 2, 0), ("up", 5, 2, 5)], "the offset would be -3, below 0; give 'up' a pad of 2, not 5"),
        (
            [("a", 1, 4, 0), ("up1", 3, 2, 0), ("up", 3, 2, 6)],
            "the offset would be -3, below 0; give 'up' a pad of 3, not 6",
        ),
        (
            [("a", 1, 2, 9), ("up", 1, 2, 20)],
            "the offset would be -11, below 0; pad the path to the cropped blob by 11 more",
        ),
    ],
)
def test_advice_names_a_pad_that_does(steps, advice):
    def chain(pads):
        text, bottom = INPUT, "data"
        for name, kernel, stride, pad in steps:
            text += (deconv if name.startswith("up") else conv)(name, bottom, kernel, stride, pads.get(name, pad))
            bottom = name
        return traced(text + crop("out", "up", "data")).crops[0]

    assert advice in str(chain({}).error)
    if named := re.search(r"give '(\w+)' a pad of (\d+)", str(chain({}).error)):
        derived = chain({named[1]: int(named[2])}).derived
        assert derived is not None
        assert 0 <= derived[0] <= 1


def test_advice_for_the_reference_is_the_pad_of_its_upsampling():
    text = INPUT + conv("a", "data", 2, 2) + deconv("up", "a", 4, 2) + conv("b", "up", 3, 1, 5)
    assert "be -5, below 0; give 'up' a pad of 5, not 0" in str(traced(text + crop("out", "data", "b")).crops[0].error)
    text = text.replace("kernel_size: 4 stride: 2 pad: 0", "kernel_size: 4 stride: 2 pad: 5")
    assert traced(text + crop("out", "data", "b")).crops[0].derived == (0, 0)


def test_strides_that_differ():
    (one,) = traced(INPUT + conv("a", "data", 2, 4, 9) + deconv("up", "a", 4, 2) + crop("out", "up", "data")).crops
    assert str(one.error).startswith(
        "Crop 'out': 'up' has 0.5 pixels for each of 'data', not 1; upsample 'up' 2 times as much; the maps are"
    )
    (one,) = traced(INPUT + deconv("up", "data", 6, 3) + crop("out", "up", "data")).crops
    assert "'up' has 3 pixels for each of 'data', not 1; upsample 'data' 3 times as much" in str(one.error)


def test_a_crop_that_leaves_its_blob():
    text = INPUT + conv("a", "data", 3, 1, 1) + crop("out", "a", "data", "axis: 2 offset: 2")
    message = (
        "Crop 'out' leaves 'a': for an input of size 1 it needs 3 pixels, but there are 1; give 'a' a pad of 3, not 1; "
        "the maps are 'a' = x and 'data' = x, x in pixels of 'data'"
    )
    with pytest.raises(CropError, match=re.escape(message)):
        traced(text).smallest_input()
    assert traced(text.replace("pad: 1", "pad: 3")).smallest_input() == 1
    # Without a blob in common there are no maps to show.
    text = INPUT + layer("b", "InnerProduct", "data") + crop("out", "data", "b", "axis: 2 offset: 2")
    assert traced(text).smallest_input() == 1


@given(
    kernel=st.integers(1, 9),
    stride=st.integers(1, 4),
    pad=st.integers(0, 9),
    taps=st.integers(1, 20),
    offset=st.integers(0, 9),
    factor=st.integers(1, 8),
)
def test_the_smallest_input_is_that_found_by_trying(kernel, stride, pad, taps, offset, factor):
    text = INPUT + conv("a", "data", kernel, stride, pad) + conv("b", "a", 3, 2) + deconv("up", "b", taps, factor)
    coordinates = traced(text + crop("out", "up", "data", f"axis: 2 offset: {offset}"))

    def fits(size):
        """Whether the windows find a place, and whether the crop stays inside."""
        first = (size + 2 * pad - kernel) // stride + 1
        second = (first - 3) // 2 + 1
        return second >= 1, factor * (second - 1) + taps >= offset + size

    least = next(size for size in range(1, 99) if fits(size)[0])
    if all(fits(size)[1] for size in range(least, least + 1000)):
        assert coordinates.smallest_input() == least
    else:
        with pytest.raises(CropError, match="leaves 'up'"):
            coordinates.smallest_input()


def test_a_pad_that_no_input_makes_up_for():
    with pytest.raises(DefinitionError, match="a kernel or a pad is too large for any input"):
        traced(INPUT + conv("a", "data", 2**22)).smallest_input()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("c", "Crop", "data"), "Crop 'c' has 1 bottoms, not 2"),
        (crop("c", "data", "data", "axis: 0"), "Crop 'c' crops the batch axis"),
        (crop("c", "data", "data", "axis: 1 offset: [1, 2]"), "Crop 'c' has 2 offsets, not 1 or 3"),
        (
            layer("p", "Pooling", "data", "pooling_param { global_pooling: true }"),
            "Pooling 'p' covers its whole bottom",
        ),
        (conv("a", "data", 3, more="axis: 2"), "Convolution 'a' does not have its channels on axis 1"),
        (conv("a", "data", "[1, 2, 3]"), "Convolution 'a' slides over more axes than height and width"),
    ],
)
def test_layers_that_cannot_be_traced_say_why(text, message):
    assert message in traced(INPUT + text).layers[1].reason


# In words


def test_explanations_say_all():
    text = INPUT + layer("label", "Input", "") + conv("a", "data", 3, 2, 8) + deconv("up", "a", 3, 2)
    text += crop("out", "up", "data") + layer("fc", "InnerProduct", "out") + conv("g", "fc", "[1, 3]")
    text += layer("relu", "ReLU", "g", top="g") + layer("loss", "SoftmaxWithLoss", "g label")
    told = explain(traced(text))
    assert [row[2:] for row in told.rows] == [
        ["data", "1", "0", "1", "data"],
        ["label", "1", "0", "1", "label"],
        ["a", "2", "-7", "3", "data"],
        ["up", "1", "-8", "5", "data"],
        ["out", "1", "0", "5", "data"],
        ["fc", "1", "0", "1", "fc"],
        ["g", "1", "0 x 1", "1 x 3", "fc"],
    ]
    assert told.crops == ["Crop 'out': 'up' = x + 8 and 'data' = x, x in pixels of 'data'; the offset is 8, not stated"]
    assert told.notes == [
        "a new grid begins at 'fc': InnerProduct 'fc' keeps no grid",
        "every crop stays inside its blob for inputs from 1 x 1 up",
    ]
    assert told.problems == []


def test_explanations_compare_what_is_stated():
    text = INPUT + conv("a", "data", 1, 1, 9)
    told = explain(traced(text + crop("same", "a", "data", "offset: 9") + crop("other", "a", "data", "offset: [1, 2]")))
    assert [sentence.rpartition("; ")[2] for sentence in told.crops] == [
        "the offset is 9, as stated",
        "the offset is 9, but 1 x 2 is stated",
    ]


def test_a_pad_along_one_axis_drops_windows_along_both():
    """Caffe asks for a pad along any axis: rows of 2, stride 3, over 4 pixels end within the image only then."""
    height, width = windows(Sliding((2, 2), (3, 3), (0, 1), (1, 1), up=False, ceil=True, positions=False))
    assert (height.size(6), width.size(6)) == (2, 3)
    assert AxisWindow(2, 3, 0, ceil=True).size(6) == 3


def test_fork_layers_in_the_trunk_keep_the_grid():
    """ENet's dropout of channels is a Python layer; SENet's factors come from the whole image, its pixels do not."""
    drop = layer("drop", "Python", "a", 'python_param { module: "spatial_dropout" layer: "SpatialDropoutLayer" }')
    pool = layer("pool", "Pooling", "drop", "pooling_param { pool: AVE global_pooling: true }")
    axpy = 'layer { name: "sum" type: "Axpy" bottom: "pool" bottom: "drop" bottom: "a" top: "sum" }'
    coordinates = traced(INPUT + conv("a", "data", 3, 1, 9) + drop + pool + axpy + crop("out", "sum", "data"))
    assert coordinates.crops[0].derived == (8, 8)
    assert coordinates.blobs["sum"]["data"][0].field == 3


def test_a_square_around_a_pixel_widens_what_is_seen():
    within = layer("n", "LRN", "a", "lrn_param { local_size: 5 norm_region: WITHIN_CHANNEL }")
    coordinates = traced(INPUT + conv("a", "data", 3, 2, 9) + within)
    assert coordinates.blobs["n"]["data"][0].map == coordinates.blobs["a"]["data"][0].map
    assert coordinates.blobs["n"]["data"][0].field == 3 + 4 * 2
