"""Scores over the whole validation set while a net is trained, as solve.py of the FCN repository takes them.

Source: shelhamer/fcn.berkeleyvision.org score.py, do_seg_tests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
import torch

from fcnkit.errors import DefinitionError, InputError
from fcnkit.segment.metrics import Scores, histogram
from fcnkit.segment.parallel import Ranks
from fcnkit.train.labels import LabelCheck, label_checks
from fcnkit.train.processes import mean
from fcnkit.train.running import Fed


class Validated(NamedTuple):
    """The scores of a validation set, the mean loss, and the label maps of the shown images by their position."""

    scores: Scores
    loss: float
    maps: dict[int, np.ndarray]

    def record(self) -> dict[str, Any]:
        """The scores as a log keeps them."""
        return {**self.scores.as_dict(), "loss": self.loss}


def scored_head(fed: Fed) -> LabelCheck:
    """The scores of a net and the labels that they are compared with.

    Raises:
        DefinitionError: the net has no loss that compares scores with labels, or several.
    """
    found = label_checks(fed.net, fed.definition)
    if len(found) != 1:
        raise DefinitionError(f"the net for validation has {len(found)} losses over labels; it must have one")
    return found[0]


@torch.no_grad()
def validate(
    fed: Fed, count: int, shown: Collection[int], processes: Ranks, stopped: Callable[[], bool]
) -> Validated | None:
    """Score a net on its whole data set; each process takes its part, and all must call it.

    Args:
        fed: the net for testing; its data layer feeds one image at a time, in order.
        count: the number of images.
        shown: positions of images whose label maps are kept, in the process that computes them.
        processes: the processes.
        stopped: whether to stop.

    Returns:
        The scores over all processes, or None if one of them stopped.

    Raises:
        FcnkitError: an image or a label map cannot be read.
    """
    head = scored_head(fed)
    fed.seek({})
    hist = np.zeros((head.classes, head.classes), np.int64)
    loss, maps, cut_short = torch.zeros(1), {}, False
    with processes.together():
        for position in processes.share(range(count)):
            if stopped():
                cut_short = True
                break
            inputs = fed.batch()
            labels = dict(zip(fed.net.inputs, inputs, strict=True))[head.labels]
            with fed.precision.autocast():
                own, scores = _computed(fed, head, inputs)
            predicted = scores.argmax(1)
            hist += histogram(labels[:, 0].cpu().numpy(), predicted.cpu().numpy(), head.classes)
            loss += own
            if position in shown:
                maps[position] = predicted[0].cpu().numpy().astype(np.uint8)
    if processes.total(cut_short):
        return None
    hist = processes.sum(hist)
    if not hist.any():
        raise InputError("no pixel of the validation set counts: every label is the ignored one")
    total = mean(processes, loss).item() * processes.world
    return Validated(Scores(hist), total / count, maps)


def _computed(fed: Fed, head: LabelCheck, inputs: list[torch.Tensor]) -> tuple[float, torch.Tensor]:
    """The loss and the scores of a batch. Other blobs are released as soon as the net no longer needs them."""
    found: dict[str, torch.Tensor] = {}
    for step, tops in fed.net.walk(*inputs):
        if head.scores in step.tops:
            found["scores"] = tops[step.tops.index(head.scores)]
        if step.name == head.layer:
            found["loss"] = tops[0]
    return found["loss"].float().sum().item(), found["scores"]
