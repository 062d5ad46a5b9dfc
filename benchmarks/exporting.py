"""Time and memory of `fcnkit.from_torch` on a ResNet-50, beside those of torch.export alone, which it begins with.

    python benchmarks/exporting.py [ROUNDS]

Each runs in a process of its own, in turns. The module has run once before, and a small one has been exported or
converted, so that neither imports nor the first use of a convolution count. Memory is the peak above what the process
then held, the module's weights included.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from statistics import median

from running import MIB, Thing, machine, take_turns

HOWS = {"export": "torch.export", "from_torch": "`from_torch`", "verify": "`from_torch` with `verify`"}
# Parameters and stored statistics (He et al., arXiv 1512.03385, table 1), 4 bytes each.
WEIGHTS = 4 * (25_557_032 + 53_120)


def measure(how: str) -> None:
    """Run in a process of its own: export or convert, and print seconds and the peak before."""
    import torch
    from torch import Tensor, nn

    import fcnkit

    class Bottleneck(nn.Module):
        def __init__(self, channels: int, width: int, stride: int):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
            self.relu = nn.ReLU(inplace=True)
            self.downsample = None
            if channels != 4 * width:
                self.downsample = nn.Sequential(
                    nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
                )

        def forward(self, x: Tensor) -> Tensor:
            y = self.relu(self.bn1(self.conv1(x)))
            y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
            y += x if self.downsample is None else self.downsample(x)
            return self.relu(y)

    def stem(width: int) -> list[nn.Module]:
        return [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]

    def resnet50() -> nn.Module:
        layers, channels = stem(64), 64
        for blocks, width, stride in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
            for block in range(blocks):
                layers.append(Bottleneck(channels, width, stride if block == 0 else 1))
                channels = 4 * width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))

    def run(module: nn.Module, image: Tensor) -> None:
        if how == "export":
            torch.export.export(module, (image,))
        else:
            fcnkit.from_torch(module, image, verify=how == "verify")

    torch.manual_seed(0)
    module, image = resnet50().eval(), torch.randn(1, 3, 224, 224)
    weights = sum(each.nbytes for each in module.state_dict().values() if each.is_floating_point())
    assert weights == WEIGHTS, weights
    with torch.no_grad():
        module(image)
    run(nn.Sequential(*stem(4)).eval(), image)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    start = time.perf_counter()
    run(module, image)
    print(json.dumps({"seconds": time.perf_counter() - start, "imports": before}))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    things = {how: Thing(title, [sys.executable, __file__, how], inner=True) for how, title in HOWS.items()}
    take_turns("ResNet-50", things.values(), rounds)
    alone = things["export"]
    print(machine())
    print(
        "\n| | fastest, s | median, s | behind torch.export, s | ratio | peak above the module, MiB | of the weights |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for thing in things.values():
        fastest, above = min(thing.seconds), thing.peak - thing.imports
        behind, ratio = fastest - min(alone.seconds), fastest / min(alone.seconds)
        print(f"| {thing.title} | {fastest:.2f} | {median(thing.seconds):.2f} | {behind:.2f} | {ratio:.1f} ", end="")
        print(f"| {above / MIB:.0f} | {above / WEIGHTS:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in HOWS:
        measure(sys.argv[1])
    else:
        main()
