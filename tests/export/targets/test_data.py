"""The data files of the targets."""

from __future__ import annotations

from pathlib import Path

import pytest

import fcnkit
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import InputError
from fcnkit.export import Verdict, check, targets
from fcnkit.export.targets import TARGETS, Target, measures, spelling
from fcnkit.export.targets.target import read
from fcnkit.types import all_types, find
from tests.export.targets.nets import inputs, layer
from tests.export.targets.table import BEGIN, END, PAGE, table

FOLDER = Path(targets.__file__).parent
DATA = FOLDER / "nnie.toml"


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_layers_measures_and_spellings_exist(target: Target) -> None:
    named = target.layers | target.types_not_known
    named = named.union(*(each.layers for each in (*target.refused, *target.limits)))
    assert not {name for name in named if find(name) is None}
    assert not {name for name in target.others if find(name)}
    assert not target.layers & target.types_not_known
    assert not target.layers & frozenset().union(*(each.layers for each in target.refused))
    for limit in target.limits:
        assert limit.of in measures.MEASURES or limit.of == "outputs" or _is_field(limit.of)
        assert all(name in measures.MEASURES or _is_field(name) for name in limit.when or {})
    assert all(_is_field(field.name) for field in target.fields)
    assert {each.name for each in target.spellings} <= spelling.SPELLINGS.keys() | spelling.IN_TEXT.keys()
    assert target.cited() == target.sources.keys()


def _is_field(name: str) -> bool:
    param, _, field = name.partition(".")
    message = LayerParameter.DESCRIPTOR.fields_by_name[param].message_type
    return field in message.fields_by_name


def test_there_is_a_file_for_each_target_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == TARGETS.keys()


def test_no_measure_or_spelling_is_idle() -> None:
    used = {limit.of for target in TARGETS.values() for limit in target.limits}
    used |= {name for target in TARGETS.values() for limit in target.limits for name in limit.when or {}}
    assert measures.MEASURES.keys() <= used
    written = {each.name for target in TARGETS.values() for each in target.spellings}
    assert spelling.SPELLINGS.keys() | spelling.IN_TEXT.keys() == written


def test_bvlcs_layers_are_those_of_the_records() -> None:
    own = {record.name for record in all_types() if not record.of_fork}
    assert TARGETS["bvlc"].layers == own
    assert own - TARGETS["bvlc-1.0"].layers == {"Clip", "Swish"}
    assert TARGETS["bvlc"].has("pooling_param.round_mode")
    assert not TARGETS["bvlc-1.0"].has("pooling_param.round_mode")


def test_an_unknown_target() -> None:
    with pytest.raises(InputError, match=r"^unknown `target` 'caffe2'; the targets are bvlc, bvlc-1\.0, ascend, "):
        targets.find("caffe2")
    assert targets.find(TARGETS["ncnn"]) is TARGETS["ncnn"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('title = "HiSilicon NNIE"', "", "'title'"),
        ("most = 32", "mots = 32", "unexpected keyword argument 'mots'"),
        ('source = "guide"', 'source = "book"', "the source 'book' is not listed"),
        ("complete = false", "", "'complete'"),
    ],
)
def test_a_file_with_a_mistake(old: str, new: str, problem: str, tmp_path: Path) -> None:
    text = DATA.read_text()
    assert old in text
    (tmp_path / "own.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=rf"^own\.toml: .*{problem}"):
        read(tmp_path / "own.toml")


# A net with each type that some target refuses, but for DetectionOutput.
REFUSED = {
    "ArgMax": inputs((1, 3, 4, 5)) + layer("ArgMax"),
    "Bias": inputs((1, 3, 4, 5)) + layer("Bias"),
    "Clip": inputs((1, 3, 4, 5)) + layer("Clip", "clip_param { min: 0 max: 6 }"),
    "Embed": inputs((3,)) + layer("Embed", "embed_param { num_output: 2 input_dim: 3 }"),
    "HardSwish": inputs((1, 3, 4, 5)) + layer("HardSwish"),
    "Interp": inputs((1, 3, 4, 5)) + layer("Interp", "interp_param { zoom_factor: 2 }"),
    "LSTM": inputs((5, 1, 3), (5, 1)) + layer("LSTM", "recurrent_param { num_output: 2 }", 2),
    "Power": inputs((1, 3, 4, 5)) + layer("Power"),
    "ReLU6": inputs((1, 3, 4, 5)) + layer("ReLU6"),
    "Reduction": inputs((1, 3, 4, 5)) + layer("Reduction"),
    "RNN": inputs((5, 1, 3), (5, 1)) + layer("RNN", "recurrent_param { num_output: 2 }", 2),
    "Region": inputs((1, 7, 4, 5)) + layer("Region", "region_param { classes: 2 }"),
    "Resize": inputs((1, 3, 4, 5)) + layer("Resize", "resize_param { scale: 2 }"),
    "SPP": inputs((1, 3, 4, 5)) + layer("SPP", "spp_param { pyramid_height: 2 }"),
    "Split": inputs((1, 3, 4, 5)) + layer("Split", "", 1, 2),
    "Swish": inputs((1, 3, 4, 5)) + layer("Swish"),
    "Tile": inputs((1, 3, 4, 5)) + layer("Tile", "tile_param { tiles: 2 }"),
    "Upsample": inputs((1, 3, 4, 6))
    + 'layer { name: "p" type: "Pooling" bottom: "x0" top: "x1" top: "m" pooling_param { kernel_size: 2 stride: 2 } }\n'
    + layer("Upsample").replace('bottom: "x0"', 'bottom: "x1" bottom: "m"'),
}
CASES = [
    pytest.param(target, kind, id=f"{target.name}-{kind}")
    for target in TARGETS.values()
    for refused in target.refused
    for kind in sorted(refused.layers - {"DetectionOutput"})
]


@pytest.mark.parametrize(("target", "kind"), CASES)
def test_refused_layers(target: Target, kind: str, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(REFUSED[kind])
    net = fcnkit.load(tmp_path / "net.prototxt", deploy=False)
    (found,) = [each for each in check(net, target) if each.type == kind]
    (fact,) = [each for each in target.refused if kind in each.layers]
    assert found == ("y", kind, Verdict.REFUSED, fact.reason, fact.way_out, target.sources[fact.source])


def test_layers_that_no_list_has(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(REFUSED["SPP"])
    net = fcnkit.load(tmp_path / "net.prototxt")
    (found,) = check(net, "rknn")
    assert found.verdict is Verdict.REFUSED
    assert found.limit == "has no such type of layer"
    assert found.way_out == "the targets bvlc, bvlc-1.0, ascend, horizon take it"
    # An incomplete list states nothing of other layers.
    (found,) = check(net, "nnie")
    assert (found.verdict, found.limit) == (Verdict.NOT_KNOWN, "no document states this type of layer")


def test_the_page_has_the_table() -> None:
    assert BEGIN + table() + END in PAGE.read_text(), "run `make table`"
