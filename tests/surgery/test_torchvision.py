"""fc2conv of torchvision's classifiers, name by name and shape by shape, in their files as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import fcnkit
from fcnkit.errors import FcnkitError
from fcnkit.surgery import Cast, NamesError, cast_state, cast_state_back, rename
from tests.surgery.torchvision_states import RESNET, VGG, State, alexnet, googlenet, resnet, vgg


def shuffled(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """In the order of a .safetensors file."""
    return {name: state[name] for name in sorted(state)}


def check(state: State, expected: list[Cast]) -> None:
    """The cast finds what is expected, with the order of the layers and without, and changes nothing else."""
    for ordered, given in [(True, dict(state)), (False, shuffled(state))]:
        before = dict(given)
        assert cast_state(given, ordered=ordered) == expected
        assert list(given) == list(before)
        weights = {f"{cast.name}.weight" for cast in expected}
        assert all(given[name] is before[name] for name in before.keys() - weights)
        cast_state_back(given)
        assert {name: tensor.shape for name, tensor in given.items()} == {n: t.shape for n, t in before.items()}


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("depth", VGG)
def test_vgg(depth: int, norm: bool) -> None:
    check(
        vgg(depth, norm),
        [
            Cast("classifier.0", (4096, 25088), (4096, 512, 7, 7)),
            Cast("classifier.3", (4096, 4096), (4096, 4096, 1, 1)),
            Cast("classifier.6", (1000, 4096), (1000, 4096, 1, 1)),
        ],
    )


def test_alexnet() -> None:
    check(
        alexnet(),
        [
            Cast("classifier.1", (4096, 9216), (4096, 256, 6, 6)),
            Cast("classifier.4", (4096, 4096), (4096, 4096, 1, 1)),
            Cast("classifier.6", (1000, 4096), (1000, 4096, 1, 1)),
        ],
    )


@pytest.mark.parametrize("classes", [2, 1000, 1024])
@pytest.mark.parametrize("aux", [False, True])
def test_googlenet_joins_branches_and_passes_over_side_classifiers(aux: bool, classes: int) -> None:
    sides = [
        cast
        for name in ("aux1", "aux2")
        for cast in (
            Cast(f"{name}.fc1", (1024, 2048), (1024, 128, 4, 4)),
            Cast(f"{name}.fc2", (classes, 1024), (classes, 1024, 1, 1)),
        )
    ]
    check(googlenet(aux, classes), sides * aux + [Cast("fc", (classes, 1024), (classes, 1024, 1, 1))])


@pytest.mark.parametrize("depth", RESNET)
def test_resnet(depth: int) -> None:
    inputs = 512 if depth < 50 else 2048
    check(resnet(depth), [Cast("fc", (1000, inputs), (1000, inputs, 1, 1))])


@pytest.mark.parametrize(("first", "second"), [("fc1", "fc2"), ("pre_logits.fc1", "head.fc"), ("fc_1", "predictions")])
def test_other_names(first: str, second: str) -> None:
    """timm's and Keras's."""
    state = State()
    state.layer("block1_conv1", 6, 3, 3, 3)
    state.layer(first, 10, 54)
    state.layer(second, 4, 10)
    casts = [Cast(first, (10, 54), (10, 6, 3, 3)), Cast(second, (4, 10), (4, 10, 1, 1))]
    assert cast_state(dict(state)) == casts
    if first < second:  # as the names sort
        check(state, casts)


def test_a_normalization_sets_channels_too() -> None:
    """DenseNet ends in a normalization of all that was joined."""
    state = State()
    state.layer("features.denseblock4.denselayer16.conv2", 32, 128, 3, 3, bias=False)
    state.norm("features.norm5", 1024)
    state.layer("classifier", 1000, 1024)
    check(state, [Cast("classifier", (1000, 1024), (1000, 1024, 1, 1))])


def wrapped(state: dict[str, Tensor], how: str) -> object:
    if how == "plain":
        return state
    if how == "module.":
        return {f"module.{name}": tensor for name, tensor in state.items()}
    return {how: state, "epoch": 7, "optimizer": {"lr": 0.1, "state": {0: torch.ones(2)}}}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("how", ["plain", "state_dict", "model", "module."])
def test_checkpoints_are_cast_and_restored(tmp_path: Path, how: str, legacy: bool) -> None:
    """legacy is the format of torch before 1.6, in which torchvision's older files are."""
    checkpoint = wrapped(dict(vgg(16, thin=64, classes=5, values=True)), how)
    torch.save(checkpoint, tmp_path / "old.pth", _use_new_zipfile_serialization=not legacy)
    casts = fcnkit.fc2conv(tmp_path / "old.pth", tmp_path / "conv.pth")
    assert [cast.after for cast in casts] == [(64, 8, 7, 7), (64, 64, 1, 1), (5, 64, 1, 1)]
    fcnkit.fc2conv(tmp_path / "conv.pth", tmp_path / "new.pth", back=True)
    assert_same(torch.load(tmp_path / "new.pth"), checkpoint)


def assert_same(found: object, expected: object) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert_same(found[name], value)
    elif isinstance(expected, Tensor):
        assert isinstance(found, Tensor)
        assert torch.equal(found, expected)
    else:
        assert found == expected


def test_safetensors(tmp_path: Path) -> None:
    state = dict(alexnet(thin=32, values=True))
    save_file(state, tmp_path / "old.safetensors", {"by": "me"})
    fcnkit.fc2conv(tmp_path / "old.safetensors", tmp_path / "conv.safetensors")
    assert load_file(tmp_path / "conv.safetensors")["classifier.1.weight"].shape == (128, 8, 6, 6)
    fcnkit.fc2conv(tmp_path / "conv.safetensors", tmp_path / "new.safetensors", back=True)
    assert (tmp_path / "new.safetensors").read_bytes() == (tmp_path / "old.safetensors").read_bytes()


def test_caffes_names_of_vgg16() -> None:
    layers = [name.removesuffix(".weight") for name in rename(vgg(16), "caffe") if name.endswith(".weight")]
    blocks = enumerate([2, 2, 3, 3, 3], 1)
    convolutions = [f"conv{block}_{number}" for block, count in blocks for number in range(1, count + 1)]
    assert layers == [*convolutions, "fc6", "fc7", "fc8"]


def test_caffes_names_of_vgg11_with_normalization() -> None:
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in rename(vgg(11, norm=True), "caffe")))
    assert layers[:8] == ["conv1_1", "bn1_1", "conv2_1", "bn2_1", "conv3_1", "bn3_1", "conv3_2", "bn3_2"]


def test_caffes_names_of_alexnet() -> None:
    layers = [name.removesuffix(".weight") for name in rename(alexnet(), "caffe") if name.endswith(".weight")]
    assert layers == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


@pytest.mark.parametrize("state", [*(vgg(d, n) for d in VGG for n in (False, True)), alexnet()], ids=len)
def test_names_go_back(state: State) -> None:
    assert list(rename(rename(state, "caffe"), "torchvision")) == list(state)
    assert rename(rename(shuffled(state), "caffe"), "torchvision").keys() == state.keys()
    without_head = {name: tensor for name, tensor in state.items() if not name.startswith("classifier")}
    assert list(rename(rename(without_head, "caffe"), "torchvision")) == list(without_head)


def test_names_in_files(tmp_path: Path) -> None:
    """With a cast, alone on what is cast already, and back; `module.` goes."""
    state = dict(vgg(13, norm=True, thin=64, classes=5, values=True))
    torch.save(wrapped(state, "module."), tmp_path / "old.pth")
    fcnkit.fc2conv(tmp_path / "old.pth", tmp_path / "caffe.pth", names="caffe")
    found = torch.load(tmp_path / "caffe.pth")
    assert found["fc6.weight"].shape == (64, 8, 7, 7)
    assert "bn5_2.running_var" in found
    assert fcnkit.fc2conv(tmp_path / "caffe.pth", tmp_path / "tv.pth", names="torchvision") == []
    assert torch.load(tmp_path / "tv.pth")["classifier.0.weight"].shape == (64, 8, 7, 7)
    fcnkit.fc2conv(tmp_path / "caffe.pth", tmp_path / "new.pth", back=True, names="torchvision")
    assert_same(torch.load(tmp_path / "new.pth"), state)


def test_names_that_have_no_counterpart(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(NamesError, match=r"has names that are not torchvision's of .*, such as 'conv1';"):
        rename(resnet(18), "caffe")
    with pytest.raises(NamesError, match=r"has names that are not Caffe's of .*, such as 'features.0'; leave"):
        rename(vgg(16), "torchvision")
    with pytest.raises(NamesError, match="names are 'keras'; give one of caffe, torchvision"):
        rename(vgg(16), "keras")
    odd = State()
    odd.layer("features.0", 4, 3, 3, 3)
    odd.layer("features.7", 4, 3, 3, 3)
    with pytest.raises(NamesError, match=r"such as 'features.0'"):
        rename(odd, "caffe")
    with pytest.raises(FcnkitError, match="caffemodel: has Caffe's names already; leave `names` out"):
        fcnkit.fc2conv(sample, tmp_path / "out.caffemodel", names="caffe")
