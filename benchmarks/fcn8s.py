"""Time and memory of fcnkit on a full-size FCN-8s, beside what one would use in its place.

    python benchmarks/fcn8s.py
    python benchmarks/fcn8s.py --rounds 3 --json result.json

Each measured thing runs in a process of its own, and the things of one group take turns, so that
whatever else the machine does hits all of them. The results are Markdown tables on standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

# This process imports nothing large, on purpose: a child's ru_maxrss starts at what its parent held when it was
# started (Linux, fs/exec.c, exec_mmap), so that a large parent would hide what its children need.

ROOT = Path(__file__).resolve().parent.parent
PARAMETERS = 134_489_759
WEIGHTS = 4 * PARAMETERS
SEED, CLASSES, SIZE = 8, 21, 500
MIB = 2**20

MODEL, DEFINITION, IMAGE = "fcn8s.caffemodel", "fcn8s.prototxt", "image.npy"


# The net and its weights


def definition() -> str:
    """The deploy net of voc-fcn8s (shelhamer/fcn.berkeleyvision.org, voc-fcn8s/deploy.prototxt) as text."""
    layers: list[str] = []

    def layer(name: str, kind: str, bottoms: str, parameters: str = "", top: str = "") -> None:
        reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
        layers.append(f'layer {{ name: "{name}" type: "{kind}" {reads} top: "{top or name}" {parameters} }}')

    def convolution(name: str, bottom: str, channels: int, kernel: int = 1, pad: int = 0) -> None:
        sizes = f"num_output: {channels} pad: {pad} kernel_size: {kernel} stride: 1"
        layer(name, "Convolution", bottom, f"convolution_param {{ {sizes} }}")

    def deconvolution(name: str, bottom: str, kernel: int, stride: int) -> None:
        sizes = f"num_output: {CLASSES} bias_term: false kernel_size: {kernel} stride: {stride}"
        layer(name, "Deconvolution", bottom, f"param {{ lr_mult: 0 }} convolution_param {{ {sizes} }}")

    def crop(name: str, bottom: str, reference: str, offset: int) -> None:
        layer(name, "Crop", f"{bottom} {reference}", f"crop_param {{ axis: 2 offset: {offset} }}")

    layer("input", "Input", "", f"input_param {{ shape {{ dim: [1, 3, {SIZE}, {SIZE}] }} }}", top="data")
    blob = "data"
    for block, (channels, count) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for index in range(1, count + 1):
            name = f"conv{block}_{index}"
            convolution(name, blob, channels, kernel=3, pad=100 if blob == "data" else 1)
            layer(f"relu{block}_{index}", "ReLU", name, top=name)
            blob = name
        layer(f"pool{block}", "Pooling", blob, "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        blob = f"pool{block}"
    for name, kernel in (("fc6", 7), ("fc7", 1)):
        convolution(name, blob, 4096, kernel)
        layer(name.replace("fc", "relu"), "ReLU", name, top=name)
        blob = name
    convolution("score_fr", "fc7", CLASSES)
    deconvolution("upscore2", "score_fr", 4, 2)
    convolution("score_pool4", "pool4", CLASSES)
    crop("score_pool4c", "score_pool4", "upscore2", 5)
    layer("fuse_pool4", "Eltwise", "upscore2 score_pool4c", "eltwise_param { operation: SUM }")
    deconvolution("upscore_pool4", "fuse_pool4", 4, 2)
    convolution("score_pool3", "pool3", CLASSES)
    crop("score_pool3c", "score_pool3", "upscore_pool4", 9)
    layer("fuse_pool3", "Eltwise", "upscore_pool4 score_pool3c", "eltwise_param { operation: SUM }")
    deconvolution("upscore8", "fuse_pool3", 16, 8)
    crop("score", "upscore8", "data", 31)
    return "\n".join(['name: "voc-fcn8s"', *layers]) + "\n"


def make(folder: Path) -> dict[str, Any]:
    """Write definition, weights and an image for the measurements; the same ones in every run."""
    import numpy as np

    from fcnkit.caffe import caffemodel, prototxt

    (folder / DEFINITION).write_text(definition())
    net = prototxt.parse(definition())
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


def read_copies(folder: Path) -> Callable[[], Any]:
    views = read_views(folder)
    return lambda: [tensor.clone() for tensor in views()]


def read_convert(folder: Path) -> Callable[[], Any]:
    import fcnkit
    import fcnkit.conversion

    return lambda: list(fcnkit.convert(folder / MODEL).state_dict().values())


def read_protobuf(folder: Path) -> Callable[[], Any]:
    import numpy as np

    from fcnkit.caffe.schema import NetParameter

    def work() -> list[np.ndarray]:
        net = NetParameter.FromString((folder / MODEL).read_bytes())
        return [
            np.array(blob.data, np.float32).reshape(blob.shape.dim) for layer in net.layer for blob in layer.blobs
        ]

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
    if part.startswith("read"):
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
    for function in (read_views, read_copies, read_convert, read_protobuf, read_opencv, forward_fcnkit, forward_opencv)
}


# The measurements


@dataclass
class Thing:
    """One measured thing, and what was found.

    Attributes:
        title: what it is, for the table.
        command: what the child process runs.
        inner: the child says itself how long it took; else the whole process counts.
        output: a file that it writes, removed again after each run.
        seconds: one time for each round.
        peak: the largest resident set, in bytes: pages of mapped files too.
        own: the largest part of it that is not pages of files.
        imports: the peak after the imports, where the child says it.
    """

    title: str
    command: list[str]
    inner: bool = False
    output: Path | None = None
    seconds: list[float] = field(default_factory=list)
    peak: int = 0
    own: int = 0
    imports: int = 0

    @property
    def fastest(self) -> float:
        return min(self.seconds)

    def run(self, watched: bool = False) -> None:
        """Run it once; a watched run gives its own memory and no time."""
        start = time.perf_counter()
        child = subprocess.Popen(self.command, stdout=subprocess.PIPE, env=_environment())
        if watched:
            self._watch(child.pid)
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stdout.close()
        if child.returncode:
            raise SystemExit(f"{self.title}: exit status {child.returncode}")
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        if self.inner:
            said = json.loads(printed)
            seconds, self.imports = said["seconds"], said.get("imports", 0)
        if not watched:
            self.seconds.append(seconds)
        if self.output:
            self.output.unlink()

    def _watch(self, pid: int) -> None:
        """Follow a process's own memory until it ends; it stays to be waited for."""
        with suppress(FileNotFoundError, ProcessLookupError):
            while lines := [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "RssAnon" in line]:
                self.own = max(self.own, int(lines[0].split()[1]) * 1024)
                time.sleep(0.002)


@dataclass
class Ratio:
    """One line of the summary: a ratio, and the most that it should be."""

    title: str
    value: float
    target: float | None = None


def _environment() -> dict[str, str]:
    """The caller's environment, with this checkout's fcnkit, and compiled modules kept as in any installation."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def _child(part: str, folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), "--part", part, str(folder)]


def _fcnkit(*arguments: str) -> list[str]:
    """The fcnkit command, as its entry point runs it."""
    return _python("import sys; from fcnkit.cli import main; sys.exit(main())", *arguments)


def groups(folder: Path) -> dict[str, dict[str, Thing]]:
    """All that is measured; the things of one group take turns."""
    model, converted, copied = folder / MODEL, folder / "converted.safetensors", folder / "copied"
    return {
        "Weights to tensors": {
            "views": Thing("fcnkit: caffemodel.read, views on the file", _child("read_views", folder), inner=True),
            "copies": Thing("fcnkit: the same, each cloned", _child("read_copies", folder), inner=True),
            "convert": Thing("fcnkit.convert: a net with its own weights", _child("read_convert", folder), inner=True),
            "opencv": Thing("OpenCV: readNetFromCaffe", _child("read_opencv", folder), inner=True),
            "protobuf": Thing("protobuf + NumPy: FromString, np.array", _child("read_protobuf", folder), inner=True),
        },
        "Convert": {
            "convert": Thing(
                "fcnkit convert to .safetensors",
                _fcnkit("convert", str(model), "-o", str(converted)),
                output=converted,
            ),
            "torch": Thing("import torch", _python("import torch")),
            "cp": Thing("cp", ["cp", str(model), str(copied)], output=copied),
        },
        f"Forward, {SIZE} x {SIZE}": {
            "fcnkit": Thing("fcnkit: torch.inference_mode", _child("forward_fcnkit", folder), inner=True),
            "opencv": Thing("OpenCV: forward", _child("forward_opencv", folder), inner=True),
        },
        "Start-up": {
            "fcnkit": Thing("fcnkit gen-prototxt --factor 32", _fcnkit("gen-prototxt", "--factor", "32")),
            "imports": Thing(
                "import click, jinja2, google.protobuf.text_format",
                _python("import click, jinja2, google.protobuf.text_format"),
            ),
            "python": Thing("python alone", _python("pass")),
        },
    }


def ratios(found: dict[str, dict[str, Thing]]) -> Iterator[Ratio]:
    """The summary: fastest runs against each other, and memory against the weights."""
    read, convert, forward, start = found.values()
    for part, what in (("views", "views"), ("copies", "copies"), ("convert", "fcnkit.convert")):
        yield Ratio(f"{what} / OpenCV", read[part].fastest / read["opencv"].fastest, 0.1)
        yield Ratio(f"{what} / protobuf + NumPy", read[part].fastest / read["protobuf"].fastest)
    for part, what in (("convert", "fcnkit.convert"), ("opencv", "OpenCV"), ("protobuf", "protobuf + NumPy")):
        yield Ratio(f"memory of {what} above its imports / weights", (read[part].peak - read[part].imports) / WEIGHTS)
    bound = convert["torch"].fastest + 2 * convert["cp"].fastest
    yield Ratio("fcnkit convert / (import torch + 2 cp)", convert["convert"].fastest / bound, 1)
    above = convert["convert"].peak - convert["torch"].peak
    yield Ratio("memory of fcnkit convert above import torch / weights", above / WEIGHTS, 1.2)
    yield Ratio("forward / OpenCV", forward["fcnkit"].fastest / forward["opencv"].fastest)
    yield Ratio("gen-prototxt / bare imports", start["fcnkit"].fastest / start["imports"].fastest, 1.3)


def report(found: dict[str, dict[str, Thing]], agreement: dict[str, float]) -> str:
    """The results as Markdown."""
    lines = [machine(), "", "| ratio | found | at most | |", "|---|--:|--:|---|"]
    for ratio in ratios(found):
        target, word = "", ""
        if ratio.target is not None:
            target, word = f"{ratio.target:g}", "met" if ratio.value <= ratio.target else "**missed**"
        lines.append(f"| {ratio.title} | {ratio.value:.3g} | {target} | {word} |")
    lines += ["", "| | fastest, s | median, s | peak, MiB | own, MiB |", "|---|--:|--:|--:|--:|"]
    for group, things in found.items():
        lines.append(f"| **{group}** | | | | |")
        lines += [
            f"| {thing.title} | {thing.fastest:.3g} | {median(thing.seconds):.3g}"
            f" | {thing.peak / MIB:.0f} | {thing.own / MIB:.0f} |"
            for thing in things.values()
        ]
    lines += [
        "",
        f"The two forward passes differ by {agreement['difference']:.1e} of the largest score;"
        f" {agreement['labels']:.4%} of the pixels get the same class.",
    ]
    return "\n".join(lines)


def machine() -> str:
    """The machine and the versions, in a sentence."""
    with suppress(OSError, StopIteration):
        names = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in names if line.startswith("model name"))
        packages = {"torch": "torch", "NumPy": "numpy", "protobuf": "protobuf", "OpenCV": "opencv-python-headless"}
        versions = ", ".join(f"{name} {version(package)}" for name, package in packages.items())
        return f"{cpu}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, {versions}."
    return platform.platform()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each thing (start-up: 4 times as many)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE too")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part, folder = arguments.part[0], Path(arguments.part[1])
        result = {"make": make, "compare": compare}[part](folder) if part not in PARTS else measure(part, folder)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory(prefix="fcnkit-bench-") as name:
        folder = Path(name)
        subprocess.run(_child("make", folder), check=True, stdout=subprocess.DEVNULL, env=_environment())
        found = groups(folder)
        for group, things in found.items():
            # The first round warms the file cache and is watched; its times do not count.
            for count in range(1 + arguments.rounds * (4 if group == "Start-up" else 1)):
                print(f"\r{group}: round {count} ", end="", file=sys.stderr, flush=True)
                for thing in things.values():
                    thing.run(watched=count == 0)
            print(file=sys.stderr)
        compared = subprocess.run(_child("compare", folder), check=True, stdout=subprocess.PIPE, env=_environment())
    agreement = json.loads(compared.stdout)
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
            "agreement": agreement,
        }
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
