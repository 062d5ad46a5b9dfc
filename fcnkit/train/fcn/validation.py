"""Scores over the whole validation set while a net is trained, as solve.py of the FCN repository takes them.

Source: shelhamer/fcn.berkeleyvision.org score.py, do_seg_tests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from fcnkit.errors import DefinitionError, InputError
from fcnkit.generation.options import label_blob
from fcnkit.segment.metrics import Scores, histogram, means, plain
from fcnkit.segment.parallel import Ranks
from fcnkit.train.labels import LabelCheck, label_checks
from fcnkit.train.processes import mean
from fcnkit.train.running import Fed


class Validated(NamedTuple):
    """The scores and the mean loss of each head over a validation set, and the label maps of the shown images.

    The maps of an image are those of the heads in order, by the image's position.
    """

    heads: dict[str, Scores]
    losses: dict[str, float]
    maps: dict[int, list[np.ndarray]]

    @property
    def mean_iu(self) -> float:
        """The mean IU by which nets are compared: the mean over the heads."""
        return means(self.heads.values())["mean_iu"]

    def record(self) -> dict[str, Any]:
        """The scores as a log keeps them; see `Watcher.scored`."""
        own = {head: {**scores.as_dict(), "loss": self.losses[head]} for head, scores in self.heads.items()}
        if len(own) == 1:
            return next(iter(own.values()))
        return {**plain(means(self.heads.values())), "loss": sum(self.losses.values()), "heads": own}


def scored_heads(fed: Fed, heads: Iterable[str]) -> dict[str, LabelCheck]:
    """For each head of a net its scores, and the labels that they are compared with.

    Raises:
        DefinitionError: the net does not have one loss over the labels of each head.
    """
    found = {check.labels: check for check in label_checks(fed.net, fed.definition)}
    blobs = {head: label_blob(head) for head in heads}
    if found.keys() != set(blobs.values()):
        problem = f"has losses over the labels {', '.join(found) or 'of no head'}"
        raise DefinitionError(f"the net for validation {problem}; it must have one over {', '.join(blobs.values())}")
    return {head: found[blob] for head, blob in blobs.items()}


@torch.no_grad()
def validate(
    fed: Fed,
    heads: Iterable[str],
    count: int,
    shown: Collection[int],
    processes: Ranks,
    stopped: Callable[[], bool],
) -> Validated | None:
    """Score a net on its whole data set; each process takes its part, and all must call it.

    Args:
        fed: the net for testing; its data layer feeds one image at a time, in order.
        heads: the names of its heads.
        count: the number of images.
        shown: positions of images whose label maps are kept, in the process that computes them.
        processes: the processes.
        stopped: whether to stop.

    Returns:
        The scores over all processes, or None if one of them stopped.

    Raises:
        FcnkitError: an image or a label map cannot be read.
    """
    checks = scored_heads(fed, heads)
    fed.seek({})
    hists = {head: np.zeros((check.classes, check.classes), np.int64) for head, check in checks.items()}
    losses, maps, cut_short = torch.zeros(len(checks)), {}, False
    with processes.together():
        for position in processes.share(range(count)):
            if stopped():
                cut_short = True
                break
            inputs = fed.batch()
            fed_blobs = dict(zip(fed.net.inputs, inputs, strict=True))
            with fed.precision.autocast():
                own, scores = _computed(fed, checks, inputs)
            losses += own
            predicted = {head: scores[head].argmax(1) for head in checks}
            for head, check in checks.items():
                truth = fed_blobs[check.labels][:, 0].cpu().numpy()
                hists[head] += histogram(truth, predicted[head].cpu().numpy(), check.classes)
            if position in shown:
                maps[position] = [labels[0].cpu().numpy().astype(np.uint8) for labels in predicted.values()]
    if processes.total(cut_short):
        return None
    hists = {head: processes.sum(hist) for head, hist in hists.items()}
    for head, hist in hists.items():
        if not hist.any():
            of = f" for head {head!r}" if len(hists) > 1 else ""
            raise InputError(f"no pixel of the validation set counts{of}: every label is the ignored one")
    total = mean(processes, losses) * processes.world / count
    scored = {head: Scores(hist) for head, hist in hists.items()}
    return Validated(scored, dict(zip(checks, total.tolist(), strict=True)), maps)


def _computed(
    fed: Fed, checks: Mapping[str, LabelCheck], inputs: list[torch.Tensor]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The losses and the scores of a batch, by head. Other blobs are released as soon as the net needs them no more."""
    scores: dict[str, torch.Tensor] = {}
    losses: dict[str, torch.Tensor] = {}
    for step, tops in fed.net.walk(*inputs):
        for head, check in checks.items():
            if check.scores in step.tops:
                scores[head] = tops[step.tops.index(check.scores)]
            if step.name == check.layer:
                losses[head] = tops[0].float().sum().cpu()
    return torch.stack([losses[head] for head in checks]), scores
