"""Which layers take part: every branch of Caffe's rules, and what becomes of the net's own state."""

import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TEST, TRAIN
from fcnkit.caffe.phase import filter_net
from fcnkit.errors import DefinitionError


def takes_part(rules, phase=TEST, level=0, stages=()):
    return len(filter_net(prototxt.parse(f'layer {{ name: "a" {rules} }}'), phase, level, stages).layer) == 1


@pytest.mark.parametrize(
    ("rule", "state", "met"),
    [
        ("", {}, True),
        ("phase: TEST", {"phase": TEST}, True),
        ("phase: TEST", {"phase": TRAIN}, False),
        ("phase: TRAIN", {"phase": TRAIN}, True),
        ("min_level: 1", {"level": 0}, False),
        ("min_level: 1", {"level": 1}, True),
        ("max_level: 1", {"level": 1}, True),
        ("max_level: 1", {"level": 2}, False),
        ("min_level: -2 max_level: 0", {"level": -1}, True),
        ("min_level: 0", {"level": -1}, False),
        ('stage: "a"', {}, False),
        ('stage: "a"', {"stages": ["a"]}, True),
        ('stage: "a" stage: "b"', {"stages": ["b"]}, False),
        ('stage: "a" stage: "b"', {"stages": ["c", "b", "a"]}, True),
        ('not_stage: "a"', {}, True),
        ('not_stage: "a"', {"stages": ["b"]}, True),
        ('not_stage: "a" not_stage: "b"', {"stages": ["b"]}, False),
        ('stage: "a" not_stage: "b"', {"stages": ["a", "b"]}, False),
        ('phase: TEST stage: "a"', {"stages": ["a"], "phase": TRAIN}, False),
        ('phase: TEST min_level: 1 stage: "a" not_stage: "b"', {"stages": ["a"], "level": 1}, True),
    ],
)
def test_a_rule_is_met_when_all_it_asks_for_holds(rule, state, met):
    assert takes_part(f"include {{ {rule} }}", **state) is met
    assert takes_part(f"exclude {{ {rule} }}", **state) is not met


def test_one_met_rule_of_several_is_enough():
    assert takes_part("include { phase: TRAIN } include { min_level: 0 }")
    assert not takes_part("exclude { phase: TRAIN } exclude { min_level: 0 }")
    assert takes_part("")


def test_a_train_net_gives_two_nets():
    net = prototxt.parse(
        """name: "n" layer { name: "data" top: "train" include { phase: TRAIN } }
           layer { name: "data" top: "test" include { phase: TEST } } layer { name: "score" blobs { data: 1 } }
           layer { name: "loss" exclude { phase: TEST stage: "deploy" } }"""
    )
    before = type(net)()
    before.CopyFrom(net)
    assert [layer.name for layer in filter_net(net, TRAIN, stages=["deploy"]).layer] == ["data", "score", "loss"]
    result = filter_net(net, TEST, stages=["deploy"])
    assert list(result.layer) == [net.layer[1], net.layer[2]]
    assert result.name == "n"
    assert net == before


def test_the_nets_own_stages_count_and_its_phase_and_level_do_not():
    """Net's constructor sets phase and level and adds stages."""
    net = prototxt.parse(
        """state { phase: TRAIN level: 5 stage: "own" } layer { name: "own" include { stage: "own" stage: "given" } }
           layer { name: "level" include { min_level: 1 } } layer { name: "phase" include { phase: TRAIN } }"""
    )
    result = filter_net(net, TEST, stages=["given"])
    assert [layer.name for layer in result.layer] == ["own"]
    assert result.state == prototxt.parse('phase: TEST level: 0 stage: "own" stage: "given"', "NetState")


def test_a_filtered_net_filters_to_itself():
    net = prototxt.parse('layer { name: "a" include { phase: TEST } } layer { exclude { phase: TEST } }')
    once = filter_net(net, TEST)
    assert filter_net(once, TEST) == once


def test_include_and_exclude_in_one_layer():
    with pytest.raises(DefinitionError) as error:
        takes_part("include { phase: TEST } exclude { phase: TRAIN }")
    assert str(error.value) == "layer 'a' has include and exclude rules; only one kind is allowed"
