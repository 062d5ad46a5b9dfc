"""`fcnkit train` beside a training loop written by hand in PyTorch: time and memory of an iteration.

    python benchmarks/training.py [thin|vgg16]

Both train an FCN-32s on the same images in memory with momentum and weight decay. Their iterations take turns in one
process, and the fastest of each counts, for other work on the machine only adds time. Memory is that of a process of
each one's own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# What the widths of VGG16 are divided by, classes, image sides, iterations.
NETS = {"thin": (8, 4, 96, 30), "vgg16": (1, 21, 96, 8)}
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class FCN32s(nn.Module):
    """FCN-32s as one writes it in PyTorch."""

    def __init__(self, divisor: int, classes: int):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for block, (width, count) in enumerate(BLOCKS):
            for number in range(count):
                pad = 100 if block == number == 0 else 1
                layers += [nn.Conv2d(channels, width // divisor, 3, padding=pad), nn.ReLU(inplace=True)]
                channels = width // divisor
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        for kernel in (7, 1):
            layers += [nn.Conv2d(channels, 4096 // divisor, kernel), nn.ReLU(inplace=True), nn.Dropout(0.5)]
            channels = 4096 // divisor
        self.features = nn.Sequential(*layers, nn.Conv2d(channels, classes, 1))
        self.upscore = nn.ConvTranspose2d(classes, classes, 64, 32, bias=False)
        self.upscore.requires_grad_(False)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        # As Caffe's filler has it; on other values an iteration could take another time.
        tent = 1 - (torch.arange(64) - 31.5).abs() / 32
        self.upscore.weight.data[:] = tent[:, None] * tent

    def forward(self, images: Tensor) -> Tensor:
        scores = self.upscore(self.features(images))
        return scores[..., 19 : 19 + images.shape[2], 19 : 19 + images.shape[3]]


def prototxt(divisor: int, classes: int) -> str:
    """The same net for Caffe."""
    rates = "param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 1 decay_mult: 1 }"
    filler = 'weight_filler { type: "msra" }'
    lines = ['layer { name: "data" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 1 } }']
    bottom = "data"

    def convolution(name: str, width: int, kernel: int, pad: int, relu: bool = True) -> None:
        nonlocal bottom
        settings = f"num_output: {width} kernel_size: {kernel} pad: {pad} {filler}"
        lines.append(
            f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {rates}'
            f" convolution_param {{ {settings} }} }}"
        )
        bottom = name
        if relu:
            lines.append(f'layer {{ name: "relu_{name}" type: "ReLU" bottom: "{name}" top: "{name}" }}')

    for block, (width, count) in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            convolution(f"conv{block}_{number}", width // divisor, 3, 100 if block == number == 1 else 1)
        lines.append(
            f'layer {{ name: "pool{block}" type: "Pooling" bottom: "{bottom}" top: "pool{block}"'
            " pooling_param { pool: MAX kernel_size: 2 stride: 2 } }"
        )
        bottom = f"pool{block}"
    for name, kernel in (("fc6", 7), ("fc7", 1)):
        convolution(name, 4096 // divisor, kernel, 0)
        lines.append(f'layer {{ name: "drop_{name}" type: "Dropout" bottom: "{name}" top: "{name}" }}')
    convolution("score_fr", classes, 1, 0, relu=False)
    lines.append(
        'layer { name: "upscore" type: "Deconvolution" bottom: "score_fr" top: "upscore" param { lr_mult: 0 }'
        f" convolution_param {{ num_output: {classes} kernel_size: 64 stride: 32 bias_term: false"
        ' weight_filler { type: "bilinear" } } }\n'
        'layer { name: "score" type: "Crop" bottom: "upscore" bottom: "data" top: "score" crop_param { offset: 19 } }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"'
        " loss_param { ignore_label: 255 normalize: false } }"
    )
    return "\n".join(lines)


def samples(side: int, classes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images minus a mean, and label maps."""
    random = np.random.default_rng(1)
    return [
        (
            random.normal(0, 50, (3, side, side)).astype(np.float32),
            random.integers(0, classes, (1, side, side)).astype(np.float32),
        )
        for _ in range(8)
    ]


class ByHand:
    """A training loop written by hand."""

    def __init__(self, divisor: int, classes: int, side: int):
        self.net = FCN32s(divisor, classes).train()
        learns = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(learns, lr=1e-10, momentum=0.99, weight_decay=5e-4)
        self.data = [
            (torch.from_numpy(image)[None], torch.from_numpy(label).long()) for image, label in samples(side, classes)
        ]
        self.iteration = 0

    def step(self) -> None:
        """One iteration."""
        images, labels = self.data[self.iteration % len(self.data)]
        self.iteration += 1
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.net(images), labels, ignore_index=255, reduction="sum")
        loss.backward()
        self.optimizer.step()
        assert np.isfinite(loss.item())


def by_fcnkit(divisor: int, classes: int, side: int) -> Any:
    """A Trainer, whose files are written into the working folder."""
    from fcnkit.train import Trainer

    Path("net.prototxt").write_text(prototxt(divisor, classes))
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1e-10 lr_policy: "fixed" momentum: 0.99 weight_decay: 0.0005'
        " max_iter: 1000 random_seed: 1"
    )
    return Trainer("solver.prototxt", data={"data": samples(side, classes)})


KINDS = {"hand": ByHand, "fcnkit": by_fcnkit}


def child(kinds: str, net: str) -> None:
    """Some iterations of each kind in turn; prints their times and the most memory that this process took."""
    *settings, iterations = NETS[net]
    loops = {kind: KINDS[kind](*settings) for kind in kinds.split(",")}
    wall: dict[str, list[float]] = {kind: [] for kind in loops}
    processor: dict[str, list[float]] = {kind: [] for kind in loops}
    for _ in range(iterations if len(loops) > 1 else 3):
        for kind, loop in loops.items():
            start, used = time.perf_counter(), time.process_time()
            loop.step()
            wall[kind].append(time.perf_counter() - start)
            processor[kind].append(time.process_time() - used)
    # The first iteration makes the gradients and the history.
    print(
        json.dumps(
            {
                "wall": {kind: min(times[1:]) for kind, times in wall.items()},
                "processor": {kind: min(times[1:]) for kind, times in processor.items()},
                "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


def run(kinds: str, net: str) -> dict[str, Any]:
    """`child` in a process and a folder of its own."""
    command = [sys.executable, os.path.abspath(__file__), "--child", kinds, net]
    with tempfile.TemporaryDirectory() as folder:
        output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def main(names: list[str]) -> None:
    for net in names or NETS:
        times = run(",".join(KINDS), net)
        most = {kind: run(kind, net)["bytes"] for kind in KINDS}
        for kind in KINDS:
            wall, processor = times["wall"][kind], times["processor"][kind]
            print(f"{net:6s} {kind:7s} {1 / wall:7.3f} iterations/s {processor:7.3f} s CPU {most[kind] / 1e6:6.0f} MB")
        ratios = {unit: times[unit]["fcnkit"] / times[unit]["hand"] for unit in ("wall", "processor")}
        print(f"{net:6s} ratio: time {ratios['wall']:.3f}, CPU {ratios['processor']:.3f},", end=" ")
        print(f"memory {most['fcnkit'] / most['hand']:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(sys.argv[1:])
