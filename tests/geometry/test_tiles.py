"""Tiles give what the whole image gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.geometry.spans import Span
from fcnkit.geometry.tile_plans import TilePlan, cheapest, plan
from fcnkit.geometry.tiles import Tiling, TilingError
from fcnkit.net import CaffeNet


@pytest.fixture(scope="module")
def net(sample: Path) -> CaffeNet:
    return fcnkit.convert(sample)


def both(net: CaffeNet, height: int, width: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The scores of noise, from the whole and put together from tiles; nan where no tile made any."""
    tiling = Tiling(net.definition(), net.inputs[0], net.outputs[0])
    channels = net.shapes[net.inputs[0]][1]
    image = torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(height)) * 60
    with torch.inference_mode():
        whole = net(image)
        tiled = torch.full_like(whole, float("nan"))
        for tile in tiling.tiles((height, width), size):
            (top, bottom), (left, right) = tile.read
            rows, columns = tile.make
            part = net(image[:, :, top:bottom, left:right])
            assert part.shape[2:] == (bottom - top, right - left)
            tiled[:, :, slice(*rows), slice(*columns)] = part[
                :, :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
    return whole, tiled


def agree(whole: torch.Tensor, tiled: torch.Tensor) -> bool:
    return bool((whole - tiled).abs().max() <= 1e-5 * whole.abs().max())


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(411, 333, 160), (300, 503, 333), (33, 900, 50), (1, 700, 64), (640, 97, 200), (479, 511, 1000)],
)
def test_fcn8s_in_tiles_equals_the_whole(net: CaffeNet, height: int, width: int, size: int) -> None:
    whole, tiled = both(net, height, width, size)
    assert agree(whole, tiled)
    assert torch.equal(whole.argmax(1), tiled.argmax(1))


def test_the_field_of_fcn8s_is_no_wider_than_it_must_be(net: CaffeNet) -> None:
    """By hand: along an axis a score comes from one to three pixels of fc6, 32 apart, that see 404 pixels each."""
    tiling = Tiling(net.definition(), "data", "score")
    assert tiling.stride == (32, 32)
    widths = []
    for pixel in range(6400, 6432):
        tiling.stride = (1, 1)
        read = tiling.read(0, Span(pixel, pixel + 1), 10**6)
        widths.append(read.stop - read.start)
    assert max(widths) == 404 + 2 * 32
    image = torch.zeros(1, 3, 600, 40, requires_grad=True)
    net(image)[0, :, 300, 20].sum().backward()
    assert image.grad is not None
    seen = image.grad.abs().sum((0, 1, 3)).nonzero().ravel()
    read = tiling.read(0, Span(300, 301), 600)
    assert read.start <= seen.min()
    assert seen.max() < read.stop


HEAD = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 64 dim: 64 } } }'


def build(body: str) -> CaffeNet:
    torch.manual_seed(0)
    net = CaffeNet(prototxt.parse(HEAD + body)).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return net


def layer(name: str, kind: str, bottom: str, body: str) -> str:
    bottoms = " ".join(f'bottom: "{name}"' for name in bottom.split())
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{name}" {body} }}\n'


@st.composite
def nets(draw: st.DrawFn) -> str:
    """Down by windows of every form, then up again and cropped to the image."""
    text, blob, stride = "", "data", [1, 1]
    for index in range(draw(st.integers(1, 3))):
        kernel = [draw(st.integers(1, 5)) for _ in "hw"]
        # Of a pooling window wider strides would leave the blob at some sizes, where Caffe's result is undefined.
        step = [draw(st.integers(1, min(k, 3))) for k in kernel]
        pad = [draw(st.integers(0, k - 1)) for k in kernel]
        window = " ".join(
            f"{name}_h: {h} {name}_w: {w}" for name, (h, w) in (("kernel", kernel), ("stride", step), ("pad", pad))
        )
        name = f"l{index}"
        kind = draw(st.sampled_from(["conv", "max", "ave"]))
        if kind == "conv":
            dilation = f"dilation: {draw(st.integers(1, 2))} dilation: {draw(st.integers(1, 2))}"
            text += layer(name, "Convolution", blob, f"convolution_param {{ num_output: 2 {window} {dilation} }}")
        else:
            text += layer(name, "Pooling", blob, f"pooling_param {{ pool: {kind.upper()} {window} }}")
        stride = [s * t for s, t in zip(stride, step, strict=True)]
        blob = name
    text += layer("relu", "ReLU", blob, "")
    text += layer("lrn", "LRN", "relu", "lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }")
    extra = [draw(st.integers(0, 3)) for _ in "hw"]
    up = " ".join(f"kernel_{a}: {s + e} stride_{a}: {s}" for a, s, e in zip("hw", stride, extra, strict=True))
    text += layer("up", "Deconvolution", "lrn", f"convolution_param {{ num_output: 2 {up} }}")
    # Caffe's Crop would leave the blob at the far end; a wide pad in front makes the room that FCNs have.
    text = layer("room", "Convolution", "data", "convolution_param { num_output: 2 kernel_size: 3 pad: 41 }") + (
        text.replace('bottom: "data"', 'bottom: "room"')
    )
    offsets = f"offset: {draw(st.integers(0, 20))} offset: {draw(st.integers(0, 20))}"
    return text + layer("score", "Crop", "up data", f"crop_param {{ {offsets} }}")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(nets(), st.integers(60, 110), st.integers(60, 110), st.integers(20, 60))
def test_any_net_in_tiles_equals_the_whole(text: str, height: int, width: int, size: int) -> None:
    assert agree(*both(build(text), height, width, size))


def test_layers_of_forks() -> None:
    text = layer("a", "Convolution", "data", "convolution_param { num_output: 3 kernel_size: 5 pad: 2 }")
    text += layer("b", "BN", "a", "bn_param { slope_filler { value: 2 } bias_filler { value: 1 } frozen: true }")
    text += layer("c", "BN", "b", "bn_param { bn_mode: INFERENCE scale_filler { value: 2 } }")
    python = 'python_param { module: "spatial_dropout" layer: "SpatialDropoutLayer" param_str: "{\'p\': 0.1}" }'
    text += layer("d", "Python", "c", python) + layer("e", "HardSwish", "d", "")
    text += layer("f", "Normalize", "e", "norm_param { across_spatial: false channel_shared: true }")
    assert agree(*both(build(text), 70, 90, 32))
    learning = layer("b", "BN", "data", "bn_param { bn_mode: LEARN }")
    with pytest.raises(TilingError, match=r"layer 'b' \(BN\) takes its statistics from the whole image"):
        both(build(learning), 70, 90, 32)


def test_branches_and_nets_without_a_crop() -> None:
    text = layer("a", "Convolution", "data", "convolution_param { num_output: 3 kernel_size: 5 pad: 2 }")
    text += layer("b", "Pooling", "data", "pooling_param { pool: AVE kernel_size: 3 pad: 1 }")
    text += layer("c", "Concat", "a b", "") + layer("d", "BatchNorm", "c", "") + layer("e", "Scale", "d", "")
    text += layer("f", "Softmax", "e", "")
    assert agree(*both(build(text), 61, 47, 10))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("fc", "InnerProduct", "data", "inner_product_param { num_output: 2 }"),
         "layer 'fc' (InnerProduct) may look at the whole image at once; run it without tiles"),
        (layer("p", "Pooling", "data", "pooling_param { global_pooling: true }"),
         "layer 'p' (Pooling) covers its whole bottom; run it without tiles"),
        (layer("p", "Pooling", "data", 'top: "mask" pooling_param { kernel_size: 3 }'),
         "layer 'p' (Pooling) gives positions in the whole image; run it without tiles"),
        (layer("m", "MVN", "data", ""),
         "layer 'm' (MVN) takes its statistics from the whole image; run it without tiles"),
        (layer("b", "BatchNorm", "data", "batch_norm_param { use_global_stats: false }"),
         "layer 'b' (BatchNorm) takes its statistics from the whole image; run it without tiles"),
        (layer("s", "Softmax", "data", "softmax_param { axis: 2 }"),
         "layer 's' (Softmax) may look at the whole image at once; run it without tiles"),
        (layer("s", "Scale", "data", "scale_param { axis: 1 num_axes: -1 }"),
         "layer 's' (Scale) has weights for each position in the image; run it without tiles"),
        ('layer { name: "x" type: "DummyData" top: "x" }' + layer("s", "Eltwise", "data x", ""),
         "layer 'x' (DummyData) reads no pixels of the image; run it without tiles"),
        (layer("p", "Pooling", "data", "pooling_param { kernel_size: 2 stride: 2 }"),
         "its output 'p' does not have one pixel for each pixel of the image"),
        (layer("p", "Pooling", "data", "pooling_param { kernel_size: 2 stride: 2 }")
         + layer("e", "Eltwise", "data p", ""),
         "layer 'e' (Eltwise) joins blobs of different strides"),
    ],
)  # fmt: skip
def test_what_tiles_cannot_do_is_an_error_that_says_why(text: str, message: str) -> None:
    definition = prototxt.parse(HEAD + text)
    with pytest.raises(TilingError) as caught:
        Tiling(definition, "data", definition.layer[-1].top[0])
    assert str(caught.value) == message


def test_layers_beside_the_way_do_not_matter() -> None:
    text = layer("score", "Convolution", "data", "convolution_param { num_output: 2 kernel_size: 1 }")
    text += layer("fc", "InnerProduct", "data", "inner_product_param { num_output: 2 }")
    assert Tiling(prototxt.parse(HEAD + text), "data", "score").stride == (1, 1)


def test_the_cheapest_tiles_that_fit(net: CaffeNet) -> None:
    """The work is the area that all tiles read; what fits is asked, and the first division that does is taken."""
    tiling, size = Tiling(net.definition(), "data", "score"), (1000, 2000)
    asked: list[tuple[int, int]] = []

    def fits(most: int) -> Callable[[tuple[int, int]], bool]:
        return lambda read: asked.append(read) or read[0] * read[1] <= most

    whole = cheapest(tiling, size, size, fits(2_000_000))
    assert whole == TilePlan(size, size, size, size, 1, 1.0)
    halves = cheapest(tiling, size, size, fits(1_999_999))
    assert halves is not None
    assert (halves.make, halves.tiles) == ((1000, 1000), 2)
    reads = [tile.read for tile in tiling.tiles(size, halves.make)]
    areas = [rows.length * columns.length for rows, columns in reads]
    assert halves.work == sum(areas) / 2_000_000
    assert halves.read == (1000, max(columns.length for _, columns in reads))
    small = cheapest(tiling, size, size, fits(600_000))
    assert small is not None
    assert small.read[0] * small.read[1] <= 600_000
    assert 1 < halves.work < small.work < plan(tiling, size, size, (128, 128)).work
    assert cheapest(tiling, size, size, fits(10_000)) is None
    # A size beyond one that does not fit is not asked.
    assert len(asked) < 200
