"""Caffe's learning rate policies as a PyTorch scheduler.

Source: BVLC/caffe src/caffe/solvers/sgd_solver.cpp, GetLearningRate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

# The settings that each policy reads.
POLICIES: dict[str, tuple[str, ...]] = {
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power", "max_iter"),
    "sigmoid": ("gamma", "stepsize"),
}


def check_policy(policy: str, gamma: float, stepsize: int, max_iter: int) -> None:
    """Check the settings that a policy reads; Caffe checks gamma where it computes the rate.

    Raises:
        ValueError: the policy is none of `POLICIES`, or one of its settings is out of range.
    """
    if policy not in POLICIES:
        raise ValueError(f"unknown lr_policy {policy!r}; the policies are {', '.join(POLICIES)}")
    needed = POLICIES[policy]
    if "gamma" in needed and gamma < 0:
        raise ValueError(f"gamma is {gamma:g}; lr_policy {policy!r} needs 0 or more")
    if policy == "step" and stepsize < 1:
        raise ValueError(f"stepsize is {stepsize}; lr_policy 'step' needs 1 or more")
    if "max_iter" in needed and max_iter < 1:
        raise ValueError(f"max_iter is {max_iter}; lr_policy 'poly' needs 1 or more")


class CaffeLR(LRScheduler):
    """The rate of each iteration by one of Caffe's policies; each group's `lr` at the start is Caffe's base_lr.

    Args:
        optimizer: the optimizer whose rates are set.
        policy: "fixed", "step", "exp", "inv", "multistep", "poly" or "sigmoid".
        gamma, power, stepsize, stepvalue, max_iter: the policy's settings, as in a solver; a policy reads those that
            `POLICIES` lists.
        last_epoch: the iteration before the first, as for every scheduler of PyTorch.

    Raises:
        ValueError: the policy is not one of these, or one of its settings is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        policy: str = "fixed",
        *,
        gamma: float = 0.0,
        power: float = 0.0,
        stepsize: int = 0,
        stepvalue: Sequence[int] = (),
        max_iter: int = 0,
        last_epoch: int = -1,
    ):
        check_policy(policy, gamma, stepsize, max_iter)
        self.policy, self.gamma, self.power, self.stepsize = policy, gamma, power, stepsize
        self.stepvalue, self.max_iter = tuple(stepvalue), max_iter
        # The number of steps completed; Caffe stores it in its snapshots.
        self.current_step = 0
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rate of each group at the iteration `last_epoch`."""
        factor = self._factor(self.last_epoch)
        return [base * factor for base in self.base_lrs]

    def resume(self, iteration: int, current_step: int) -> None:
        """Resume at an iteration, as Caffe does from a snapshot."""
        self.last_epoch, self.current_step = iteration, current_step
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _factor(self, i: int) -> float:
        match self.policy:
            case "step":
                self.current_step = i // self.stepsize
                return float(self.gamma**self.current_step)
            case "exp":
                return float(self.gamma**i)
            case "inv":
                return float((1 + self.gamma * i) ** -self.power)
            case "multistep":
                # At most one step per iteration, in the order given.
                if self.current_step < len(self.stepvalue) and i >= self.stepvalue[self.current_step]:
                    self.current_step += 1
                return self.gamma**self.current_step
            case "poly":
                return float(max(1 - i / self.max_iter, 0.0) ** self.power)
            case "sigmoid":
                return 1 / (1 + math.exp(min(-self.gamma * (i - self.stepsize), 700)))
        return 1.0
