"""`fcnkit train` beside a training loop written by hand in PyTorch: time and memory of an iteration.

    python benchmarks/training.py [thin|vgg16]

Both train an FCN-32s on the same images in memory with momentum and weight decay, each run in a process of its own and
in turn; the fastest iteration of each counts, for other work on the machine only adds time.
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
NETS = {"thin": (8, 4, 96, 20), "vgg16": (1, 21, 96, 4)}
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
ROUNDS = 3


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


def by_hand(divisor: int, classes: int, side: int, iterations: int) -> list[float]:
    """Seconds of each iteration of a loop written by hand."""
    net = FCN32s(divisor, classes).train()
    learns = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learns, lr=1e-10, momentum=0.99, weight_decay=5e-4)
    data = [(torch.from_numpy(image)[None], torch.from_numpy(label).long()) for image, label in samples(side, classes)]
    times = []
    for iteration in range(iterations):
        start = time.perf_counter()
        images, labels = data[iteration % len(data)]
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels, ignore_index=255, reduction="sum")
        loss.backward()
        optimizer.step()
        assert np.isfinite(loss.item())
        times.append(time.perf_counter() - start)
    return times


def by_fcnkit(divisor: int, classes: int, side: int, iterations: int) -> list[float]:
    """Seconds of each iteration of fcnkit train."""
    from fcnkit.train import Trainer
    from fcnkit.train.events import Watcher

    times: list[float] = []

    class Clock(Watcher):
        def started(self, iteration: int, max_iter: int) -> None:
            self.before = time.perf_counter()

        def stepped(self, *_: Any) -> None:
            now = time.perf_counter()
            times.append(now - self.before)
            self.before = now

    Path("net.prototxt").write_text(prototxt(divisor, classes))
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1e-10 lr_policy: "fixed" momentum: 0.99 weight_decay: 0.0005'
        f" max_iter: {iterations} snapshot_after_train: false random_seed: 1"
    )
    Trainer("solver.prototxt", data={"data": samples(side, classes)}, watcher=Clock()).run()
    return times


def child(kind: str, net: str) -> None:
    """One run, in this process; prints its times and the most memory it took."""
    times = {"fcnkit": by_fcnkit, "hand": by_hand}[kind](*NETS[net])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": min(times[1:]), "bytes": most}))


def main(names: list[str]) -> None:
    for net in names or NETS:
        found: dict[str, list[dict[str, float]]] = {"hand": [], "fcnkit": []}
        for _ in range(ROUNDS):
            for kind, results in found.items():
                with tempfile.TemporaryDirectory() as folder:
                    run = [sys.executable, os.path.abspath(__file__), "--child", kind, net]
                    output = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True).stdout
                results.append(json.loads(output))
        best = {kind: min(each["seconds"] for each in results) for kind, results in found.items()}
        most = {kind: min(each["bytes"] for each in results) for kind, results in found.items()}
        for kind in found:
            print(f"{net:6s} {kind:7s} {1 / best[kind]:8.3f} iterations/s {most[kind] / 1e6:8.0f} MB")
        print(f"{net:6s} ratio: time {best['fcnkit'] / best['hand']:.3f}, memory {most['fcnkit'] / most['hand']:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(sys.argv[1:])
