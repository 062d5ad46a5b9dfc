"""The forward pass of a full-size FCN-8s: fcnkit.optimized beside PyTorch's own way and other runtimes.

    python benchmarks/forward.py
    python benchmarks/forward.py --threads 1 --rounds 9 --sizes 1x500x500 4x256x256 --json result.json

All run in this process on the same image, in turns; in each round each runs once. A time is divided by that of plain
PyTorch in the same round, and the median over the rounds is the result: other work on the machine hits all alike.
With --processor the times are of the processor, for machines that have much else to do; they fit one thread best.
Weights are random, of the values of a trained net's. OpenVINO takes part where it is installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
from fcn8s import DEFINITION, MODEL, make
from torch import Tensor, nn

import fcnkit
from fcnkit.net import CaffeNet
from fcnkit.nn.normalization import BatchNorm

SIZES = ("1x500x500", "1x375x500", "1x256x256", "4x256x256")
PLAIN, FAST = "PyTorch", "fcnkit.optimized"
Run = Callable[[np.ndarray], np.ndarray]


def onnx_runtime(path: Path, threads: int) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def opencv(folder: Path, threads: int) -> Run:
    cv2.setNumThreads(threads)
    net = cv2.dnn.readNetFromCaffe(str(folder / DEFINITION), str(folder / MODEL))

    def run(image: np.ndarray) -> np.ndarray:
        net.setInput(image)
        scores: np.ndarray = net.forward()
        return scores

    return run


def openvino(path: Path, threads: int, shape: Sequence[int]) -> Run | None:
    try:
        from openvino import Core
    except ImportError:
        return None
    core = Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", settings)
    return lambda image: np.asarray(compiled(image)[0])


def in_torch(net: Callable[[Tensor], Any]) -> Run:
    def run(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            scores: np.ndarray = net(torch.from_numpy(image)).numpy()
        return scores

    return run


def measure(
    runs: dict[str, Run], shape: Sequence[int], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Any]:
    """Times and ratios of the runs for one shape of the input, and how far their scores lie apart."""
    image = np.random.default_rng(8).uniform(-120, 140, shape).astype(np.float32)
    first = clock()
    scores = {FAST: runs[FAST](image)}
    first = clock() - first
    scores |= {name: run(image) for name, run in runs.items() if name != FAST}
    largest = abs(scores[PLAIN]).max()
    times: dict[str, list[float]] = {name: [] for name in runs}
    turns = list(runs)
    for _ in range(rounds):
        for name in turns:
            start = clock()
            runs[name](image)
            times[name].append(clock() - start)
        turns.append(turns.pop(0))
    ratio = {
        name: median(t / plain for t, plain in zip(found, times[PLAIN], strict=True)) for name, found in times.items()
    }
    return {
        "shape": "x".join(map(str, shape)),
        "first": first,
        "times": times,
        "ratio": ratio,
        "against": {name: median(t / o for t, o in zip(times[FAST], times[name], strict=True)) for name in runs},
        "difference": {name: float(abs(found - scores[PLAIN]).max() / largest) for name, found in scores.items()},
        "labels": {name: float((f.argmax(1) == scores[PLAIN].argmax(1)).mean()) for name, f in scores.items()},
    }


def report(results: Sequence[dict[str, Any]]) -> str:
    names = list(results[0]["ratio"])
    lines = ["| input | PyTorch, s | " + " | ".join(n for n in names if n != PLAIN) + " | scores differ by | labels |"]
    lines.append("|---|" + "--:|" * (len(names) + 2))
    for found in results:
        ratios = [f"{found['ratio'][name]:.2f}" for name in names if name != PLAIN]
        seconds = f"{median(found['times'][PLAIN]):.2f}"
        cells = [found["shape"], seconds, *ratios, f"{found['difference'][FAST]:.0e}", f"{found['labels'][FAST]:.4%}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| fcnkit.optimized against | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    lines += [
        f"| {found['shape']} | " + " | ".join(f"{found['against'][name]:.2f}" for name in names) + " |"
        for found in results
    ]
    return "\n".join(lines)


def random_net(definition: str) -> CaffeNet:
    """A net with weights that keep the spread of the values on their way through it."""
    net = CaffeNet(definition).eval()
    torch.manual_seed(8)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(0, (2 / module.weight[0].numel()) ** 0.5)
            elif isinstance(module, BatchNorm):
                module.variance.fill_(1)
                module.scale_factor.fill_(1)
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="NxHxW")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--processor", action="store_true", help="measure processor time, of all threads together")
    parser.add_argument("--definition", type=Path, help="a prototxt instead of FCN-8s, with PyTorch and fcnkit alone")
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        others: dict[str, Run] = {}
        if arguments.definition is None:
            make(folder)
            net = fcnkit.convert(folder / MODEL)
            fcnkit.save(net, folder / "net.onnx")
            others["ONNX Runtime"] = onnx_runtime(folder / "net.onnx", arguments.threads)
            others["OpenCV"] = opencv(folder, arguments.threads)
        else:
            net = random_net(arguments.definition.read_text())
        runs = {PLAIN: in_torch(net), FAST: in_torch(fcnkit.optimized(net)), **others}
        for size in arguments.sizes:
            batch, *pixels = map(int, size.split("x"))
            shape = (batch, net.shapes[net.inputs[0]][1], *pixels)
            vino = openvino(folder / "net.onnx", arguments.threads, shape) if others else None
            clock = time.process_time if arguments.processor else time.perf_counter
            results.append(measure(runs | ({"OpenVINO": vino} if vino else {}), shape, arguments.rounds, clock))
            del vino
            gc.collect()
            print(report(results[-1:]), flush=True)
    print("\n" + report(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
