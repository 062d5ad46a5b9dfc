"""Time and memory of fcnkit on a full-size FCN-8s, beside what one would use in its place.

    python benchmarks/fcn8s.py
    python benchmarks/fcn8s.py --rounds 3 --json result.json

Each measured thing runs in a process of its own, and the things of one group take turns, so that whatever else the
machine does hits all of them. The results are Markdown tables on standard output; README.md says how to read them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from running import MIB, Thing, environment, fcnkit, machine, python, take_turns

PARAMETERS = 134_489_759
WEIGHTS = 4 * PARAMETERS
SEED, CLASSES, SIZE = 8, 21, 500

MODEL, DEFINITION, IMAGE = "fcn8s.caffemodel", "fcn8s.prototxt", "image.npy"


# The net and its weights


def make(folder: Path) -> dict[str, Any]:
    """Write definition, weights and an image for the measurements; the same ones in every run."""
    import numpy as np

    import fcnkit
    from fcnkit.caffe import caffemodel, prototxt

    definition = fcnkit.generate("voc-fcn8s", phase="deploy")
    (folder / DEFINITION).write_text(definition)
    net = prototxt.parse(definition)
    random = np.random.default_rng(SEED)
    channels = {"data": 3}
    blobs: dict[str, list[np.ndarray]] = {}
    for layer in net.layer:
        p = layer.convolution_param
        width = channels.get(layer.bottom[0], 0) if layer.bottom else 3
        if layer.type == "Convolution":
            shape = (p.num_output, width, p.kernel_size[0], p.kernel_size[0])
            # Values that neither grow nor fade on their way through the layers, as in a trained net.
            scale = np.float32(np.sqrt(2 / np.prod(shape[1:])))
            biases = random.standard_normal(p.num_output, np.float32)
            blobs[layer.name] = [random.standard_normal(shape, np.float32) * scale, biases]
        elif layer.type == "Deconvolution":
            kernel, stride = p.kernel_size[0], p.stride[0]
            line = 1 - abs(np.arange(kernel) - (kernel - 1) / 2) / stride
            weight = np.zeros((width, p.num_output, kernel, kernel), np.float32)
            weight[np.arange(width), np.arange(width)] = np.outer(line, line)
            blobs[layer.name] = [weight]
        channels[layer.top[0]] = p.num_output if layer.name in blobs else width
    count = sum(blob.size for found in blobs.values() for blob in found)
    assert count == PARAMETERS, count
    caffemodel.write(folder / MODEL, net, blobs)
    np.save(folder / IMAGE, random.uniform(-120, 140, (1, 3, SIZE, SIZE)).astype(np.float32))
    return {}


# What a child process measures: each function imports what it needs and gives the work that is timed


def read_views(folder: Path) -> Callable[[], Any]:
    import torch

    from fcnkit.caffe import caffemodel

    return lambda: [torch.from_numpy(a) for found in caffemodel.read(folder / MODEL).blobs.values() for a in found]


def read_sum(folder: Path) -> Callable[[], Any]:
    views = read_views(folder)

    def work() -> Any:
        tensors = views()
        for tensor in tensors:
            tensor.sum()
        return tensors

    return work


def read_copies(folder: Path) -> Callable[[], Any]:
    views = read_views(folder)
    return lambda: [tensor.clone() for tensor in views()]


def read_convert(folder: Path) -> Callable[[], Any]:
    import fcnkit
    import fcnkit.formats

    return lambda: list(fcnkit.convert(folder / MODEL).state_dict().values())


def memory_alone(folder: Path) -> Callable[[], Any]:
    """No reading at all: what any copy costs at least."""
    import torch

    return lambda: [torch.empty(PARAMETERS).zero_()]


def read_protobuf(folder: Path) -> Callable[[], Any]:
    import numpy as np

    from fcnkit.caffe.messages import NetParameter

    def work() -> list[np.ndarray]:
        net = NetParameter.FromString((folder / MODEL).read_bytes())
        return [np.array(blob.data, np.float32).reshape(blob.shape.dim) for layer in net.layer for blob in layer.blobs]

    return work


def read_opencv(folder: Path) -> Callable[[], Any]:
    import cv2

    return lambda: cv2.dnn.readNetFromCaffe(str(folder / DEFINITION), str(folder / MODEL))


def forward_fcnkit(folder: Path) -> Callable[[], Any]:
    import numpy as np
    import torch

    import fcnkit

    net, image = fcnkit.convert(folder / MODEL), torch.from_numpy(np.load(folder / IMAGE))

    def work() -> np.ndarray:
        with torch.inference_mode():
            return net(image).numpy()

    return work


def forward_opencv(folder: Path) -> Callable[[], Any]:
    import cv2
    import numpy as np

    net, image = read_opencv(folder)(), np.load(folder / IMAGE)
    assert cv2.getNumThreads() == len(os.sched_getaffinity(0))

    def work() -> np.ndarray:
        net.setInput(image)
        return net.forward()

    return work


def measure(part: str, folder: Path) -> dict[str, Any]:
    """In a child: time one of the functions above, and check that it did the work."""
    if not part.startswith("forward"):
        work = PARTS[part](folder)
        before = _peak()
        start = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - start
        if part == "read_opencv":
            names = [name for name in result.getLayerNames() if result.getLayer(name).blobs]
            values = sum(blob.size for name in names for blob in result.getLayer(name).blobs)
        else:
            values = sum(blob.size if part == "read_protobuf" else blob.numel() for blob in result)
        assert values == PARAMETERS, values
        return {"seconds": seconds, "imports": before}
    import numpy as np

    work = PARTS[part](folder)
    work()  # the first run also lays out memory and packs weights
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    np.save(folder / f"{part}.npy", result)
    return {"seconds": seconds}


def library(folder: Path) -> dict[str, Any]:
    """In a child: time what importing fcnkit adds to importing what it is built on."""
    import google.protobuf.text_format  # noqa: F401
    import numpy  # noqa: F401
    import torch  # noqa: F401

    start = time.perf_counter()
    import fcnkit

    assert fcnkit.convert
    assert fcnkit.load
    return {"seconds": time.perf_counter() - start}


def compare(folder: Path) -> dict[str, Any]:
    """In a child: how far the two forward passes are apart, relative to the largest score."""
    import numpy as np

    ours, theirs = (np.load(folder / f"{part}.npy").astype(float) for part in ("forward_fcnkit", "forward_opencv"))
    assert ours.shape == theirs.shape == (1, CLASSES, SIZE, SIZE), (ours.shape, theirs.shape)
    return {
        "difference": float(abs(ours - theirs).max() / abs(theirs).max()),
        "labels": float((ours.argmax(1) == theirs.argmax(1)).mean()),
    }


def _peak() -> int:
    """The most memory this process has held so far, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


PARTS: dict[str, Callable[[Path], Callable[[], Any]]] = {
    function.__name__: function
    for function in (
        read_views,
        read_sum,
        read_copies,
        read_convert,
        read_opencv,
        read_protobuf,
        memory_alone,
        forward_fcnkit,
        forward_opencv,
    )
}


# The measurements


@dataclass
class Ratio:
    """One line of the summary.

    Attributes:
        title: what is divided by what.
        fastest: of the fastest runs, or of the memory.
        median: of the median runs; None for memory.
        target: the most that it should be.
    """

    title: str
    fastest: float
    median: float | None = None
    target: float | None = None


def _child(part: str, folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), "--part", part, str(folder)]


def groups(folder: Path) -> dict[str, dict[str, Thing]]:
    """All that is measured; the things of one group take turns."""
    model, converted, copied = folder / MODEL, folder / "converted.safetensors", folder / "copied"
    return {
        "Weights to tensors": {
            "views": Thing("fcnkit: caffemodel.read, views on the file", _child("read_views", folder), inner=True),
            "sum": Thing("fcnkit: the same, and each value read", _child("read_sum", folder), inner=True),
            "copies": Thing("fcnkit: the same, each cloned", _child("read_copies", folder), inner=True),
            "convert": Thing("fcnkit.convert: a net with its own weights", _child("read_convert", folder), inner=True),
            "opencv": Thing("OpenCV: readNetFromCaffe", _child("read_opencv", folder), inner=True),
            "protobuf": Thing("protobuf + NumPy: FromString, np.array", _child("read_protobuf", folder), inner=True),
            "memory": Thing("as much memory, filled with 0", _child("memory_alone", folder), inner=True),
        },
        "Convert": {
            "convert": Thing(
                "fcnkit convert to .safetensors",
                fcnkit("convert", str(model), "-o", str(converted)),
                output=converted,
            ),
            "torch": Thing("import torch", python("import torch")),
            "cp": Thing("cp", ["cp", str(model), str(copied)], output=copied),
        },
        f"Forward, {SIZE} x {SIZE}": {
            "fcnkit": Thing("fcnkit: torch.inference_mode", _child("forward_fcnkit", folder), inner=True),
            "opencv": Thing("OpenCV: forward", _child("forward_opencv", folder), inner=True),
        },
        "Start-up": {
            "fcnkit": Thing("fcnkit gen-prototxt --factor 32", fcnkit("gen-prototxt", "--factor", "32")),
            "imports": Thing(
                "import click, jinja2, google.protobuf.text_format",
                python("import click, jinja2, google.protobuf.text_format"),
            ),
            "python": Thing("python alone", python("pass")),
            "library": Thing(
                "import fcnkit, its convert and load, behind torch, NumPy and protobuf", _child("library", folder), True
            ),
        },
    }


def ratios(found: dict[str, dict[str, Thing]]) -> Iterator[Ratio]:
    """The summary."""

    def times(title: str, numerator: Thing, *denominators: tuple[float, Thing], target: float | None = None) -> Ratio:
        fastest, middle = (
            of(numerator.seconds) / sum(factor * of(thing.seconds) for factor, thing in denominators)
            for of in (min, median)
        )
        return Ratio(title, fastest, middle, target)

    read, convert, forward, start = found.values()
    for part, what, target in (
        ("views", "views", 0.1),
        ("copies", "views, cloned", None),
        ("convert", "fcnkit.convert", None),
    ):
        yield times(f"{what} / OpenCV", read[part], (1, read["opencv"]), target=target)
        yield times(f"{what} / protobuf + NumPy", read[part], (1, read["protobuf"]))
    yield times("fcnkit.convert / as much memory, filled with 0", read["convert"], (1, read["memory"]))
    for part, what in (("convert", "fcnkit.convert"), ("opencv", "OpenCV"), ("protobuf", "protobuf + NumPy")):
        yield Ratio(f"memory of {what} above its imports / weights", (read[part].peak - read[part].imports) / WEIGHTS)
    yield times(
        "fcnkit convert / (import torch + 2 cp)",
        convert["convert"],
        (1, convert["torch"]),
        (2, convert["cp"]),
        target=1,
    )
    memory = (convert["convert"].peak - convert["torch"].peak) / WEIGHTS
    yield Ratio("memory of fcnkit convert above import torch / weights", memory, target=1.2)
    yield times("forward / OpenCV", forward["fcnkit"], (1, forward["opencv"]))
    yield times("gen-prototxt / bare imports", start["fcnkit"], (1, start["imports"]), target=1.3)
    library = [1000 * of(start["library"].seconds) for of in (min, median)]
    yield Ratio("import of fcnkit above its dependencies, in ms", *library, target=30)


def report(found: dict[str, dict[str, Thing]], agreement: dict[str, float]) -> str:
    """The results as Markdown."""
    lines = [machine(), "", "| ratio | of the fastest | of the medians | at most | |", "|---|--:|--:|--:|---|"]
    for ratio in ratios(found):
        middle = "" if ratio.median is None else f"{ratio.median:.3g}"
        target, word = "", ""
        if ratio.target is not None:
            target, word = f"{ratio.target:g}", "met" if ratio.fastest <= ratio.target else "**missed**"
        lines.append(f"| {ratio.title} | {ratio.fastest:.3g} | {middle} | {target} | {word} |")
    lines += ["", "| | fastest, s | median, s | peak, MiB | own, MiB |", "|---|--:|--:|--:|--:|"]
    for group, things in found.items():
        lines.append(f"| **{group}** | | | | |")
        lines += [
            f"| {thing.title} | {min(thing.seconds):.3g} | {median(thing.seconds):.3g}"
            f" | {thing.peak / MIB:.0f} | {thing.own / MIB:.0f} |"
            for thing in things.values()
        ]
    lines += [
        "",
        f"The two forward passes differ by {agreement['difference']:.1e} of the largest score;"
        f" {agreement['labels']:.4%} of the pixels get the same class.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each thing; start-up: 4 times as many")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE too")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part, folder = arguments.part[0], Path(arguments.part[1])
        others = {"make": make, "library": library, "compare": compare}
        result = others[part](folder) if part in others else measure(part, folder)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory(prefix="fcnkit-bench-") as name:
        folder = Path(name)
        subprocess.run(_child("make", folder), check=True, stdout=subprocess.DEVNULL, env=environment())
        found = groups(folder)
        for group, things in found.items():
            take_turns(group, things.values(), arguments.rounds * (4 if group == "Start-up" else 1))
        agreement = json.loads(subprocess.check_output(_child("compare", folder), env=environment()))
    print(report(found, agreement))
    if arguments.json:
        numbers = {
            "machine": machine(),
            "ratios": [vars(ratio) for ratio in ratios(found)],
            "things": {
                group: {
                    key: {n: v for n, v in vars(thing).items() if n not in ("command", "output", "inner")}
                    for key, thing in things.items()
                }
                for group, things in found.items()
            },
            "forward": agreement,
        }
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
