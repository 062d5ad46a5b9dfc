"""Saving and loading, and what is said of files that are something else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.errors import BlobShapeError, FcnkitError, FileFormatError, MissingBlobsError, OutputError


@pytest.fixture(scope="module")
def net(sample: Path) -> fcnkit.CaffeNet:
    return fcnkit.convert(sample)


def equal(a: fcnkit.CaffeNet, b: fcnkit.CaffeNet) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".h5", ".npz", ".caffemodel", ".SAFETENSORS"])
def test_round_trip(net: fcnkit.CaffeNet, tmp_path: Path, data: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    fcnkit.save(net, path)
    definition = data / "shapes" / "deploy.prototxt" if suffix in (".pth", ".pt", ".h5", ".npz") else None
    again = fcnkit.load(path, prototxt=definition)
    assert equal(net, again)
    assert not again.training
    beside = [path.with_suffix(".prototxt")] if suffix == ".caffemodel" else []
    assert sorted(tmp_path.iterdir()) == [path, *beside]  # no partial file stays


def test_safetensors_is_the_whole_net(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    fcnkit.save(net, path)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(net.state_dict())
    assert prototxt.parse(metadata["prototxt"]) == net.definition()
    assert json.loads(metadata["preprocessing"])["data"]["channel_order"] == "BGR"
    again = fcnkit.load(path)
    assert (again.preprocessing, again.shapes) == (net.preprocessing, net.shapes)


def test_safetensors_of_others_load_with_a_prototxt(net: fcnkit.CaffeNet, tmp_path: Path, data: Path) -> None:
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    assert equal(net, fcnkit.load(tmp_path / "net.safetensors", prototxt=data / "shapes" / "deploy.prototxt"))


def test_the_input_shape_can_be_chosen_on_loading(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    fcnkit.save(net, tmp_path / "net.safetensors")
    assert fcnkit.load(tmp_path / "net.safetensors", input_shape=(2, 3, 40, 50)).shapes["score"] == (2, 4, 40, 50)


def test_a_loaded_net_trains_and_keeps_its_frozen_layers(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    fcnkit.save(net, tmp_path / "net.safetensors")
    again = fcnkit.load(tmp_path / "net.safetensors")
    again(torch.zeros(1, 3, 20, 20)).sum().backward()
    assert again.conv1_1.weight.grad is not None
    assert not again.upscore2.weight.requires_grad


def test_pth_is_a_plain_state_dict(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    fcnkit.save(net, tmp_path / "net.pth")
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    assert all(torch.equal(state[name], tensor) for name, tensor in net.state_dict().items())


def test_a_file_can_be_written_over_itself(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    fcnkit.save(net, path)
    fcnkit.save(fcnkit.load(path), path)
    assert equal(net, fcnkit.load(path))


def test_an_existing_file_stays_without_force(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists; replace it with `force` or choose another output"):
        fcnkit.save(net, path, force=False)
    assert path.read_text() == "mine"


def test_unknown_suffixes(net: fcnkit.CaffeNet, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"net.zip: has no suffix of a known format; known are .safetensors, .pth"):
        fcnkit.save(net, tmp_path / "net.zip")
    (tmp_path / "net").write_text("no net")
    with pytest.raises(FileFormatError, match=r"net: is a text file; nets are loaded from .safetensors, .pth, .pt, "):
        fcnkit.load(tmp_path / "net")
    with pytest.raises(FileFormatError, match=r"none: cannot be read: No such file or directory"):
        fcnkit.load(tmp_path / "none")
    fcnkit.save(net, tmp_path / "net.py")
    with pytest.raises(FileFormatError, match=r"net.py: is a .py file, which fcnkit only writes; nets are loaded from"):
        fcnkit.load(tmp_path / "net.py")


def test_files_that_are_no_nets(net: fcnkit.CaffeNet, tmp_path: Path, examples: Path, data: Path) -> None:
    deploy = data / "shapes" / "deploy.prototxt"
    other = tmp_path / "other.safetensors"
    save_file({"w": torch.zeros(2)}, other)
    with pytest.raises(FileFormatError, match=r"other.safetensors: contains weights alone; give the net's definition"):
        fcnkit.load(other)
    for suffix in (".safetensors", ".pth", ".h5", ".npz"):
        image = tmp_path / f"image{suffix}"
        image.write_bytes((examples / "image0.png").read_bytes())
        with pytest.raises(FileFormatError, match=rf"^{image}: ") as caught:
            fcnkit.load(image, prototxt=deploy)
        assert "\n" not in str(caught.value)
        with pytest.raises(FcnkitError, match="none"):
            fcnkit.load(tmp_path / f"none{suffix}", prototxt=deploy)
    for suffix in (".pth", ".h5", ".npz"):
        fcnkit.save(net, tmp_path / f"net{suffix}")
        with pytest.raises(FileFormatError, match="contains weights alone; give the net's definition with"):
            fcnkit.load(tmp_path / f"net{suffix}")


class Code:
    def __reduce__(self) -> tuple:
        return (print, ("this ran",))


def test_code_in_a_pickle_is_refused(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture) -> None:
    torch.save({"w": Code()}, tmp_path / "evil.pth")
    with pytest.raises(FileFormatError, match="contains Python objects, which may run code"):
        fcnkit.load(tmp_path / "evil.pth", prototxt=data / "shapes" / "deploy.prototxt")
    assert capsys.readouterr().out == ""
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(FileFormatError, match="contains no state dict"):
        fcnkit.load(tmp_path / "list.pth", prototxt=data / "shapes" / "deploy.prototxt")


def test_foreign_numpy_archives(net: fcnkit.CaffeNet, tmp_path: Path, data: Path) -> None:
    deploy, path = data / "shapes" / "deploy.prototxt", tmp_path / "net.npz"
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    np.savez_compressed(path, **{name: array.astype(">f4") for name, array in arrays.items()})
    assert equal(net, fcnkit.load(path, prototxt=deploy))
    np.savez(path, **{**arrays, "conv1_1.bias": np.array([Code()])})
    with pytest.raises(FileFormatError, match=r"net.npz: cannot be read as a NumPy archive: Object arrays cannot be"):
        fcnkit.load(path, prototxt=deploy)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileFormatError, match=r"net.npz: cannot be read as a NumPy archive: File is not a zip file"):
        fcnkit.load(path, prototxt=deploy)
    with path.open("wb") as file:
        np.save(file, arrays["conv1_1.bias"])
    with pytest.raises(FileFormatError, match=r"net.npz: contains one array, not an archive of arrays"):
        fcnkit.load(path, prototxt=deploy)


def test_names_that_hdf5_cannot_hold(tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(
        'input: "x" input_dim: [1, 2, 3, 3] layer { name: "a//b" type: "PReLU" bottom: "x" top: "y" }'
    )
    with pytest.raises(OutputError, match=r"net.h5: layer 'a//b' has a name that HDF5 files cannot store"):
        fcnkit.save(net, tmp_path / "net.safetensors", tmp_path / "net.h5")
    assert not list(tmp_path.iterdir())


def test_state_dicts_that_do_not_fit(net: fcnkit.CaffeNet, tmp_path: Path, data: Path) -> None:
    deploy = data / "shapes" / "deploy.prototxt"
    path = tmp_path / "net.pth"
    state = net.state_dict()
    torch.save({name: state[name] for name in list(state)[2:]}, path)
    with pytest.raises(MissingBlobsError, match=r"net.pth: the state dict lacks 'conv1_1.bias', 'conv1_1.weight'$"):
        fcnkit.load(path, prototxt=deploy)
    torch.save({**state, "more.weight": torch.zeros(1)}, path)
    with pytest.raises(MissingBlobsError, match=r"the state dict has beside the net's own 'more.weight'"):
        fcnkit.load(path, prototxt=deploy)
    torch.save({**state, "fc6.weight": torch.zeros(96, 64, 5, 5)}, path)
    with pytest.raises(BlobShapeError, match=r"layer 'fc6': .* shape \(96, 64, 5, 5\), expected \(96, 64, 7, 7\)"):
        fcnkit.load(path, prototxt=deploy)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": "none"}, {"mean": [1, 2]}, {"scale": None}, {"range": [0]}, {"channel_order": ""}, {"source": 3},
        {"scale": float("nan")}, {"mean": [True]}, {"source": "two\nlines"}, None,
    ],
)  # fmt: skip
def test_preprocessing_that_was_edited(net: fcnkit.CaffeNet, tmp_path: Path, wrong: dict[str, object] | None) -> None:
    right = net.preprocessing["data"].to_plain()
    for name, each in (("data", {**right, **wrong} if wrong else [right]), ("score", right), ("elsewhere", right)):
        metadata = {"prototxt": net.prototxt, "preprocessing": json.dumps({name: each})}
        save_file(net.state_dict(), tmp_path / "net.safetensors", metadata)
        with pytest.raises(FileFormatError, match=f"net.safetensors: .* does not fit '{name}'; was it edited"):
            fcnkit.load(tmp_path / "net.safetensors")


def test_an_archive_that_claims_more_than_it_can_hold(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez_compressed(path, a=np.zeros(10))
    content = bytearray(path.read_bytes())
    # The inflated size of the entry, in the zip archive's directory.
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"net.npz: states a size beyond that to which its bytes can be inflated"):
        fcnkit.load(path, data / "shapes" / "deploy.prototxt")
