"""A net and its feeds on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fcnkit.caffe.messages import NetParameter, SolverParameter
from fcnkit.errors import InputError
from fcnkit.net import CaffeNet
from fcnkit.net.neutral import neutral
from fcnkit.train.data.sources import Sources
from fcnkit.train.events import Outputs
from fcnkit.train.labels import check_labels, label_checks
from fcnkit.train.nets import (
    Learnable,
    Objective,
    share_weights,
    training_net,
)
from fcnkit.train.rates import CaffeLR
from fcnkit.train.solvers import SOLVERS, CaffeOptimizer

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How a net computes: where, in which types, and in which layout.

    Args:
        amp: "bf16" or "fp16" for automatic mixed precision, None for float32.
        device: the device of the net.
        channels_last: use the channels-last layout for blobs of four axes.
    """

    def __init__(self, amp: str | None, device: torch.device, channels_last: bool = False):
        self.amp, self.device = amp, device
        self.layout = torch.channels_last if channels_last else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[Any]:
        """The context that selects the types of the forward pass."""
        return torch.autocast(self.device.type, _TYPES.get(self.amp or ""), enabled=self.amp is not None)

    def scaler(self) -> torch.amp.GradScaler:
        """Prevents 16-bit gradients from vanishing; does nothing if no such gradients are computed."""
        return torch.amp.GradScaler(self.device.type, enabled=self.amp == "fp16")

    def place(self, blob: Tensor) -> Tensor:
        """Move an input blob to the device."""
        moved = blob.to(self.device, non_blocking=True)
        return moved.contiguous(memory_format=self.layout) if moved.dim() == 4 else moved


class Fed:
    """A net in one phase, with its feeds.

    Args:
        definition: the net, with only the layers of its phase.
        sources: the sources of its data layers.
        precision: the precision that it computes in.
        owner: the net whose weights it shares; None for a net with its own weights, in train mode.

    Attributes:
        net, objective: the module, and the module with the losses.
        feeds: the feeds of its data layers.
    """

    def __init__(self, definition: NetParameter, sources: Sources, precision: Precision, owner: CaffeNet | None = None):
        self.definition, self.precision = definition, precision
        self.feeds = sources.feeds(definition)
        # A test net's own weights are not needed; those that the train net lacks are filled.
        self.net = training_net(definition, self.feeds, filled=owner is None)
        if owner is not None and not share_weights(self.net, owner):
            self.net = training_net(definition, self.feeds)
            share_weights(self.net, owner)
        self.net.train(owner is None)
        if lacking := set(self.net.inputs) - {top for feed in self.feeds for top in feed.tops}:
            raise InputError(f"nothing feeds the inputs {', '.join(map(repr, sorted(lacking)))}")
        self.objective = Objective(self.net, definition)
        self._checks = label_checks(self.net, definition)

    def move(self, owner: CaffeNet | None = None) -> None:
        """Move the net to its device; a net with an owner uses the weights of the owner there."""
        self.net.to(self.precision.device)
        if self.precision.layout is torch.channels_last:
            self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if owner is not None:
            share_weights(self.net, owner)

    def batch(self) -> list[Tensor]:
        """The next batch, a blob for each input of the net.

        Raises:
            FcnkitError: the batch cannot be read, or a label is not a class.
        """
        blobs: dict[str, Tensor] = {}
        for feed in self.feeds:
            blobs.update(feed())
        check_labels(self._checks, blobs)
        return [self.precision.place(blobs[name]) for name in self.net.inputs]

    @property
    def images(self) -> int:
        """The number of samples in a batch."""
        return max((shape[0] for feed in self.feeds for shape in feed.shapes.values() if shape), default=1)

    def taken(self) -> dict[str, int]:
        """The number of batches read from each data layer."""
        return {feed.layer: feed.taken for feed in self.feeds}

    def seek(self, taken: dict[str, int]) -> None:
        """Resume at the position that `taken` returned."""
        for feed in self.feeds:
            feed.seek(int(taken.get(feed.layer, 0)))

    def compiled(self) -> nn.Module:
        """The objective through torch.compile, under neutral names that contain no code."""
        twin, _ = neutral(self.net)
        return torch.compile(Objective(twin, self.definition))  # type: ignore[return-value]


def leave_out_unreached(net: CaffeNet, objective: Objective) -> None:
    """Disable gradients of weights that no loss depends on; DistributedDataParallel would wait for them."""
    needed: set[str] = set()
    reached: set[int] = set()
    steps = zip(net.steps, objective.weights, objective.passing, strict=True)
    for step, weights, passing in reversed(list(steps)):
        if any(weights) or not needed.isdisjoint(step.tops):
            needed.difference_update(step.tops)
            needed.update(passing)
            reached.update(map(id, net.get_submodule(step.module).parameters()))
    for parameter in net.parameters():
        if id(parameter) not in reached:
            parameter.requires_grad_(False)


def optimizer_for(settings: SolverParameter, blobs: Sequence[Learnable]) -> CaffeOptimizer:
    """The optimizer that a solver names, with the blobs in groups of equal factors."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for blob in blobs:
        groups.setdefault((blob.lr_mult, blob.decay_mult), []).append(blob.tensor)
    if not groups:
        raise InputError("the train net has no weights")
    own = {
        "SGD": ("momentum",),
        "Nesterov": ("momentum",),
        "AdaGrad": ("delta",),
        "RMSProp": ("rms_decay", "delta"),
        "AdaDelta": ("momentum", "delta"),
        "Adam": ("momentum", "momentum2", "delta"),
    }
    return SOLVERS[settings.type](
        [{"params": tensors, "lr_mult": rate, "decay_mult": decay} for (rate, decay), tensors in groups.items()],
        settings.base_lr,
        weight_decay=settings.weight_decay,
        regularization=settings.regularization_type,
        clip_gradients=settings.clip_gradients,
        iter_size=settings.iter_size,
        **{name: getattr(settings, name) for name in own[settings.type]},
    )


def scheduler_for(settings: SolverParameter, optimizer: CaffeOptimizer) -> CaffeLR:
    """The rate scheduler that a solver names."""
    return CaffeLR(
        optimizer,
        settings.lr_policy,
        gamma=settings.gamma,
        power=settings.power,
        stepsize=settings.stepsize,
        stepvalue=settings.stepvalue,
        max_iter=settings.max_iter,
    )


class Evaluated(NamedTuple):
    """The means over some batches."""

    loss: float
    outputs: Outputs


@torch.no_grad()
def evaluated(fed: Fed, batches: int, stopped: Callable[[], bool]) -> Evaluated | None:
    """Run a net on its next batches.

    Args:
        fed: the net.
        batches: the number of batches.
        stopped: called before each batch; if it returns True, the data is reset to its start position, and None is
            returned.
    """
    before, loss = fed.taken(), 0.0
    sums: dict[str, Tensor] = {}
    for _ in range(batches):
        if stopped():
            fed.seek(before)
            return None
        with fed.precision.autocast():
            own, outputs = fed.objective(*fed.batch())
        loss += own.item()
        for name, value in outputs.items():
            sums[name] = sums[name] + value.float() if name in sums else value.float()
    return Evaluated(loss / batches, {name: plain(value / batches) for name, value in sums.items()})


def plain(value: Tensor) -> float | list[float]:
    """An output as a number, or as a list if it has several."""
    values = value.detach().float().flatten().tolist()
    return values[0] if len(values) == 1 else values
