"""Nets that are complete in TRAIN or with a stage alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.deploy import TEST_STATE, deploy
from fcnkit.caffe.messages import TEST, TRAIN, NetState
from fcnkit.caffe.states import complete
from fcnkit.errors import DefinitionError

STAGES = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }
layer { name: "a" type: "ReLU" bottom: "x" top: "y" include { stage: "factored" } }
layer { name: "b" type: "TanH" bottom: "x" top: "y" include { stage: "unfactored" } }
layer { name: "c" type: "Power" bottom: "y" top: "z" }
"""
TRAINING = """
layer { name: "d" type: "Data" top: "x" top: "label" include { phase: TRAIN } transform_param { crop_size: 4 } }
layer { name: "cat" type: "Concat" bottom: "x" bottom: "x" top: "cat" include { phase: TRAIN } }
layer { name: "c" type: "Convolution" bottom: "cat" top: "c" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" }
"""


def test_the_first_stage_that_completes_a_net() -> None:
    net, remarks = complete(prototxt.parse(STAGES), deploy, TEST_STATE, ())
    assert [layer.name for layer in net.layer] == ["x", "a", "c"]
    assert remarks == [
        "the layers are those of the phase TEST, stage 'factored': in TEST alone the net is not complete"
    ]


def test_a_stated_stage_is_taken() -> None:
    state = NetState(phase=TEST, stage=["unfactored"])
    net, remarks = complete(prototxt.parse(STAGES), deploy, state, ())
    assert [layer.name for layer in net.layer] == ["x", "b", "c"]
    assert not remarks
    with pytest.raises(DefinitionError, match="layer 'c': bottom 'y' is not a top of an earlier layer"):
        complete(prototxt.parse(STAGES), deploy, NetState(phase=TEST, stage=["other"]), ())
    with pytest.raises(DefinitionError, match="layer 'c': bottom 'y' is not a top of an earlier layer"):
        complete(prototxt.parse(STAGES), deploy, NetState(phase=TRAIN), ())


def test_a_net_for_training_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(TRAINING)
    net = fcnkit.load(path)
    assert net.shapes == {"x": (1, 3, 4, 4), "cat": (1, 6, 4, 4), "c": (1, 2, 4, 4)}
    assert net.remarks == ["the layers are those of the phase TRAIN: in TEST alone the net is not complete"]
    assert not net.training


def test_an_incomplete_net_is_refused_as_before() -> None:
    text = TRAINING.replace('bottom: "cat"', 'bottom: "dog"')
    with pytest.raises(DefinitionError, match="layer 'c': bottom 'dog' is not a top of an earlier layer"):
        complete(prototxt.parse(text), deploy, TEST_STATE, ())
