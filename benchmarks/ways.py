"""The ways of computing one convolution: the one that fcnkit.optimized takes by its rules, and all others.

    python benchmarks/ways.py [--threads N] [--rounds N]

For each of many convolutions with a ReLU behind it, all ways take turns on the same input in this process. What the
rules chose is divided by the fastest: 1 where no other way is faster.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.fast import winograd
from fcnkit.fast.kernels import Convolution
from fcnkit.fast.program import Operation

CHOSEN = "fcnkit"
MOST, LEAST = 4e9, 4e6  # multiply-adds
KERNELS = ((1, 1, 1), (1, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2), (5, 1, 1), (7, 1, 1), (7, 2, 1))
CHANNELS = (
    (3, 64),
    (32, 64),
    (64, 64),
    (64, 256),
    (128, 128),
    (256, 64),
    (256, 512),
    (512, 512),
    (512, 2048),
    (512, 21),
)
SIZES = (7, 10, 14, 22, 28, 44, 56, 112, 224)


class Case(NamedTuple):
    """A convolution: channels in and out, kernel, stride, dilation, groups, and height and width of its bottom."""

    channels: int
    outputs: int
    kernel: int
    stride: int
    dilation: int
    groups: int
    size: int

    @property
    def work(self) -> float:
        return self.channels * self.outputs / self.groups * self.kernel**2 * (self.size / self.stride) ** 2


def cases() -> Iterator[Case]:
    for (kernel, stride, dilation), (channels, outputs), size in itertools.product(KERNELS, CHANNELS, SIZES):
        yield Case(channels, outputs, kernel, stride, dilation, 1, size)
    for channels, stride, size in itertools.product((32, 128, 512), (1, 2), SIZES):
        yield Case(channels, channels, 3, stride, 1, channels, size)
        yield Case(channels, channels, 3, stride, 1, 32, size)


def ways(case: Case) -> dict[str, Callable[[], Tensor]]:
    pad = case.dilation * (case.kernel // 2)
    conv = nn.Conv2d(
        case.channels, case.outputs, case.kernel, case.stride, pad, dilation=case.dilation, groups=case.groups
    ).eval()
    bottom = torch.randn(1, case.channels, case.size, case.size)
    last = bottom.contiguous(memory_format=torch.channels_last)
    chosen = Convolution(Operation("conv", conv, {}, (0,), (1,), None, slope=0.0, known=True))
    weight, bias = conv.weight.detach(), conv.bias
    packed = torch._C._nn.mkldnn_reorder_conv2d_weight(
        weight.to_mkldnn(), [0, 0], list(conv.stride), list(conv.dilation), conv.groups
    )
    weight_last = weight.contiguous(memory_format=torch.channels_last)
    settings = conv.stride, conv.padding, conv.dilation, conv.groups
    found = {
        CHOSEN: lambda: chosen([last], None),
        "PyTorch, channels first": lambda: F.relu_(F.conv2d(bottom, weight, bias, *settings)),
        "PyTorch, channels last": lambda: F.relu_(F.conv2d(last, weight_last, bias, *settings)),
        "packed": lambda: torch.ops.mkldnn._convolution_pointwise(
            last, packed, bias, conv.padding, conv.stride, conv.dilation, conv.groups, "relu", [], ""
        ),
    }
    plain = case.stride == case.dilation == case.groups == 1
    if plain and case.kernel in (3, 7) and min(case.channels, case.outputs) > 3:
        tiled = winograd.Winograd(weight, bias, 0.0)
        found["Winograd"] = lambda: tiled(last, ((pad, pad), (pad, pad)))
    return found


@torch.inference_mode()
def measure(case: Case, rounds: int) -> dict[str, float]:
    """Seconds of each way, the least over the rounds."""
    runs = ways(case)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: min(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    results = []
    for case in cases():
        if LEAST <= case.work <= MOST:
            times = measure(case, arguments.rounds)
            best = min(times, key=times.__getitem__)
            results.append((times[CHOSEN] / times[best], case, best, times[CHOSEN]))
    results.sort(key=lambda result: -result[0])
    shares = ", ".join(f"{sum(r[0] <= bound for r in results) / len(results):.0%} at most {bound}"
                       for bound in (1.05, 1.2, 1.5))  # fmt: skip
    print(f"{len(results)} convolutions, {arguments.threads} threads, against the fastest way: {shares}")
    print("| kernel, stride, dilation | channels | groups | size | against the fastest | which is | seconds |")
    print("|---|---|--:|--:|--:|---|--:|")
    for ratio, case, best, seconds in results[:12]:
        print(
            f"| {case.kernel}, {case.stride}, {case.dilation} | {case.channels} to {case.outputs} | {case.groups} "
            f"| {case.size} | {ratio:.2f} | {best} | {seconds:.5f} |"
        )


if __name__ == "__main__":
    main()
