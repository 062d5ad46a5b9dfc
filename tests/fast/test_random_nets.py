"""Nets that hypothesis makes up, with pads, strides, groups, skips and joins, against the plain forward."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fcnkit.errors import FcnkitError
from fcnkit.fast import Optimized, planning, winograd
from tests.fast.nets import apart, image, seeded

# As few as show all, and as many as tiles of 4 x 4 need.
FEW, MANY = 4, 96


@st.composite
def layers(draw: st.DrawFn, bottom: str, name: str, channels: int) -> tuple[str, tuple[int, int]]:
    """One layer that keeps the number of channels, as prototxt, and its stride as a fraction."""
    kind = draw(st.sampled_from(["conv", "conv", "conv", "pool", "deconv", "lrn", "norm"]))
    head = f'layer {{ name: "{name}" bottom: "{bottom}" top: "{name}" type: '
    kernel, stride = draw(st.sampled_from([1, 2, 3, 4, 5, 7])), draw(st.sampled_from([1, 1, 1, 2, 3]))
    if kind == "conv":
        dilation, group = draw(st.sampled_from([1, 1, 2])), draw(st.sampled_from([1, 1, 2, 4]))
        pad = draw(st.sampled_from([dilation * (kernel - 1) // 2, draw(st.integers(0, 6))]))
        return (
            head + f'"Convolution" convolution_param {{ num_output: {channels} kernel_size: {kernel} stride: {stride}'
            f" pad: {pad} dilation: {dilation} group: {group} }} }}"
        ), (1, stride)
    if kind == "pool":
        kernel = max(kernel, stride)
        method, rounding = draw(st.sampled_from(["MAX", "AVE"])), draw(st.sampled_from(["CEIL", "FLOOR"]))
        pad = draw(st.integers(0, kernel - 1))
        return (
            head + f'"Pooling" pooling_param {{ pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad}'
            f" round_mode: {rounding} }} }}"
        ), (1, stride)
    if kind == "deconv":
        pad = draw(st.integers(0, kernel - 1))
        return (
            head + f'"Deconvolution" convolution_param {{ num_output: {channels} kernel_size: {kernel}'
            f" stride: {stride} pad: {pad} }} }}"
        ), (stride, 1)
    if kind == "lrn":
        region = draw(st.sampled_from(["ACROSS_CHANNELS", "WITHIN_CHANNEL"]))
        return head + f'"LRN" lrn_param {{ local_size: 3 alpha: 0.0005 norm_region: {region} }} }}', (1, 1)
    return head + '"BatchNorm" batch_norm_param { eps: 0.001 } }', (1, 1)


@st.composite
def nets(draw: st.DrawFn, channels: int) -> str:
    """A net whose first convolution pads a lot, with rectifiers in place, skips and crops."""
    pad = draw(st.sampled_from([0, 3, 20, 40]))
    text = [
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 60 dim: 60 } } }',
        f'layer {{ name: "first" type: "Convolution" bottom: "data" top: "first" convolution_param {{'
        f" num_output: {channels} kernel_size: 3 pad: {pad} }} }}",
    ]
    blobs: dict[str, tuple[int, int]] = {"first": (1, 1)}
    for number in range(draw(st.integers(1, 7))):
        bottom = draw(st.sampled_from(list(blobs)[-3:]))
        layer, (up, down) = draw(layers(bottom, f"b{number}", channels))
        text.append(layer)
        blobs[f"b{number}"] = (blobs[bottom][0] * up, blobs[bottom][1] * down)
        if draw(st.booleans()):
            slope = draw(st.sampled_from([0, 0, 0.1]))
            text.append(
                f'layer {{ name: "r{number}" type: "ReLU" bottom: "b{number}" top: "b{number}"'
                f" relu_param {{ negative_slope: {slope} }} }}"
            )
        if draw(st.booleans()):
            scale = blobs[f"b{number}"]
            others = [blob for blob, (up, down) in blobs.items() if up * scale[1] == down * scale[0]]
            one, other = draw(st.permutations([f"b{number}", draw(st.sampled_from(others))]))
            offset = draw(st.integers(0, 2))
            join = draw(st.sampled_from(["Eltwise", "Concat", "Crop"]))
            text.append(
                f'layer {{ name: "c{number}" type: "Crop" bottom: "{one}" bottom: "{other}" top: "c{number}"'
                f" crop_param {{ axis: 2 offset: {offset} }} }}"
            )
            blobs[f"c{number}"] = scale
            if join == "Eltwise":
                text.append(
                    f'layer {{ name: "e{number}" type: "Eltwise" bottom: "c{number}" bottom: "{other}"'
                    f' top: "e{number}" }}'
                )
                blobs[f"e{number}"] = scale
            elif join == "Concat":
                text.append(
                    f'layer {{ name: "j{number}" type: "Concat" bottom: "{other}" bottom: "c{number}"'
                    f' top: "j{number}" }} layer {{ name: "k{number}" type: "Convolution" bottom: "j{number}"'
                    f' top: "k{number}" convolution_param {{ num_output: {channels} kernel_size: 1 }} }}'
                )
                blobs[f"k{number}"] = scale
    return "\n".join(text)


@pytest.mark.parametrize("everywhere", [False, True])
def test_random_nets(everywhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the background and Winograd's tiles where they pay, which is rare in small nets, and wherever they fit."""
    if everywhere:
        monkeypatch.setattr(planning, "_FRAME", -1)
        monkeypatch.setattr(planning, "_WORTH", -1000)
        monkeypatch.setattr(winograd, "_LEAST_TILES", 1)
    counts = {"run": 0, "framed": 0, "bands": 0}

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
    @given(
        nets(MANY if everywhere else FEW),
        st.integers(12, 90),
        st.integers(12, 90),
        st.integers(1, 2),
        st.integers(2, 9),
    )
    @torch.no_grad()
    def check(text: str, height: int, width: int, batch: int, least: int) -> None:
        try:
            net = seeded(text)
            picture = image(batch, 3, height, width)
            plain = net(picture)
        except FcnkitError:
            assume(False)  # windows or crops do not fit
        expected = plain if isinstance(plain, dict) else {net.outputs[0]: plain}
        run = Optimized(net)
        found = run._run([picture])
        assert found is not None
        assert run._runner is not None
        counts["run"] += 1
        counts["framed"] += any(plan.framed for plan in run._runner._plans.values())
        for name, value in zip(net.outputs, found, strict=True):
            assert apart(value, expected[name]) <= 1e-5, name
            refused = iter([False] * (least - 2) + [True])
            bands = run.bands((height, width), name, lambda needed, refused=refused: next(refused))
            if bands is not None:
                counts["bands"] += 1
                parts = list(run.in_bands(bands, picture))
                assert len(bands.bands) >= least
                assert apart(torch.cat([rows for _, rows in parts], 2), expected[name]) <= 1e-5, name

    check()
    assert counts["run"] >= 25
    assert counts["bands"] >= 10, counts
    assert counts["framed"] >= 10 or not everywhere, counts
