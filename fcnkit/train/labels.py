"""Checks of the labels that are fed to a net, before a loss uses them as indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import InputError
from fcnkit.net import CaffeNet
from fcnkit.types.loss import CLASS_LABELS


class LabelCheck(NamedTuple):
    """A layer that compares scores with labels that a data layer feeds."""

    layer: str
    labels: str
    scores: str
    classes: int
    ignored: int | None


def label_checks(net: CaffeNet, definition: NetParameter) -> list[LabelCheck]:
    """The layers of a net that compare scores with labels that a data layer feeds."""
    checks = []
    for layer in definition.layer:
        labels = CLASS_LABELS.get(layer.type)
        if labels is None or len(layer.bottom) < 2 or layer.bottom[1] not in net.inputs:
            continue
        scores = net.shapes[layer.bottom[0]]
        ignored = labels.ignored(layer)
        checks.append(LabelCheck(layer.name, layer.bottom[1], layer.bottom[0], scores[labels.axis(layer)], ignored))
    return checks


def check_labels(checks: Sequence[LabelCheck], batch: Mapping[str, Tensor]) -> None:
    """Check that all labels are classes.

    Raises:
        InputError: a label is not a class.
    """
    for check in checks:
        labels = batch[check.labels]
        if not labels.numel():
            continue
        low, high = (value.item() for value in labels.aminmax())
        if low >= 0 and high < check.classes:
            continue
        whole = labels.long()
        wrong = (whole < 0) | (whole >= check.classes)
        if check.ignored is not None:
            wrong &= whole != check.ignored
        if wrong.any():
            value = labels[wrong][0].item()
            ignoring = "no label is ignored" if check.ignored is None else f"{check.ignored} is ignored"
            raise InputError(
                f"layer {check.layer!r}: blob {check.labels!r} has the label {value:g}, but {check.scores!r} has"
                f" {check.classes} classes, 0 to {check.classes - 1}, and {ignoring}"
            )
