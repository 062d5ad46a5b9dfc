"""Nets of one's own: derived offsets, heads, losses, data layers, solvers."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import fields
from typing import get_type_hints

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.nets import deconvolution, describe, generate, generate_solver, smallest_input
from fcnkit.generation.options import Net, NetOptions
from fcnkit.geometry.coordinates import CropError
from fcnkit.net import CaffeNet, conversion
from fcnkit.net.conversion import prepare

HOSTILE = [
    'a"b',
    "a'b",
    "a\nb",
    "a\\",
    '"} layer {',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "\N{GREEK SMALL LETTER ALPHA}",
    "\x00\t",
]


def test_the_types_of_options_are_those_of_a_net():
    options = get_type_hints(NetOptions)
    assert options.pop("classes") is int
    assert options == {field.name: get_type_hints(Net)[field.name] for field in fields(Net)}


def parsed(text, kind="NetParameter"):
    return prototxt.parse(text, kind)


def by_name(text):
    return {layer.name: layer for layer in parsed(text).layer}


def offsets(text):
    return {layer.name: layer.crop_param.offset[0] for layer in parsed(text).layer if layer.type == "Crop"}


def expected_offsets(backbone, stride, pad, upsampling, average_pool):
    """Closed formulas: the final offset, and those of the skips from coarse to fine."""
    skips = {"vgg16": [5, 9, 17], "vgg19": [5, 9, 17], "alexnet": [5, 10, 20], "googlenet": [1, 3, 7]}[backbone]
    final = {
        "vgg16": {32: pad - 81, 16: pad - 73, 8: pad - 69, 4: pad - 67},
        "vgg19": {32: pad - 81, 16: pad - 73, 8: pad - 69, 4: pad - 67},
        "alexnet": dict.fromkeys((32, 16, 8, 4), pad - 82),
        "googlenet": {32: pad - 2, 16: pad - 18, 8: pad - 26, 4: pad - 30},
    }[backbone]
    if average_pool:
        skips, final = [6, 12, 24], dict.fromkeys((32, 16, 8, 4), pad - 98)
    trimmed = stride // 2  # off the last upsampling, by the pad of its bilinear kernel
    if upsampling == "bilinear":
        # Each padded doubling before it begins a pixel later, which the coarser grids feel doubled.
        if backbone != "googlenet" or average_pool:
            skips = [skip + later for skip, later in zip(skips, (1, 3, 7), strict=True)]
            trimmed = {32: 16, 16: 24, 8: 28, 4: 30}[stride]
    else:
        trimmed = 0
    return [*skips[: {32: 0, 16: 1, 8: 2, 4: 3}[stride]], final[stride] - trimmed]


@settings(deadline=None, max_examples=25)
@given(
    backbone=st.sampled_from([("vgg16", False), ("vgg19", False), ("alexnet", False), ("googlenet", False)])
    | st.just(("googlenet", True)),
    stride=st.sampled_from([32, 16, 8, 4]),
    pad=st.integers(130, 230),
    upsampling=st.sampled_from(["dense", "bilinear"]),
)
def test_derived_offsets_are_the_closed_formulas_and_crops_stay_inside(backbone, stride, pad, upsampling):
    name, average_pool = backbone
    text = generate(
        "fcn", backbone=name, average_pool=average_pool, stride=stride, pad=pad, upsampling=upsampling, classes=2
    )
    assert list(offsets(text).values()) == expected_offsets(name, stride, pad, upsampling, average_pool)
    layers = parsed(text).layer
    for size in range(1, 301):
        crop_sizes_stay_inside(layers, size)


def crop_sizes_stay_inside(layers, size):
    """Caffe's own size arithmetic, written here again, with an assertion at each crop."""
    sizes = {}
    for layer in layers:
        top = sizes.get(layer.bottom[0]) if layer.bottom else size
        if layer.type == "Convolution":
            param = layer.convolution_param
            top = (top + 2 * sum(param.pad) - param.kernel_size[0]) // (list(param.stride) or [1])[0] + 1
        elif layer.type == "Pooling":
            param = layer.pooling_param
            top = -((param.kernel_size - top - 2 * param.pad) // param.stride) + 1
            if param.pad and (top - 1) * param.stride >= sizes[layer.bottom[0]] + param.pad:
                top -= 1
        elif layer.type == "Deconvolution":
            param = layer.convolution_param
            top = param.stride[0] * (top - 1) + param.kernel_size[0] - 2 * sum(param.pad)
        elif layer.type == "Crop":
            reference = sizes[layer.bottom[1]]
            assert 0 <= layer.crop_param.offset[0] <= top - reference, (layer.name, size)
            top = reference
        elif layer.type in ("Eltwise", "Concat"):
            assert len({sizes[bottom] for bottom in layer.bottom}) == 1
        assert top >= 1, (layer.name, size)
        sizes.update(dict.fromkeys(layer.top, top))


@pytest.mark.parametrize("backbone", [("vgg16", False), ("alexnet", False), ("googlenet", False), ("googlenet", True)])
@pytest.mark.parametrize("upsampling", ["dense", "bilinear"])
@pytest.mark.parametrize("stride", [32, 4])
def test_default_pads_take_any_input(backbone, upsampling, stride):
    name, average_pool = backbone
    text = generate("fcn", backbone=name, average_pool=average_pool, upsampling=upsampling, stride=stride)
    assert smallest_input(text) == 1


@pytest.mark.parametrize(("average_pool", "upsampling", "stride"), [(False, "dense", 4), (True, "bilinear", 8)])
def test_own_nets_run_from_one_pixel_up(tmp_path, average_pool, upsampling, stride):
    (tmp_path / "net.prototxt").write_text(
        generate(
            "fcn",
            "deploy",
            backbone="googlenet",
            average_pool=average_pool,
            upsampling=upsampling,
            stride=stride,
            heads={"a": 2, "b": 3},
        )
    )
    net = fcnkit.convert(None, tmp_path / "net.prototxt")
    for height, width in [(1, 1), (37, 18)]:
        scores = net(torch.zeros(1, 3, height, width))
        assert {name: tuple(blob.shape) for name, blob in scores.items()} == {
            "score_a": (1, 2, height, width),
            "score_b": (1, 3, height, width),
        }


@pytest.mark.parametrize("pad", [81, 90, 96, 97, 100])
def test_smaller_pads_take_larger_inputs(pad):
    assert smallest_input(generate("fcn", stride=32, pad=pad, fillers="none")) == max(195 - 2 * pad, 1)


def test_a_pad_too_small_shows_both_maps_and_which_would_do():
    message = (
        r"Crop 'score': the offset would be -31, below 0; give 'conv1_1' a pad of 81, not 50; "
        r"the maps are 'upscore' = x - 31 and 'data' = x, x in pixels of 'data'"
    )
    with pytest.raises(CropError, match=message):
        generate("fcn", pad=50, upsampling="dense")
    assert offsets(generate("fcn", pad=81, upsampling="dense")) == {"score": 0}


def test_a_crop_that_would_leave_its_blob_shows_which_pad_would_do():
    options = {"backbone": "alexnet", "upsampling": "bilinear"}
    message = "Crop 'score' leaves 'upscore': for an input of size 30 it needs 32 pixels, but there are 31; "
    with pytest.raises(CropError, match=message + "give 'conv1' a pad of 101, not 100; the maps are 'upscore' = x"):
        generate("fcn", pad=100, **options)
    assert smallest_input(generate("fcn", pad=101, **options)) == 1


def test_bilinear_upsampling_needs_no_surgery():
    layers = by_name(generate("fcn", stride=16, classes=7, upsampling="bilinear"))
    for name, factor in (("upscore2", 2), ("upscore16", 16)):
        layers[name].name = layers[name].top[0] = "up"
        layers[name].bottom[0] = "in"
        assert layers[name] == parsed(deconvolution(factor, 7, "up", "in", "up")).layer[0]


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19", "alexnet", "googlenet"])
@pytest.mark.parametrize("phase", ["train", "val"])
def test_nets_for_training_start_from_fillers(backbone, phase):
    """All filters but those of scores have the filler, and the rest of the net is that without fillers."""
    text = generate("fcn", phase, backbone=backbone, stride=4)
    assert text == generate("fcn", phase, backbone=backbone, stride=4, fillers="msra", upsampling="bilinear")
    bare = parsed(generate("fcn", phase, backbone=backbone, stride=4, fillers="none", upsampling="bilinear"))
    filled = parsed(text)
    found = {}
    for layer in filled.layer:
        if layer.type == "Convolution":
            found.setdefault(layer.convolution_param.weight_filler.type, set()).add(layer.name)
            layer.convolution_param.ClearField("weight_filler")
        elif layer.type == "Deconvolution":
            assert (layer.convolution_param.weight_filler.type, layer.convolution_param.group) == ("bilinear", 21)
    assert found.keys() == {"msra", "constant"}
    assert len(found["constant"]) == 4
    assert all(re.fullmatch(r"score_(fr|pool\d|conv1)", name) for name in found["constant"])
    assert filled == bare


def test_fields_of_a_filled_convolution_stand_in_caffes_order():
    """The order of the fields' numbers in BVLC/caffe src/caffe/proto/caffe.proto, as its own text output has it."""
    text = generate("fcn", backbone="alexnet", fillers="xavier")
    layer = text[text.index('name: "conv2"') : text.index('name: "relu2"')]
    fields = re.findall(r"^    (\w+)", layer[layer.index("convolution_param") :], re.MULTILINE)
    assert fields == ["num_output", "pad", "kernel_size", "group", "stride", "weight_filler"]
    assert 'type: "xavier"' in layer


def test_fillers_leave_the_nets_size_to_the_other_options():
    """The nets of all phases have the same layers, and a net to be deployed or one that was published no fillers."""
    train, deploy = (by_name(generate("fcn", phase, stride=8)) for phase in ("train", "deploy"))
    for name in train.keys() & deploy.keys() - {"data"}:
        train[name].convolution_param.ClearField("weight_filler")
        deploy[name].convolution_param.ClearField("weight_filler")
        assert train[name] == deploy[name]
    assert "msra" not in generate("fcn", "deploy")
    assert "weight_filler" not in generate("fcn", fillers="none")
    assert "weight_filler" not in generate("voc-fcn8s")
    dense = by_name(generate("fcn", upsampling="dense"))
    assert dense["conv1_1"].convolution_param.weight_filler.type == "msra"
    assert not dense["upscore"].convolution_param.HasField("weight_filler")


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19", "alexnet", "googlenet"])
def test_a_net_from_nothing_learns(backbone):
    """Its features differ from pixel to pixel, the loss moves the scores, and after a step of these all filters."""
    net = parsed(generate("fcn", backbone=backbone, stride=8, classes=3, pad=170))
    for layer in net.layer:
        p = layer.convolution_param
        if layer.type == "Convolution" and not layer.name.startswith("score"):
            p.num_output = max(p.num_output // 16, 4)
    torch.manual_seed(0)
    definition = prepare(net, None, conversion.NetOptions(input_shape=(1, 3, 96, 96))).definition
    model = CaffeNet(definition).eval()
    x, labels = torch.randn(1, 3, 96, 96) * 50, torch.randint(0, 3, (1, 96, 96))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
    learning = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert [name for name, gradient in learning.items() if not gradient.any()] == []
    assert model(x).std() > 0


def test_stride_4_goes_one_skip_further():
    layers = by_name(generate("fcn", stride=4, at_once=True))
    assert list(layers["fuse_pool2"].bottom) == ["upscore_pool3", "score_pool2c"]
    assert list(layers["score_pool2"].bottom) == ["scale_pool2"]
    assert list(layers["scale_pool2"].bottom) == ["pool2"]
    scales = [layers[f"scale_pool{n}"].scale_param.filler.value for n in (4, 3, 2)]
    assert scales == pytest.approx([0.01, 0.0001, 0.000001])


def test_googlenets_average_pool():
    without, with_it = (by_name(generate("fcn", backbone="googlenet", average_pool=kept)) for kept in (False, True))
    assert with_it.keys() - without.keys() == {"pool5/7x7_s1"}
    assert list(without["score_fr"].bottom) == ["inception_5b/output"]
    assert list(with_it["score_fr"].bottom) == ["pool5/7x7_s1"]


def test_googlenet_is_that_of_bvlc():
    """BVLC/caffe models/bvlc_googlenet/deploy.prototxt without input, fillers and classifier, by its digest."""
    net = parsed(generate("fcn", backbone="googlenet", average_pool=True, fillers="none"))
    base = [layer for layer in net.layer if not re.match("data|score|upscore|loss", layer.name)]
    assert list(base[0].convolution_param.pad) == [132]
    base[0].convolution_param.pad[0] = 3
    digest = hashlib.sha256(type(net)(layer=base).SerializeToString(deterministic=True)).hexdigest()
    assert (len(base), digest) == (140, "20ea42c314bf4af4414b2724886bbb36ae00445972ebd117c9cd5b2a7eb68613")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_heads(name):
    layers = by_name(generate("fcn", stride=16, heads={name: 2, "b": 3}))
    assert layers[f"score_pool4_{name}c"].type == "Crop"
    assert list(layers["data"].top) == ["data", name, "b"]
    assert [list(layers[loss].bottom) for loss in ("loss", "loss_b")] == [[f"score_{name}", name], ["score_b", "b"]]


def test_class_weights_stand_on_the_diagonal_of_the_losss_matrix():
    weights = [0.5, 2.0, 0.0]
    text = generate("fcn", heads={"a": 3, "b": 2}, weights={"a": weights}, normalize=True)
    layers = by_name(text)
    source = layers["loss_weights"]
    blobs = {
        top: [filler.value] * shape.dim[0]
        for top, filler, shape in zip(
            source.top, source.dummy_data_param.data_filler, source.dummy_data_param.shape, strict=True
        )
    }
    assert layers["loss_matrix"].concat_param.axis == 0
    matrix = [value for bottom in layers["loss_matrix"].bottom for value in blobs[bottom]]
    assert matrix == [weights[i] if i == j else 0 for i in range(3) for j in range(3)]
    loss = layers["loss"]
    assert (loss.type, list(loss.bottom)) == ("InfogainLoss", ["score_a", "a", "loss_matrix"])
    assert (loss.loss_param.normalization, loss.loss_param.ignore_label) == (loss.loss_param.VALID, 255)
    assert layers["loss_b"].type == "SoftmaxWithLoss"
    assert layers["loss_b"].loss_param.normalize
    tested = by_name(generate("fcn", "val", heads={"a": 3, "b": 2}, weights={"a": weights}))
    assert tested["loss"].type == "SoftmaxWithLoss"
    assert "loss_weights" not in tested


def test_data_layers_of_ones_own():
    layer = by_name(generate("fcn", "val", data="my.layers.Images", settings={"folder": 'a"b'}))["data"]
    assert (layer.python_param.module, layer.python_param.layer) == ("my.layers", "Images")
    assert ast.literal_eval(layer.python_param.param_str) == {"split": "val", "folder": 'a"b'}
    layer = by_name(generate("fcn", data="hdf5", heads={"sem": 2, "geo": 3}))["data"]
    assert (layer.type, list(layer.top)) == ("HDF5Data", ["data", "sem", "geo"])
    assert (layer.hdf5_data_param.source, layer.hdf5_data_param.batch_size) == ("train.txt", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 64}, "stride is 64; give one of 32, 16, 8, 4"),
        ({"classes": 0}, "the number of classes is 0; give a whole number from 1"),
        ({"heads": {"a": 2, "": 3}}, "each of several heads needs a name"),
        ({"heads": {}}, "each of several heads needs a name"),
        ({"heads": {"a": 2.5}}, "the number of classes of head 'a' is 2.5"),
        ({"heads": {"data": 2, "b": 3}}, "two layers make a blob called 'data'"),
        ({"heads": {"fc7": 2, "b": 3}}, "two layers make a blob called 'fc7'; name the heads otherwise"),
        ({"fillers": "gaussian"}, "fillers are 'gaussian'; give one of none, msra, xavier"),
        ({"upsampling": "nearest"}, "upsampling is 'nearest'; give dense or bilinear"),
        ({"at_once": True}, "a net of stride 32 has none; give 16, 8 or 4"),
        ({"average_pool": True}, "only googlenet ends in an average pool, vgg16 does not"),
        ({"pad": -1}, "pad is -1; give a whole number from 0"),
        ({"weights": {"": [1, 2]}}, "2 weights for 21 classes; give one for each class"),
        ({"weights": {"x": [1]}}, "weights are given for 'x', which is not a head"),
        ({"weights": {"": [float("nan")] * 21}}, "a weight is negative or not a number"),
        (
            {"backbone": "resnet"},
            "unknown backbone 'resnet'; choose from alexnet, googlenet, vgg16, vgg19, or write",
        ),
        ({"backbone": "../x"}, "unknown backbone '../x'"),
        (
            {"data": "coco"},
            "unknown data layer 'coco'; choose from hdf5, images, nyud, pascalcontext, siftflow, voc, or",
        ),
        ({"inputs": {"a": 3, "b": 1}}, "fusion is ''; give early or late for several inputs, none for one"),
        ({"fusion": "early"}, "fusion is 'early'; give"),
        ({"inputs": {"a": 3, "b": 1}, "fusion": "early", "backbone": "alexnet"}, "only the VGG nets fuse inputs"),
        (
            {"inputs": {"a": 3, "b": 1}, "fusion": "late", "stride": 8},
            "late fusion needs two inputs, one head without a name, and stride 32",
        ),
        ({"colour": 1}, "unknown option 'colour'; the options are "),
    ],
)
def test_choices_that_cannot_be(options, message):
    with pytest.raises(DefinitionError, match=message):
        generate("fcn", **options)


def test_published_nets_are_not_for_choosing():
    with pytest.raises(DefinitionError, match="stride cannot be changed in a published net; use 'fcn'"):
        generate("voc-fcn8s", stride=16)
    with pytest.raises(
        DefinitionError, match=r"unknown net 'fcn8s' \(did you mean 'voc-fcn8s'\?\); the nets are fcn, "
    ):
        generate("fcn8s")
    assert describe("voc-fcn8s") == describe(Net(stride=8)) == describe("fcn", stride=8, fillers="none")


# Solvers


@pytest.mark.parametrize(
    ("options", "rate", "momentum"),
    [
        ({"stride": 32}, 1e-10, 0.99),
        ({"stride": 4}, 1e-14, 0.99),
        ({"stride": 8, "at_once": True}, 1e-10, 0.99),
        ({"backbone": "alexnet", "normalize": True}, 1e-4, 0.9),
        ({"backbone": "googlenet", "normalize": True}, 5e-5, 0.9),
    ],
)
def test_own_solvers_start_as_the_nearest_published_one(options, rate, momentum):
    solver = parsed(generate_solver("fcn", **options), "SolverParameter")
    assert (solver.base_lr, solver.momentum) == pytest.approx((rate, momentum))
    assert (solver.train_net, list(solver.test_net)) == ("train.prototxt", ["val.prototxt"])


def test_solvers_can_be_changed():
    text = generate_solver("siftflow-fcn8s", {"base_lr": 0.5, "snapshot": 10, "train_net": 'a"b'})
    solver = parsed(text, "SolverParameter")
    assert (solver.base_lr, solver.snapshot, solver.snapshot_prefix) == (0.5, 10, "snapshot/train")
    assert (solver.train_net, list(solver.test_net)) == ('a"b', ["test.prototxt"])
    for change, message in [
        ({"lr": 1}, "'lr' is not a field of a solver, such as base_lr or max_iter"),
        ({"base_lr": "x"}, "base_lr is 'x'; give a number from 0 up"),
        ({"max_iter": 0.5}, "max_iter is 0.5; give a whole number"),
    ]:
        with pytest.raises(DefinitionError, match=message):
            generate_solver("voc-fcn8s", change)
