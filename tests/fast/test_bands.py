"""Runs in bands against the net's own forward, and the rows and the memory that they take, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import fcnkit
from fcnkit.fast import Optimized
from fcnkit.fast.bands import Bands
from fcnkit.generation.nets import generate
from fcnkit.net import CaffeNet
from tests.fast.nets import apart, image, seeded, thin

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 40 dim: 40 } } }'


def conv(name: str, bottom: str, outputs: int, kernel: int, more: str = "") -> str:
    settings = f"num_output: {outputs} kernel_size: {kernel} {more}"
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ {settings} }} }}"
    )


def at_least(count: int) -> Callable[[int], bool]:
    """Refuses to divide the input into fewer bands: their numbers are 2, 3, 4, 5, 6, 8."""
    numbers = iter([2, 3, 4, 5, 6, 8])
    return lambda needed: next(numbers) >= count


def in_bands(run: Optimized, size: tuple[int, int], count: int) -> Bands:
    """Bands that each take a share of the input's rows, and others behind for what follows the last of them."""
    found = run.bands(size, run.net.outputs[0], at_least(count))
    assert found is not None
    assert len(found.bands) >= count
    return found


@pytest.mark.parametrize(
    "name", ["voc-fcn32s", "voc-fcn16s", "voc-fcn8s", "voc-fcn-alexnet", "siftflow-fcn16s", "pascalcontext-fcn8s"]
)
def test_published_fcns(name: str) -> None:
    net = seeded(thin(generate(name, phase="deploy")))
    run = fcnkit.optimized(net)
    picture = image(2, 3, 230, 170)
    with torch.no_grad():
        expected = net(picture)
    expected = expected if isinstance(expected, dict) else {net.outputs[0]: expected}
    scores = expected[net.outputs[0]]
    first, second = scores.topk(2, 1).values.unbind(1)
    ties = first - second <= 5e-6 * scores.abs().max()
    for count in (2, 5):
        bands = in_bands(run, (230, 170), count)
        parts = list(run.in_bands(bands, picture))
        assert len(parts) > 1
        assert max(values.shape[2] for _, values in parts) <= 230 // count
        found = torch.cat([values for _, values in parts], 2)
        assert apart(found, scores) <= 1e-5
        assert torch.equal(found.argmax(1)[~ties], scores.argmax(1)[~ties])
        assert bands.framed
        assert 1 <= bands.work < 1.1


# The values are data 0, wide 1, a 2 and b 3.
THREE = INPUT + conv("wide", "data", 64, 1) + conv("a", "wide", 16, 3, "pad: 1") + conv("b", "a", 16, 5)


def test_rows_that_are_carried_on() -> None:
    """By hand: from 20 rows of 40 follow 20 of the wide value, 19 of a, and 15 of b, which has 36.

    For the next 18 of b, 4 of those of a are kept and 21 new ones made. These need 22 of the wide value: 2 of them a
    second time, as they cost less than to join 2 rows of 64 channels with 20 others. A last band makes 3 rows of b from
    7 of a.
    """
    bands = in_bands(fcnkit.optimized(seeded(THREE)), (40, 30), 2)
    assert [band.rows for band in bands.bands] == [(0, 15), (15, 33), (33, 36)]
    assert [band.made for band in bands.bands] == [
        {1: (0, 20), 2: (0, 19), 3: (0, 15)},
        {1: (18, 40), 2: (19, 40), 3: (15, 33)},
        {3: (33, 36)},
    ]
    assert [band.kept for band in bands.bands] == [{2: (15, 19)}, {2: (33, 40)}, {}]


def test_the_memory_of_bands() -> None:
    """By hand, for an input of 2 x 40 x 30: a row has 64 x 30 values of the wide one, and 16 x 30 of a.

    The most are there in the second band: 22 rows of the wide one, 4 of a from the first, 21 new ones, and all 25.
    """
    bands = in_bands(fcnkit.optimized(seeded(THREE)), (40, 30), 2)
    assert bands.nbytes == 4 * (2 * 40 * 30 + 64 * 30 * 22 + 16 * 30 * (4 + 21 + 25))


def test_rows_of_padding_alone() -> None:
    """A pad of 40 around 20 rows: the first and the last band see nothing but zeros."""
    net = seeded(INPUT + conv("a", "data", 8, 3, "pad: 40") + conv("b", "a", 8, 3, "pad: 1"))
    picture = image(1, 2, 20, 24)
    with torch.no_grad():
        expected = net(picture)
    for boxes in (True, False):
        run = fcnkit.optimized(net, boxes=boxes)
        bands = in_bands(run, (20, 24), 6)
        found = torch.cat([values for _, values in run.in_bands(bands, picture)], 2)
        assert apart(found, expected) <= 1e-5


def test_what_does_not_run_in_bands() -> None:
    text = INPUT + conv("a", "data", 8, 3)
    whole = text + 'layer { name: "m" type: "MVN" bottom: "a" top: "m" }'
    for net in (seeded(whole), seeded(text).train(), hooked(seeded(text))):
        assert fcnkit.optimized(net).bands((40, 40), net.outputs[0], lambda needed: True) is None
    run = fcnkit.optimized(seeded(text))
    assert run.bands((40, 40), "a", lambda needed: False) is None
    assert run.bands((2, 40), "a", lambda needed: True) is None


def hooked(net: CaffeNet) -> CaffeNet:
    net.register_forward_hook(lambda module, inputs, output: None)
    return net


def test_gradients_stay_on_between_bands() -> None:
    net = seeded(INPUT + conv("a", "data", 8, 3))
    run = fcnkit.optimized(net)
    for _, values in run.in_bands(in_bands(run, (40, 40), 3), image(1, 2, 40, 40)):
        assert torch.is_grad_enabled()
        assert not values.requires_grad
