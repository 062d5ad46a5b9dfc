"""CaffeNet: names, order, freedom of sizes, fillers, and errors that name the layer."""

from __future__ import annotations

import copy
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import (
    BlobShapeError,
    DefinitionError,
    FcnkitError,
    InputError,
    MissingBlobsError,
    UnsupportedLayerError,
)

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 10 } } }'
CONV = """
layer { name: "%s" type: "Convolution" bottom: "%s" top: "%s"
        convolution_param { num_output: 3 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
"""
X = torch.randn(1, 3, 8, 10, generator=torch.Generator().manual_seed(0))


def net(*layers: str) -> fcnkit.CaffeNet:
    return fcnkit.CaffeNet(INPUT + "".join(layers)).eval()


def conv(name: str, bottom: str = "x", top: str = "y") -> str:
    return CONV % (name, bottom, top)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("conv1_1", "conv1_1.weight"),
        ("inception_3a/1x1", "inception_3a/1x1.weight"),
        ("conv1.1", "conv1.1.weight"),
        ("7x7 stride 2", "7x7 stride 2.weight"),
        ("größe", "größe.weight"),
        ("forward", "forward_.weight"),
        ("training", "training_.weight"),
        ("a..b", "a._.b.weight"),
        ("", "_.weight"),
    ],
)
def test_layers_of_any_name_work(name: str, key: str) -> None:
    model = net(conv(name))
    assert list(model.state_dict()) == [key, key.replace("weight", "bias")]
    assert model(X).shape == (1, 3, 8, 10)
    exported = torch.export.export(model, (X,)).module()
    assert torch.equal(exported(X), model(X))


@pytest.mark.parametrize("name", sorted(vars(fcnkit.CaffeNet(INPUT + CONV % ("c", "x", "y")))))
def test_a_layer_may_have_the_name_of_an_attribute(name: str) -> None:
    model = net(conv(name))
    assert set(model.state_dict()) == {f"{name}_.weight", f"{name}_.bias"}
    assert model(X).shape == (1, 3, 8, 10)


def test_a_layer_may_be_named_below_another() -> None:
    model = net(conv("a.b", "x", "y"), conv("a", "y", "z"), conv("a.b.weight", "z", "w"))
    assert {"a.weight", "a.b.weight", "a.b.weight_.weight"} <= set(model.state_dict())
    assert model(X).shape == X.shape


def test_two_layers_of_one_name_both_run() -> None:
    model = net(conv("c", "x", "y"), conv("c", "y", "z"))
    assert set(model.state_dict()) == {"c.weight", "c.bias", "c_.weight", "c_.bias"}


def test_one_output_is_a_tensor_and_several_are_a_dict() -> None:
    assert isinstance(net(conv("c"))(X), torch.Tensor)
    several = net(conv("c", "x", "y"), conv("d", "x", "z"))
    assert several.outputs == ("y", "z")
    assert list(several(X)) == ["y", "z"]


def test_inputs_by_position_and_by_name() -> None:
    two = 'layer { name: "j" type: "Input" top: "a/b" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 10 } } }'
    difference = 'bottom: "x" bottom: "a/b" top: "s" eltwise_param { coeff: 1 coeff: -1 }'
    model = net(two, f'layer {{ name: "s" type: "Eltwise" {difference} }}')
    assert model.inputs == ("x", "a/b")
    for result in (model(X, 2 * X), model(X, **{"a/b": 2 * X}), model(**{"a/b": 2 * X, "x": X})):
        assert torch.equal(result, -X)
    with pytest.raises(InputError, match="missing input 'a/b'"):
        model(X)
    with pytest.raises(InputError, match="'x' is given twice; the inputs are 'x', 'a/b'"):
        model(X, x=X)
    with pytest.raises(InputError, match="'y' is not an input of the net"):
        model(X, y=X)
    with pytest.raises(InputError, match="the net has 2 inputs, 3 were given"):
        model(X, X, X)


def test_a_layer_in_place_is_the_output_and_leaves_the_callers_tensor_alone() -> None:
    model = net('layer { name: "r" type: "ReLU" bottom: "x" top: "x" }')
    before = X.clone()
    assert torch.equal(model(X), X.clamp(min=0))
    assert torch.equal(X, before)


def test_in_place_chains_are_seen_by_later_readers_only() -> None:
    model = net(
        'layer { name: "s" type: "Eltwise" bottom: "x" bottom: "x" top: "early" }'
        'layer { name: "r" type: "ReLU" bottom: "x" top: "x" }'
        'layer { name: "t" type: "Eltwise" bottom: "x" bottom: "x" top: "late" }'
    )
    result = model(X)
    assert torch.equal(result["early"], 2 * X)
    assert torch.equal(result["late"], 2 * X.clamp(min=0))
    assert torch.equal(model.forward_blobs(X)["x"], X.clamp(min=0))


def test_blobs_are_freed_after_their_last_use() -> None:
    model = net(*(conv(f"c{i}", "x" if not i else f"y{i}", f"y{i + 1}") for i in range(4)))
    alive: list[weakref.ref] = []
    counts = []

    def hook(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
        counts.append(sum(ref() is not None for ref in alive))
        alive.append(weakref.ref(output))

    for module in model.children():
        module.register_forward_hook(hook)
    with torch.no_grad():
        model(X)
    assert counts == [0, 1, 1, 1]
    assert set(model.forward_blobs(X)) == {"x", "y1", "y2", "y3", "y4"}


def test_any_size_in_train_mode_and_through_copies() -> None:
    model = net(conv("c"), 'layer { name: "d" type: "Dropout" bottom: "y" top: "y" }')
    for size in ((1, 1), (5, 31), (64, 48)):
        assert model(torch.zeros(2, 3, *size)).shape == (2, 3, *size)
    model.train()
    assert (model(torch.ones(1, 3, 50, 50)) == 0).float().mean() == pytest.approx(0.5, abs=0.05)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other.eval()(X), model.eval()(X))


def test_a_child_can_be_replaced() -> None:
    model = net(conv("c"))
    model.c = torch.nn.Conv2d(3, 7, 1)
    assert model(X).shape == (1, 7, 8, 10)


def test_export_with_dynamic_size_and_compile(sample: Path) -> None:
    model = fcnkit.convert(sample)
    x, other = torch.randn(1, 3, 64, 48), torch.randn(1, 3, 70, 131)
    dynamic = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with torch.no_grad():
        exported = torch.export.export(model, (x,), dynamic_shapes={"inputs": (dynamic,)}).module()
        assert torch.equal(exported(other), model(other))
        compiled = torch.compile(model, backend="eager", fullgraph=True, dynamic=True)
        assert torch.equal(compiled(other), model(other))


def test_learning_rate_zero_freezes() -> None:
    text = conv("c").replace("convolution_param", "param { lr_mult: 0 } param { lr_mult: 2 } convolution_param")
    assert {name: p.requires_grad for name, p in net(text).named_parameters()} == {"c.weight": False, "c.bias": True}


def test_unsupported_layers_are_all_named() -> None:
    with pytest.raises(UnsupportedLayerError) as caught:
        net(
            'layer { name: "a" type: "Warp9" bottom: "x" top: "y" }'
            'layer { name: "b" type: "Python" bottom: "y" top: "z" python_param { module: "m" layer: "Thing" } }'
        )
    assert str(caught.value) == "2 unsupported layers: 'a' (Warp9), 'b' (m.Thing)"


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ('name: "r" type: "ReLU" bottom: "q" top: "y"', "layer 'r': bottom 'q' is not a top of an earlier layer"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 1 '
         'group: 2 }',
         "layer 'c': group 2 must divide 3 channels and num_output 4"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 }',
         "layer 'c': kernel_size is given 0 times for 2 spatial axes"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 0 }',
         r"layer 'c': kernel \(0, 0\) must be positive"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { kernel_size: 9 kernel_h: 3 }',
         "layer 'c': give kernel_size, or kernel_h and kernel_w"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 11 }',
         r"layer 'c' \(Convolution\), bottoms \[\(1, 3, 8, 10\)\]: .*"),
        ('name: "p" type: "Pooling" bottom: "x" top: "y"', "layer 'p': give kernel_size, or kernel_h and kernel_w"),
        ('name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 pad: 2 }',
         r"layer 'p': pad \(2, 2\) must be smaller than the kernel \(2, 2\)"),
        ('name: "n" type: "LRN" bottom: "x" top: "y" lrn_param { local_size: 4 }', "local_size 4 must be odd"),
        ('name: "k" type: "Crop" bottom: "x" top: "y"', "layer 'k': Crop needs 2 bottoms, it has 1"),
        ('name: "k" type: "Crop" bottom: "x" bottom: "x" top: "y" crop_param { offset: 1 }', "layer 'k' .*: start"),
        ('name: "k" type: "Crop" bottom: "x" bottom: "x" top: "y" crop_param { offset: [1, 2, 3] }',
         "3 offsets for 2 cropped axes"),
        ('name: "e" type: "Eltwise" bottom: "x" bottom: "x" top: "y" eltwise_param { coeff: 1 }',
         "coeff is for SUM only, once for each of the 2 bottoms; 1 are given for SUM"),
        ('name: "s" type: "Scale" bottom: "x" top: "y" scale_param { axis: 2 num_axes: 3 }',
         r"axis 2 and num_axes 3 leave the bottom \(1, 3, 8, 10\)"),
        ('name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 1'
         ' weight_filler { type: "magic" } }', "layer 'c': unknown filler 'magic'; the fillers are constant"),
        ('name: "r" type: "TanH" bottom: "x" top: "y" top: "z"', "makes 1 tops, 2 are named"),
    ],
)  # fmt: skip
def test_definitions_that_cannot_run(layer: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        net(f"layer {{ {layer} }}")


def test_sizes_that_do_not_fit_name_the_layer() -> None:
    model = net(conv("big").replace("pad: 1", ""))
    with pytest.raises(InputError, match=r"layer 'big' \(Convolution\) cannot work with 'x' \(1, 3, 2, 2\)") as caught:
        model(torch.zeros(1, 3, 2, 2))
    assert isinstance(caught.value, FcnkitError)
    assert "\n" not in str(caught.value)


def test_weights_that_do_not_fit() -> None:
    text = INPUT + conv("c")
    weight, bias = np.zeros((3, 3, 3, 3), np.float32), np.zeros(3, np.float32)
    with pytest.raises(MissingBlobsError, match="missing weights of layer 'c'"):
        fcnkit.CaffeNet(text, {"d": [weight]})
    with pytest.raises(MissingBlobsError, match="layer 'c': the weights have 1 blobs, the net needs 2"):
        fcnkit.CaffeNet(text, {"c": [weight]})
    with pytest.raises(BlobShapeError, match=r"layer 'c': blob 0 has shape \(3, 3, 5, 5\), expected \(3, 3, 3, 3\)$"):
        fcnkit.CaffeNet(text, {"c": [np.zeros((3, 3, 5, 5), np.float32), bias]})
    with pytest.raises(
        BlobShapeError, match=r"shape \(3, 27\), expected \(3, 3, 3, 3\); the same number of values; fc2"
    ):
        fcnkit.CaffeNet(text, {"c": [weight.reshape(3, 27), bias]})
    old = fcnkit.CaffeNet(text, {"c": [weight, bias.reshape(1, 1, 1, 3)], "other": [bias]})
    assert old.unused == ["other"]


def test_walking_gives_each_layers_own_tops(sample: Path) -> None:
    """In order, and of layers in place what each made of the blob."""
    net = fcnkit.convert(sample, input_shape=(1, 3, 20, 30))
    image = torch.randn(1, 3, 20, 30)
    with torch.no_grad():
        walked = [(step.name, tops) for step, tops in net.walk(image)]
        blobs = net.forward_blobs(data=image)
    assert [name for name, _ in walked] == [step.name for step in net.steps]
    made = dict(walked)
    assert torch.equal(made["score"][0], blobs["score"])
    assert torch.equal(made["pool4"][0], blobs["pool4"])
    assert made["conv3_1"][0].min() < 0
    assert torch.equal(made["conv3_1"][0].relu(), made["relu3_1"][0])


def test_weights_of_two_layers_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    model = net(conv("c", "x", "y"), conv("c", "y", "z"))
    problem = "layer 'c' has weights, and 2 layers have this name"
    fcnkit.save(model, tmp_path / "net.safetensors")
    back = fcnkit.load(tmp_path / "net.safetensors")
    assert all(torch.equal(tensor, back.state_dict()[name]) for name, tensor in model.state_dict().items())
    for suffix in (".caffemodel", ".h5"):
        with pytest.raises(DefinitionError, match=problem):
            fcnkit.save(model, tmp_path / f"net{suffix}")
    weights = {"c": [np.zeros((3, 3, 1, 1), np.float32), np.zeros(3, np.float32)]}
    with pytest.raises(DefinitionError, match=problem):
        fcnkit.CaffeNet(model.prototxt, weights)
