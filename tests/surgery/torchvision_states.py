"""State dicts with torchvision's names and shapes, in its order; zeros that cost no memory unless values are asked for.

The sources are torchvision's vgg.py, alexnet.py, googlenet.py and resnet.py. `thin` divides all channels but the
classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

VGG = {11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}
RESNET = {
    18: ([2, 2, 2, 2], 1),
    34: ([3, 4, 6, 3], 1),
    50: ([3, 4, 6, 3], 4),
    101: ([3, 4, 23, 3], 4),
    152: ([3, 8, 36, 3], 4),
}
# Of each inception: what it reads, and its branches' 1x1, 3x3 reduced and 3x3, 5x5 reduced and 5x5, pool projection.
INCEPTIONS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class State(dict[str, Tensor]):
    """Grows layer by layer."""

    def __init__(self, values: bool = False):
        super().__init__()
        self.values_wanted = values

    def tensor(self, name: str, *shape: int) -> None:
        self[name] = torch.randn(shape) if self.values_wanted else torch.zeros(()).expand(shape)

    def layer(self, name: str, *shape: int, bias: bool = True) -> None:
        self.tensor(f"{name}.weight", *shape)
        if bias:
            self.tensor(f"{name}.bias", shape[0])

    def norm(self, name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.tensor(f"{name}.{part}", channels)
        self[f"{name}.num_batches_tracked"] = torch.tensor(0)

    def normed(self, name: str, *shape: int) -> None:
        """GoogLeNet's BasicConv2d."""
        self.layer(f"{name}.conv", *shape, bias=False)
        self.norm(f"{name}.bn", shape[0])


def vgg(depth: int = 16, norm: bool = False, thin: int = 1, classes: int = 1000, values: bool = False) -> State:
    state = State(values)
    before, index = 3, 0
    for width, convolutions in zip([64, 128, 256, 512, 512], VGG[depth], strict=True):
        for _ in range(convolutions):
            state.layer(f"features.{index}", width // thin, before, 3, 3)
            if norm:
                state.norm(f"features.{index + 1}", width // thin)
            before = width // thin
            index += 3 if norm else 2
        index += 1
    state.layer("classifier.0", 4096 // thin, before * 49)
    state.layer("classifier.3", 4096 // thin, 4096 // thin)
    state.layer("classifier.6", classes, 4096 // thin)
    return state


def alexnet(thin: int = 1, values: bool = False) -> State:
    state = State(values)
    before = 3
    for index, width, kernel in [(0, 64, 11), (3, 192, 5), (6, 384, 3), (8, 256, 3), (10, 256, 3)]:
        state.layer(f"features.{index}", width // thin, before, kernel, kernel)
        before = width // thin
    state.layer("classifier.1", 4096 // thin, before * 36)
    state.layer("classifier.4", 4096 // thin, 4096 // thin)
    state.layer("classifier.6", 1000, 4096 // thin)
    return state


def googlenet(aux: bool = True, classes: int = 1000) -> State:
    state = State()
    state.normed("conv1", 64, 3, 7, 7)
    state.normed("conv2", 64, 64, 1, 1)
    state.normed("conv3", 192, 64, 3, 3)
    for name, (reads, one, reduced3, three, reduced5, five, projected) in INCEPTIONS.items():
        state.normed(f"inception{name}.branch1", one, reads, 1, 1)
        state.normed(f"inception{name}.branch2.0", reduced3, reads, 1, 1)
        state.normed(f"inception{name}.branch2.1", three, reduced3, 3, 3)
        state.normed(f"inception{name}.branch3.0", reduced5, reads, 1, 1)
        state.normed(f"inception{name}.branch3.1", five, reduced5, 3, 3)
        state.normed(f"inception{name}.branch4.1", projected, reads, 1, 1)
    for name, reads in [("aux1", 512), ("aux2", 528)] if aux else []:
        state.normed(f"{name}.conv", 128, reads, 1, 1)
        state.layer(f"{name}.fc1", 1024, 2048)
        state.layer(f"{name}.fc2", classes, 1024)
    state.layer("fc", classes, 1024)
    return state


def resnet(depth: int = 50) -> State:
    state = State()
    blocks, expansion = RESNET[depth]
    state.layer("conv1", 64, 3, 7, 7, bias=False)
    state.norm("bn1", 64)
    before = 64
    for stage, count in enumerate(blocks, 1):
        width = 32 * 2**stage
        for block in range(count):
            name = f"layer{stage}.{block}"
            shapes = [(width, before, 3), (width, width, 3)]
            if expansion == 4:
                shapes = [(width, before, 1), (width, width, 3), (4 * width, width, 1)]
            for number, (channels, reads, kernel) in enumerate(shapes, 1):
                state.layer(f"{name}.conv{number}", channels, reads, kernel, kernel, bias=False)
                state.norm(f"{name}.bn{number}", channels)
            if block == 0 and (stage > 1 or expansion == 4):
                state.layer(f"{name}.downsample.0", width * expansion, before, 1, 1, bias=False)
                state.norm(f"{name}.downsample.1", width * expansion)
            before = width * expansion
    state.layer("fc", 1000, before)
    return state
