"""Mistakes in Python: each is one FcnkitError that names the argument, or works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import ArgumentError, DefinitionError, FcnkitError, InputError, MissingFileError
from fcnkit.inspect.summary import summarize_file
from fcnkit.segment import Segmenter
from fcnkit.surgery.kernels import CastError

NET = """
input: "data" input_dim: [1, 3, 6, 8]
layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 1
        weight_filler { type: "xavier" } } }
"""


def net() -> fcnkit.CaffeNet:
    return fcnkit.CaffeNet(NET, preprocessing={"data": Preprocessing("BGR")}).eval()


def classifier() -> fcnkit.CaffeNet:
    layer = 'layer { name: "fc6" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'
    return fcnkit.CaffeNet(f'input: "x" input_dim: [1, 2, 4, 4] {layer}')


MISTAKES: dict[str, tuple[Callable[[Any], Any], type[FcnkitError], str]] = {
    "a shape as text": (lambda path: fcnkit.convert(None, path, input_shape="1,3,60,60"), InputError,
                        r"'data' cannot have the shape '1,3,60,60'; give whole numbers, such as \(1, 3, 60, 80\)"),
    "a shape of fractions": (lambda path: fcnkit.convert(None, path, input_shape=(1, 3, 6.5, 8)), InputError,
                             "cannot have the shape"),
    "a number for a shape": (lambda path: fcnkit.convert(None, path, input_shape=5), InputError, "shape 5; give whole"),
    "an option of no net": (lambda path: fcnkit.fc2conv(classifier(), kernl=3), ArgumentError,
                            "fc2conv of a net takes kernel, order, not 'kernl'"),
    "an option of no file": (lambda path: fcnkit.fc2conv(path, path, kernl=3), ArgumentError,
                             "fc2conv of a file takes prototxt, kernel, .*, not 'kernl'"),
    "no output": (lambda path: fcnkit.fc2conv(path), ArgumentError, "fc2conv of a file needs an output"),
    "a kernel of one number": (lambda path: fcnkit.fc2conv(classifier(), kernel=3), CastError,
                               "a kernel cannot be 3; give height and width"),
    "one image": (lambda path: Segmenter(net())(Image.new("RGB", (8, 6))), ArgumentError, "give a list of images"),
    "no image": (lambda path: Segmenter(net())([]), ArgumentError, "give a list of images"),
    "an array for an image": (lambda path: Segmenter(net())([np.zeros((6, 8, 3))]), ArgumentError, "a list of images"),
    "no batch": (lambda path: net()(torch.zeros(3, 6, 8)), InputError,
                 r"input 'data' has shape \(3, 6, 8\), without an axis for the batch; give \(1, 3, 6, 8\)"),
    "an array for a tensor": (lambda path: net()(np.zeros((1, 3, 6, 8))), InputError, "is a ndarray; give a tensor"),
    "a phase that does not exist": (lambda path: fcnkit.convert(None, path, phase="deploy"), ArgumentError,
                                    "phase must be 'test' or 'train', not 'deploy'"),
    "no files": (lambda path: fcnkit.convert(None), ArgumentError, "give `weights`, `prototxt`, or both"),
    "a number for a path": (lambda path: fcnkit.convert(3), ArgumentError, "path of a file is expected, not .* int"),
    "a net for a prototxt": (lambda path: fcnkit.convert(None, net()), ArgumentError, "expected, not .* CaffeNet"),
    "a misspelt option": (lambda path: fcnkit.load(path, input_shap=(1, 3, 5, 5)), ArgumentError,
                          r"there is no option 'input_shap' \(did you mean 'input_shape'\?\)"),
    "a path before the net": (lambda path: fcnkit.save(path, net()), ArgumentError,
                              "a CaffeNet is expected first, not .* PosixPath; the paths are given behind it"),
    "a module to save": (lambda path: fcnkit.save(torch.nn.ReLU(), path), ArgumentError, "with fcnkit.from_torch"),
    "a number to save to": (lambda path: fcnkit.save(net(), 3), ArgumentError, "the path of a file is expected"),
    "a function to convert": (lambda path: fcnkit.from_torch(torch.relu, torch.ones(1, 2)), ArgumentError,
                              "`module` must be a PyTorch module, not a builtin_function"),
    "a class to convert": (lambda path: fcnkit.from_torch(torch.nn.ReLU, torch.ones(1, 2)), ArgumentError,
                           "not the class ReLU; make one of it"),
    "a shape for an input": (lambda path: fcnkit.from_torch(torch.nn.ReLU(), (1, 2, 3)), ArgumentError,
                             "`example_inputs` must be a tensor or several"),
    "an array for an input": (lambda path: fcnkit.from_torch(torch.nn.ReLU(), np.ones((1, 2))), ArgumentError,
                              "`example_inputs` must be a tensor or several"),
    "a number for a target": (lambda path: fcnkit.from_torch(torch.nn.ReLU(), torch.ones(1, 2), target=4), InputError,
                              "unknown `target` '4'; the targets are"),
    "an option of no template": (lambda path: fcnkit.generate(backbon="vgg"), DefinitionError,
                                 "unknown option 'backbon' .did you mean 'backbone'.*; the options are .*backbone"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_clear_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    call, kind, words = MISTAKES[name]
    with pytest.raises(kind, match=words) as caught:
        call(path)
    assert isinstance(caught.value, FcnkitError)


@pytest.mark.parametrize("load", [fcnkit.load, lambda path: fcnkit.convert(None, path)])
def test_a_missing_file_is_both_errors(load: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "none.prototxt"
    with pytest.raises(FileNotFoundError) as caught:
        load(path)
    assert isinstance(caught.value, MissingFileError)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_words_that_work(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    assert fcnkit.convert(None, tmp_path / "net.prototxt", phase="TRAIN").training
    assert fcnkit.convert(None, tmp_path / "net.prototxt", input_shape=np.array([1, 3, 5, 7])).shapes["data"][2] == 5
    assert fcnkit.generate(data_layer="hdf5") == fcnkit.generate(data="hdf5")


def test_an_unknown_filler_fails_where_it_would_fill(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET.replace("xavier", "gabor"))
    with pytest.raises(DefinitionError, match=r"net.prototxt: layer 'score': unknown filler 'gabor'; the fillers"):
        fcnkit.load(tmp_path / "net.prototxt")
    assert "score" in str(summarize_file(tmp_path / "net.prototxt"))


def test_nets_of_bfloat16(tmp_path: Path) -> None:
    half = net().bfloat16()
    fcnkit.save(half, *(tmp_path / f"net{suffix}" for suffix in (".py", ".safetensors", ".npz", ".prototxt")))
    back = fcnkit.load(tmp_path / "net.npz", tmp_path / "net.prototxt")
    assert all(torch.equal(back.state_dict()[name], tensor.float()) for name, tensor in half.state_dict().items())
    code = "import sys; sys.modules['fcnkit'] = None; import torch, net; print(net.Net().score.weight.sum().item())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == float(half.score.weight.detach().float().sum())
