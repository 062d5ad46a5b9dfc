"""Fast runs against the net's own forward, and against Caffe's blobs."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.errors import InputError
from fcnkit.fast import Optimized, kernels, winograd
from fcnkit.generation.nets import generate
from fcnkit.net import CaffeNet
from tests.fast.nets import apart, classifier, image, seeded, thin
from tests.paths import LAYERS

CASES = sorted(path.name for path in LAYERS.iterdir())
CLASSIFIERS = ["alexnet", "enet", "googlenet", "mobilenet", "resnet50", "squeezenet"]


def fast(run: Optimized, *inputs: Tensor) -> dict[str, Tensor]:
    """All outputs of a run that did not fall back on the net's own forward."""
    assert run._applies(list(inputs))
    found = run._run(list(inputs))
    assert found is not None
    return dict(zip(run.net.outputs, found, strict=True))


def framed(run: Optimized) -> set[str]:
    """The layers around whose tops the background was put."""
    assert run._runner is not None
    values = {value for plan in run._runner._plans.values() for value in plan.framed}
    return {each.name for each in run._runner._program.operations if values.intersection(each.makes)}


def check(net: CaffeNet, *inputs: Tensor, labels: bool = False) -> Optimized:
    """Compare a fast run with the net, once and again from the caches."""
    run = fcnkit.optimized(net)
    with torch.no_grad():
        plain = net(*inputs)
        expected = plain if isinstance(plain, dict) else {net.outputs[0]: plain}
        if labels:
            # Among random scores some pixels have two that are equal up to rounding.
            scores = expected[net.outputs[0]]
            first, second = scores.topk(2, 1).values.unbind(1)
            ties = first - second <= 5e-6 * scores.abs().max()
            assert ties.double().mean() < 1e-3
        for _ in range(2):
            for name, found in fast(run, *inputs).items():
                assert apart(found, expected[name]) <= 1e-5, name
                assert not labels or torch.equal(found.argmax(1)[~ties], expected[name].argmax(1)[~ties])
    return run


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_outputs_equal_caffes(case: str, tiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nets that run as before for a reason are those whose inputs have several sizes."""
    if tiled:
        monkeypatch.setattr(winograd, "pays", lambda outputs, channels, kernel, top: kernel in ((3, 3), (7, 7)))
    folder = LAYERS / case
    weights = folder / "net.caffemodel"
    net = fcnkit.convert(weights if weights.exists() else None, prototxt=folder / "net.prototxt", deploy=False)
    golden = np.load(folder / "blobs.npz")
    inputs = {key.removeprefix("in/"): torch.from_numpy(golden[key]) for key in golden if key.startswith("in/")}
    run = fcnkit.optimized(net)
    with torch.no_grad():
        found = run(**inputs)
    if isinstance(found, Tensor):
        found = {net.outputs[0]: found}
    for name, value in found.items():
        if f"out/{name}" in golden:
            assert apart(value, torch.from_numpy(golden[f"out/{name}"])) <= 1e-5, name
    shapes = [tuple(value.shape) for value in inputs.values()]
    if inputs and all(len(shape) == 4 for shape in shapes) and len({(s[0], *s[2:]) for s in shapes}) == 1:
        with torch.no_grad():
            assert run._run([inputs[name] for name in net.inputs]) is not None


@pytest.mark.parametrize("size", [(64, 64), (67, 91), (1, 1), (33, 130), (20, 300)])
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_generated_fcns(stride: int, size: tuple[int, int]) -> None:
    net = seeded(thin(generate("fcn", phase="deploy", classes=5, stride=stride)))
    run = check(net, image(2, 3, *size), labels=True)
    assert bool(framed(run)) == (min(size) > 32)


@pytest.mark.parametrize("backbone", ["alexnet", "googlenet", "vgg19"])
def test_generated_fcns_of_other_backbones(backbone: str) -> None:
    net = seeded(thin(generate("fcn", phase="deploy", classes=5, backbone=backbone), 8))
    check(net, image(1, 3, 150, 190), labels=True)


@pytest.mark.parametrize("name", ["nyud-fcn32s-color-hha", "nyud-fcn32s-color-d"])
def test_two_inputs(name: str) -> None:
    net = seeded(thin(generate(name, phase="deploy")))
    inputs = [image(1, net.shapes[blob][1], 90, 70) for blob in net.inputs]
    assert len(inputs) == 2
    run = check(net, *inputs, labels=True)
    assert framed(run)
    with torch.no_grad():
        named = run(**dict(zip(net.inputs, inputs, strict=True)))
        assert torch.equal(named, run(*inputs))
        assert apart(named, net(*inputs[:1], **{net.inputs[1]: inputs[1]})) <= 1e-5


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name: str) -> None:
    """Normalizations folded, groups, dilation, depthwise filters, dense layers, and no background."""
    net = seeded(classifier(name))
    run = check(net, image(*net.shapes["data"]))
    assert not framed(run)


def test_the_sample_model_on_caffes_images(sample: Path, data: Path, examples: Path) -> None:
    from fcnkit.segment import Segmenter, images

    net = fcnkit.convert(sample)
    for index in range(6):
        picture = images.read(examples / f"image{index}.png")
        score = np.load(data / "shapes" / f"caffe{index}.npz")["score"][0]
        for fast in (True, False):
            found = Segmenter(net, scores=True, fast=fast)([picture])[0].scores
            assert np.abs(found - score).max() <= 1e-5 * np.abs(score).max()


def small() -> CaffeNet:
    return seeded(thin(generate("fcn", phase="deploy", classes=3, stride=32), 32))


@torch.no_grad()
def test_changed_weights_are_prepared_again() -> None:
    net, picture = small(), image(1, 3, 40, 40)
    run = fcnkit.optimized(net)
    seen = [fast(run, picture)["score"]]

    def changed() -> None:
        seen.append(fast(run, picture)["score"])
        assert apart(seen[-1], net(picture)) <= 1e-5
        assert apart(seen[-1], seen[-2]) > 1e-3

    net.conv3_1.weight.mul_(1.5)
    changed()
    net.load_state_dict({name: weight * 1.01 for name, weight in net.state_dict().items()})
    changed()
    net.fc7.bias = nn.Parameter(net.fc7.bias + 5)
    changed()
    net.conv1_2.weight.data = net.conv1_2.weight.data * 2
    changed()
    net.pool3 = nn.AvgPool2d(2, 2, ceil_mode=True).eval()
    changed()
    net.relu5_2 = nn.Sequential(nn.Conv2d(16, 16, 5, padding=2), nn.ReLU()).eval()
    changed()
    net.conv2_1.weight.data.mul_(2)
    run.refresh()
    changed()


def test_an_optimizer_changes_weights() -> None:
    net, picture = small(), image(1, 3, 40, 40)
    run = fcnkit.optimized(net)
    with torch.no_grad():
        before = run(picture)
    optimizer = torch.optim.SGD(net.parameters(), 1e-6)
    result = run(picture)
    result.square().mean().backward()
    optimizer.step()
    with torch.no_grad():
        assert not torch.equal(run(picture), before)
        assert apart(run(picture), net(picture)) <= 1e-5


def test_training_hooks_gradients_and_types_take_the_plain_path() -> None:
    net, picture = small(), image(1, 3, 40, 40)
    run = fcnkit.optimized(net)
    assert run(picture).requires_grad
    assert run(picture.requires_grad_()).requires_grad
    picture = picture.detach()
    with torch.no_grad():
        assert run._applies([picture])
        net.fc6.train()
        assert not run._applies([picture])
        net.eval()
        calls: list[str] = []
        hook = net.conv4_2.register_forward_hook(lambda *_: calls.append("conv4_2"))
        run(picture)
        assert calls == ["conv4_2"]
        hook.remove()
        hook = nn.modules.module.register_module_forward_hook(lambda *_: calls.append("any"))
        run(picture)
        assert len(calls) > 2
        hook.remove()
        assert run._applies([picture])
        with torch.autocast("cpu"):
            assert not run._applies([picture])
        assert run(picture.double().to(torch.float32)).dtype == torch.float32
        double = fcnkit.optimized(copy.deepcopy(net).double())
        assert double(picture.double()).dtype == torch.float64
        assert apart(double(picture.double()).float(), run(picture)) <= 1e-5
    with torch.inference_mode():
        within = fcnkit.optimized(copy.deepcopy(net))
        assert not within._applies([picture])
        assert apart(within(picture), run(picture)) <= 1e-5


def test_errors_are_the_nets_own() -> None:
    net = small()
    run = fcnkit.optimized(net)
    for inputs, message in [
        ((), "missing input 'data'"),
        ((image(1, 3, 9, 9), image(1, 3, 9, 9)), "the net has 1 inputs, 2 were given"),
        ((image(1, 4, 9, 9),), r"layer 'conv1_1' \(Convolution\) cannot work with 'data' \(1, 4, 9, 9\)"),
    ]:
        with torch.no_grad(), pytest.raises(InputError, match=message):
            run(*inputs)
    with torch.no_grad():
        assert run(image(0, 3, 20, 20)).shape == (0, 3, 20, 20)


def test_boxes_can_be_left_out() -> None:
    net, picture = small(), image(1, 3, 50, 60)
    run = fcnkit.optimized(net, boxes=False)
    with torch.no_grad():
        assert apart(fast(run, picture)["score"], net(picture)) <= 1e-5
    assert not framed(run)


@torch.no_grad()
def test_images_of_many_sizes_share_backgrounds() -> None:
    """A background gives those of all sizes that are larger by the net's stride; the memory for them is bounded."""
    net = small()
    run = fcnkit.optimized(net)
    for height, width in [(64, 96), (96, 64), (64, 64), (160, 96)]:
        picture = image(1, 3, height, width)
        assert apart(fast(run, picture)["score"], net(picture)) <= 1e-5
    assert run._runner is not None
    assert len(run._runner._backgrounds) == 1
    from fcnkit.fast import running

    for side in range(40, 40 + running._PLANS + 3):
        run._runner._plan((side, side))
    assert len(run._runner._plans) == running._PLANS


@pytest.mark.parametrize("slope", [0, 0.1])
@pytest.mark.parametrize("batch", [1, 2])
def test_wide_kernels(batch: int, slope: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions that are computed as products of matrices, at once and by rows."""
    net = seeded(f"""
        layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 96 dim: 9 dim: 9 }} }} }}
        layer {{ name: "wide" type: "Convolution" bottom: "data" top: "wide"
                 convolution_param {{ num_output: 6 kernel_h: 7 kernel_w: 8 pad_h: 2 pad_w: 0 }} }}
        layer {{ name: "relu" type: "ReLU" bottom: "wide" top: "wide" relu_param {{ negative_slope: {slope} }} }}""")
    check(net, image(batch, 96, 12, 15))
    monkeypatch.setattr(kernels, "_MOST_BYTES", 1)
    check(net, image(batch, 96, 12, 15))


@pytest.mark.stress
@pytest.mark.parametrize(("name", "size"), [("voc-fcn8s", (375, 500)), ("voc-fcn32s", (256, 256))])
def test_real_widths(name: str, size: tuple[int, int]) -> None:
    check(seeded(generate(name, phase="deploy")), image(1, 3, *size), labels=True)


def test_a_crop_that_leaves_rows_of_the_input_out() -> None:
    """Nothing needs the first rows and columns of the input, which is there as a whole."""
    net = seeded(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 60 dim: 60 } } }'
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param '
        "{ num_output: 4 kernel_size: 3 } }"
        'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 9 stride: 1 } }'
        'layer { name: "crop" type: "Crop" bottom: "c" bottom: "p" top: "crop" crop_param { axis: 2 offset: 3 } }'
        'layer { name: "s" type: "Silence" bottom: "p" }'
    )
    check(net, image(1, 3, 40, 50))


def test_an_input_beside_a_blob_of_two_axes() -> None:
    net = seeded(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }'
        'layer { name: "f" type: "InnerProduct" bottom: "data" top: "f" inner_product_param { num_output: 3 } }'
        'layer { name: "s" type: "Scale" bottom: "data" bottom: "f" top: "s" scale_param { axis: 0 } }'
    )
    check(net, image(2, 3, 8, 9))
