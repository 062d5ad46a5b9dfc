"""Verification of a net against another runtime, or against a dump of blobs, blob by blob."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from fcnkit.aliases import AnyPath
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FcnkitError, FileFormatError, InputError, naming
from fcnkit.formats import npz
from fcnkit.formats.loading import load
from fcnkit.inspect import runtimes
from fcnkit.inspect.comparison import Gap, LayerGap, gap, seeded_inputs
from fcnkit.inspect.kinds import detections_gap, probabilities
from fcnkit.inspect.runtimes import RUNTIMES, Job
from fcnkit.net import CaffeNet, Step
from fcnkit.net.conversion import InputShape, Reading
from fcnkit.types.detection import DETECTION_OUTPUT

# The prefixes of input blobs and computed blobs in a dump.
IN, OUT = "in/", "out/"


class VerificationError(FcnkitError):
    """The error of a blob exceeds the tolerance."""


@dataclass(frozen=True)
class Verification:
    """The errors of a net's blobs.

    Attributes:
        against: the reference.
        gaps: the errors in the net's order.
        unseen: layers and blobs that could not be compared.
        notes: where the net was written for the reference in another way.
    """

    against: str
    gaps: list[LayerGap]
    unseen: list[str]
    notes: list[str] = field(default_factory=list)

    def require(self, tolerance: float) -> None:
        """Check that no blob's error exceeds the tolerance, relative to its largest value.

        Raises:
            VerificationError: an error exceeds it; the message names the first such blob.
        """
        off = [each for each in self.gaps if not each.gap.relative <= tolerance]
        if off:
            layer, blob, found = off[0]
            raise VerificationError(
                f"blob {blob!r} of layer {layer!r} differs by {found.difference:.3g}, more than the tolerance"
                f" {tolerance:g} of its largest value, {found.value:.3g}; {len(off)} of {len(self.gaps)} blobs do"
            )


def verify(
    model: AnyPath,
    against: str | None = None,
    prototxt: AnyPath | None = None,
    input_shape: InputShape | None = None,
    seed: int = 0,
    **reading: Unpack[Reading],
) -> Verification:
    """Run a net and compare its blobs with those of another runtime.

    Args:
        model, prototxt, input_shape: as in `fcnkit.load`.
        against: caffe, opencv, onnxruntime, or a dump: an .npz file of blobs, `in/NAME` and `out/NAME`; None takes
            the first runtime that is installed.
        seed: the seed of the random input values; with a dump, the dump's inputs are used.

    Raises:
        FcnkitError: a file cannot be opened, a runtime is missing or cannot run the net, or nothing can be compared.
    """
    if against is not None and against not in RUNTIMES:
        found = _with_dump(model, against, prototxt, input_shape, reading)
    else:
        found = _with_runtime(model, runtimes.find(against), prototxt, input_shape, seed, reading)
    if not found.gaps:
        raise InputError(f"no blob of the net is in {found.against}, so nothing can be compared").in_file(model)
    return found


def _with_runtime(
    model: AnyPath,
    runtime: runtimes.Runtime,
    prototxt: AnyPath | None,
    shape: InputShape | None,
    seed: int,
    reading: Reading,
) -> Verification:
    net = load(model, prototxt, input_shape=shape, untrained="refuse", **reading)
    inputs = seeded_inputs(net, seed)
    with naming(model), tempfile.TemporaryDirectory() as folder:
        arrays = {name: value.numpy() for name, value in inputs.items()}
        job = Job(net, Path(model), arrays, Path(folder), [])
        tops = runtimes.run(runtime, job)
    gaps = list(_gaps(net, inputs, tops))
    seen = {(layer, blob) for layer, blob, _ in gaps}
    unseen = [step.name for step in net.steps if any((step.name, top) not in seen for top in step.tops)]
    return Verification(runtime.title, gaps, unseen, job.notes)


@torch.no_grad()
def _gaps(net: CaffeNet, inputs: dict[str, Tensor], tops: runtimes.Tops) -> Iterator[LayerGap]:
    probable = probabilities(net)
    for step, own in net.walk(**inputs):
        for name, top, other in zip(step.tops, own, tops.get(step.name, ()), strict=False):
            if other is not None:
                yield LayerGap(step.name, name, _gap(step, top, other, (step.name, name) in probable))


def _gap(step: Step, found: Tensor, expected: np.ndarray, probable: bool) -> Gap:
    """The error of a blob; OpenCV adds axes of 1 to blobs of few axes.

    Probabilities are compared with 1: it is no error that 1e-9 is 2e-9 elsewhere.
    """
    other = torch.from_numpy(np.ascontiguousarray(expected))
    if step.kind == DETECTION_OUTPUT.name:
        return detections_gap(found, other)
    if _sizes(found.shape) != _sizes(other.shape):
        return Gap(tuple(other.shape), torch.inf, 0.0, other.numel())
    error = gap(found, other.reshape(found.shape))
    return error._replace(value=max(error.value, 1.0)) if probable else error


def _sizes(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]


def _with_dump(
    model: AnyPath, dump: str, prototxt: AnyPath | None, shape: InputShape | None, reading: Reading
) -> Verification:
    inputs, expected = _read(dump)
    # A dump of a net in training or testing has labels and losses too.
    net = load(model, prototxt, input_shape=shape, deploy=False, **reading)
    if not inputs.keys() >= set(net.inputs):
        net = load(model, prototxt, input_shape=shape, **reading)
    lacking = [name for name in net.inputs if name not in inputs]
    if lacking:
        raise InputError(f"has no array {IN + lacking[0]!r}, an input of the net").in_file(dump)
    with torch.no_grad(), naming(model):
        blobs = net.forward_blobs(**{name: torch.from_numpy(inputs[name]) for name in net.inputs})
    makers, probable = {top: step for step in net.steps for top in step.tops}, probabilities(net)
    gaps = [
        LayerGap(step.name, name, _gap(step, blobs[name], expected[name], (step.name, name) in probable))
        for name, step in makers.items()
        if name in expected
    ]
    return Verification(str(dump), gaps, [name for name in expected if name not in {**makers, **inputs}])


def _read(dump: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The input blobs and the computed blobs of a dump, by name."""
    try:
        kind = sniff(dump)
    except FileFormatError as error:
        if Path(dump).suffix:
            raise
        known = f"{str(error).removeprefix(f'{dump}: ')}; known are {', '.join(RUNTIMES)} and .npz files"
        raise FileFormatError(known).in_file(dump) from None
    with naming(dump):
        found = npz.read_state(dump) if kind.intact in (FileKind.NPZ, FileKind.ZIP) else {}
    arrays = {name: tensor.numpy() for name, tensor in found.items()}
    blobs = [
        {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        for prefix in (IN, OUT)
    ]
    if not blobs[1]:
        known = ", ".join(RUNTIMES)
        raise FileFormatError(
            f"is not a dump of blobs, an .npz file with arrays '{IN}NAME' and '{OUT}NAME', and not one of {known}"
        ).in_file(dump)
    return blobs[0], blobs[1]
