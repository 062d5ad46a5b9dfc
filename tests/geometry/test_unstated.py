"""Crops without an offset, which Caffe's forks read in two ways."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.errors import DefinitionError
from fcnkit.geometry.unstated import settle_crops

# The wiring of HED (s9xie/hed examples/hed/deploy.prototxt): the first filters pad 35, and each side output is
# upsampled and cropped to the image. By hand: a convolution of kernel 3 and pad 35 places its first pixel at -34; a
# pooling of stride 2 adds 0.5, and a deconvolution of kernel 4 and stride 2 takes off 1.5.
HED = """
input: "data" input_dim: [1, 3, 40, 50]
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 2 kernel_size: 3 pad: 35 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "score1" type: "Convolution" bottom: "conv1" top: "score1"
  convolution_param { num_output: 1 kernel_size: 1 } }
layer { name: "score2" type: "Convolution" bottom: "pool1" top: "score2"
  convolution_param { num_output: 1 kernel_size: 1 } }
layer { name: "up2" type: "Deconvolution" bottom: "score2" top: "up2"
  convolution_param { num_output: 1 kernel_size: 4 stride: 2 } }
layer { name: "crop" type: "Crop" bottom: "score1" bottom: "data" top: "edges1" }
layer { name: "crop" type: "Crop" bottom: "up2" bottom: "data" top: "edges2" }
"""
MESSAGE = (
    "2 Crop layers state no offset: BVLC's Caffe crops at 0 ('zero'), the Caffe of HED at the offsets derived from the "
    "coordinate maps ('derived'), here 'crop' (top 'edges1') 34, 'crop' (top 'edges2') 35; choose with "
)


@pytest.fixture
def hed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hed.prototxt").write_text(HED)
    return tmp_path / "hed.prototxt"


def offsets(net: fcnkit.CaffeNet) -> list[list[int]]:
    return [list(layer.crop_param.offset) for layer in net.definition().layer if layer.type == "Crop"]


def test_a_choice_is_asked_for(hed: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        fcnkit.load(hed)
    assert str(caught.value) == f"{hed}: {MESSAGE}`crop`"
    with pytest.raises(ValueError, match="crop must be 'derived' or 'zero', not 'none'"):
        fcnkit.load(hed, crop="none")


@pytest.mark.parametrize("line", ["convert --prototxt {}", "summary {}", "draw {}", "init {} --from none.pth"])
def test_commands_name_the_option(hed: Path, line: str) -> None:
    torch.save({"x.weight": torch.zeros(1)}, "none.pth")
    result = CliRunner().invoke(main, line.format("hed.prototxt").split())
    assert result.exit_code == 1
    assert result.stderr == f"Error: hed.prototxt: {MESSAGE}--crop derived|zero\n"


def test_both_choices_crop_where_they_state(hed: Path) -> None:
    torch.manual_seed(0)
    derived = fcnkit.load(hed, crop="derived")
    assert offsets(derived) == [[34], [35]]
    assert derived.remarks == ["crops at derived offsets: 'crop' (top 'edges1') 34, 'crop' (top 'edges2') 35"]
    zero = fcnkit.load(hed, crop="zero")
    assert offsets(zero) == [[0], [0]]
    assert zero.remarks == ["crops at zero offsets"]
    image = torch.randn(1, 3, 40, 50)
    for net, at in ((derived, (34, 35)), (zero, (0, 0))):
        blobs = net.forward_blobs(image)
        for side, first, whole in zip(("edges1", "edges2"), at, ("score1", "up2"), strict=True):
            assert torch.equal(blobs[side], blobs[whole][:, :, first : first + 40, first : first + 50])


def test_the_choice_is_kept_in_what_is_written(hed: Path) -> None:
    fcnkit.save(fcnkit.load(hed, crop="derived"), "hed.caffemodel")
    assert offsets(fcnkit.load("hed.caffemodel")) == [[34], [35]]


ALIGNED = HED.replace("pad: 35", "pad: 1").replace("kernel_size: 4", "pad: 1 kernel_size: 4")
OF_BVLC = HED.replace('top: "edges1"', 'top: "edges1" crop_param { axis: 2 }').replace(
    'top: "edges2"', 'top: "edges2" crop_param { offset: 1 }'
)
# The maps give no whole number, so that the forks refuse the net: it can only be BVLC's.
FRACTIONAL = HED.replace("kernel_size: 4", "kernel_size: 3").replace('"score1" bottom: "data"', '"data" bottom: "data"')


@pytest.mark.parametrize("text", [ALIGNED, OF_BVLC, FRACTIONAL])
def test_nothing_is_asked_where_both_agree_or_the_file_is_bvlcs(text: str) -> None:
    net = prototxt.parse(text)
    before = prototxt.to_text(net)
    assert settle_crops(net, None) == []
    assert prototxt.to_text(net) == before


def test_offsets_shows_the_position_of_what_is_cropped(hed: Path) -> None:
    for choice, place, sentence in (
        ("derived", "0", "the offset is 35, as stated"),
        ("zero", "-35", "but 0 is stated"),
    ):
        result = CliRunner().invoke(main, ["offsets", "hed.prototxt", "--crop", choice])
        rows = {line.split()[2]: line.split() for line in result.stdout.splitlines() if len(line.split()) == 7}
        assert rows["edges2"][3:5] == ["1", place]
        assert sentence in result.stdout


def test_autocrop_derives_its_offset_without_a_question(hed: Path) -> None:
    """The AutoCrop of RCF (yun-liu/rcf examples/rcf/test.prototxt), which states no offset ever."""
    hed.write_text(HED.replace('type: "Crop"', 'type: "AutoCrop"'))
    net = fcnkit.load(hed)
    assert offsets(net) == [[34], [35]]
    assert net.shapes["edges1"] == (1, 1, 40, 50)
    assert any("crops at derived offsets: 'crop' (top 'edges1') 34" in remark for remark in net.remarks)


def test_crops_of_v1_are_those_of_forks(tmp_path: Path) -> None:
    """The wiring of dgschwend/zynqnet, fcn-8s-pascal.prototxt: BVLC's V1LayerParameter has no CROP."""
    text = """input: "data" input_shape { dim: [1, 3, 40, 50] }
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c"
          convolution_param { num_output: 1 kernel_size: 1 pad: 3 } }
        layers { name: "k" type: CROP bottom: "c" bottom: "data" top: "k" }"""
    (tmp_path / "old.prototxt").write_text(text)
    net = fcnkit.load(tmp_path / "old.prototxt")
    assert offsets(net) == [[3]]
    assert net.remarks == ["crops at derived offsets: 'k' (top 'k') 3"]
    assert offsets(fcnkit.load(tmp_path / "old.prototxt", crop="zero")) == [[0]]
