"""Dense evaluation against cropping: one pass over an image, and one over each of its windows.

    python benchmarks/sliding_window.py
    python benchmarks/sliding_window.py --rounds 9 --json result.json

VGG16 and AlexNet (CaffeNet) at full size, with seeded random weights: what is measured does not depend on them. Both
sides run in this process in turns, the windows in batches of the size that is fastest here. The results are Markdown
tables on standard output.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.generation.nets import generate
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.net import CaffeNet
from fcnkit.surgery.dense import dense_net

STRIDE, CLASSES, SEED = 32, 1000, 8
BATCHES = (1, 4, 12)
# Image and window in pixels, and the pad of the first convolution in the classifier.
NETS = {"vgg16": (384, 224, 1), "alexnet": (500, 227, 0)}


def classifier(backbone: str, window: int, pad: int) -> CaffeNet:
    """The classifier that a backbone was cast from, with random weights that keep the size of what goes through."""
    net = prototxt.parse(generate("fcn", phase="deploy", backbone=backbone, classes=CLASSES))
    end = next(i for i, layer in enumerate(net.layer) if layer.name == "score_fr")
    del net.layer[end + 1 :]
    net.layer[0].input_param.shape[0].dim[2:] = [window, window]
    for layer in net.layer:
        if layer.type == "Convolution":
            layer.convolution_param.weight_filler.type = "msra"
    next(layer for layer in net.layer if layer.type == "Convolution").convolution_param.pad[0] = pad
    torch.manual_seed(SEED)
    return dense_net(CaffeNet(net), back=True, layers=["fc6", "fc7", "score_fr"])[0].eval()


def crops(image: Tensor, window: int, count: int) -> Tensor:
    """All windows of an image, (count * count, channels, window, window); where they leave it there are zeros."""
    room = max(window + STRIDE * (count - 1) - image.shape[2], 0)
    padded = torch.nn.functional.pad(image, (0, room, 0, room))
    patches = padded.unfold(2, window, STRIDE).unfold(3, window, STRIDE)[:, :, :count, :count]
    return patches[0].permute(1, 2, 0, 3, 4).reshape(-1, image.shape[1], window, window)


def seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


@torch.inference_mode()
def measure(backbone: str, rounds: int) -> dict[str, Any]:
    """Times of both ways, and how far their scores lie apart."""
    size, window, pad = NETS[backbone]
    net = classifier(backbone, window, pad)
    dense = fcnkit.fc2conv(net)
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(SEED)) * 60
    scores = dense(image)
    count = scores.shape[2]
    windows = crops(image, window, count)

    def by_windows(batch: int) -> Tensor:
        return torch.cat([net(part) for part in windows.split(batch)])

    batch = min(BATCHES, key=lambda n: seconds(lambda: by_windows(n)))
    times: dict[str, list[float]] = {"dense": [], "windows": []}
    for _ in range(rounds):
        times["dense"].append(seconds(lambda: dense(image)))
        times["windows"].append(seconds(lambda: by_windows(batch)))
    expected = by_windows(batch).T.reshape(1, -1, count, count)
    return {
        "net": backbone,
        "image": size,
        "window": window,
        "grid": count,
        "batch": batch,
        "dense_s": min(times["dense"]),
        "windows_s": min(times["windows"]),
        "ratio": min(times["windows"]) / min(times["dense"]),
        "difference": apart(scores, expected),
        "without_padding": without_padding(dense),
    }


def apart(scores: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest score."""
    return float((scores - expected).abs().max() / expected.abs().max())


def without_padding(dense: nn.Module) -> float:
    """How far the scores lie apart once no layer pads and the window is the receptive field."""
    assert isinstance(dense, CaffeNet)
    definition = dense.definition()
    for layer in definition.layer:
        if layer.type == "Convolution":
            layer.convolution_param.ClearField("pad")
    grid, _ = Coordinates(definition).blobs[dense.outputs[0]][dense.inputs[0]]
    window = int(grid.field)
    definition.layer[0].input_param.shape[0].dim[2:] = [window, window]
    bare = CaffeNet(definition, {name: [t.numpy() for t in tensors] for name, tensors in dense.blobs().items()}).eval()
    image = torch.randn(1, 3, window + STRIDE, window + STRIDE) * 60
    scores = bare(image)
    assert isinstance(scores, Tensor)
    assert scores.shape[2:] == (2, 2)
    expected = torch.cat([bare(crop[None]) for crop in crops(image, window, 2)]).flatten(1)
    return apart(scores, expected.T.reshape(1, -1, 2, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="also write all numbers here")
    arguments = parser.parse_args()
    results = [measure(backbone, arguments.rounds) for backbone in NETS]
    print("| net | image | windows | dense | by windows | ratio | scores differ by | without padding |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for found in results:
        print(
            f"| {found['net']} | {found['image']} x {found['image']} | {found['grid']} x {found['grid']}"
            f" of {found['window']} | {found['dense_s']:.2f} s | {found['windows_s']:.2f} s"
            f" (batches of {found['batch']}) | {found['ratio']:.1f} | {found['difference']:.2g}"
            f" | {found['without_padding']:.1g} |"
        )
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
