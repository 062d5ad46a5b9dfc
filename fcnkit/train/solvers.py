"""Caffe's six solvers as PyTorch optimizers, with Caffe's arithmetic.

They differ from those of torch.optim of the same names: the rate is part of SGD's history, Adam adds delta after the
square root without correction, RMSProp and AdaGrad likewise; weight decay and clipping come in Caffe's order.

    optimizer = SGD(net.parameters(), lr=1e-10, momentum=0.99, weight_decay=5e-4)

Source: BVLC/caffe src/caffe/solvers/sgd_solver.cpp for the common part, and the file of each solver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

REGULARIZATIONS = ("L2", "L1")


class CaffeOptimizer(torch.optim.Optimizer):
    """The common part of Caffe's solvers: the processing of gradients before the update of each solver.

    A parameter group may have its own `lr_mult` and `decay_mult` (1 by default): factors of the rate and of the
    weight decay. A parameter without a gradient is treated as one whose gradient is 0; weight decay applies to it.

    Args:
        params: parameters, or groups of them.
        lr: the rate.
        weight_decay: factor of the regularization's gradient.
        regularization: "L2" (the gradient is the weight) or "L1" (its sign).
        clip_gradients: the largest L2 norm of all gradients together, before their division by iter_size; below 0
            for no limit.
        iter_size: the number of backward passes whose gradients are summed; the sum is divided by it.
        settings: the settings of the solver itself.
    """

    # Names of the tensors that each parameter has in the state, in the order in which Caffe stores them.
    histories: tuple[str, ...] = ("history",)

    def __init__(
        self,
        params: Any,
        lr: float,
        weight_decay: float = 0.0,
        regularization: str = "L2",
        clip_gradients: float = -1.0,
        iter_size: int = 1,
        **settings: float,
    ):
        if regularization not in REGULARIZATIONS:
            raise ValueError(f"regularization must be one of {', '.join(REGULARIZATIONS)}, not {regularization!r}")
        if iter_size < 1:
            raise ValueError(f"iter_size must be 1 or more, not {iter_size}")
        self.clip_gradients, self.iter_size, self.regularization = clip_gradients, iter_size, regularization
        defaults = {"lr": lr, "lr_mult": 1.0, "decay_mult": 1.0, "weight_decay": weight_decay, "iteration": 0}
        super().__init__(params, {**defaults, **settings})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters from their gradients, which are modified.

        Args:
            closure: computes the gradients first and returns the loss, as for every optimizer of PyTorch.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._clip()
        for group in self.param_groups:
            group["iteration"] += 1
            for parameter in group["params"]:
                self._step(parameter, group)
        return loss

    def history(self, parameter: Tensor) -> list[Tensor]:
        """The tensors that the solver keeps for a parameter, in Caffe's order; zeros before its first step."""
        if parameter in self.state:
            return self.kept(parameter)
        return [torch.zeros_like(parameter) for _ in self.histories]

    def kept(self, parameter: Tensor) -> list[Tensor]:
        """The same tensors, to modify; from now on the solver keeps them."""
        state = self.state[parameter]
        for name in self.histories:
            if name not in state:
                state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return [state[name] for name in self.histories]

    def gradient_norm(self) -> Tensor:
        """The L2 norm of all gradients together."""
        norms = [p.grad.float().norm() for p in self._parameters() if p.grad is not None]
        return torch.stack(norms).norm() if norms else torch.zeros(())

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        """Change a parameter by its gradient, which may be overwritten."""
        raise NotImplementedError

    def _parameters(self) -> Iterator[Tensor]:
        return (parameter for group in self.param_groups for parameter in group["params"])

    def _clip(self) -> None:
        if self.clip_gradients < 0:
            return
        norm = self.gradient_norm().item()
        if norm > self.clip_gradients:
            for parameter in self._parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(self.clip_gradients / norm)

    def _step(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient = parameter.grad
        decay = group["weight_decay"] * group["decay_mult"]
        rate = float(group["lr"]) * group["lr_mult"]
        if gradient is None:
            if parameter not in self.state and not decay:
                return  # never updated before, and no update now
            if not rate and not decay and all(not history.any() for history in self.kept(parameter)):
                return
            gradient = torch.zeros_like(parameter)
        elif self.iter_size > 1:
            gradient.div_(self.iter_size)
        if decay and self.regularization == "L2":
            gradient.add_(parameter, alpha=decay)
        elif decay:
            gradient.add_(parameter.sign(), alpha=decay)
        self._update(parameter, gradient, rate, group)


class SGD(CaffeOptimizer):
    """Stochastic gradient descent with momentum: h = momentum h + rate g, w -= h.

    Args:
        momentum: the fraction of the history that each step keeps.

    The other arguments are those of `CaffeOptimizer`. Source: BVLC/caffe src/caffe/solvers/sgd_solver.cpp.
    """

    def __init__(self, params: Any, lr: float, momentum: float = 0.0, **settings: Any):
        super().__init__(params, lr, momentum=momentum, **settings)

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        if not rate and parameter not in self.state:
            return
        (history,) = self.kept(parameter)
        history.mul_(group["momentum"]).add_(gradient, alpha=rate)
        parameter.sub_(history)


class Nesterov(SGD):
    """Nesterov's accelerated gradient: h' = momentum h + rate g, w -= (1 + momentum) h' - momentum h.

    Arguments as for `SGD`. Source: BVLC/caffe src/caffe/solvers/nesterov_solver.cpp.
    """

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        if not rate and parameter not in self.state:
            return
        (history,) = self.kept(parameter)
        momentum = group["momentum"]
        parameter.add_(history, alpha=momentum)
        history.mul_(momentum).add_(gradient, alpha=rate)
        parameter.sub_(history, alpha=1 + momentum)


class AdaGrad(CaffeOptimizer):
    """Adaptive rates by the sum of squared gradients: h += g^2, w -= rate g / (sqrt(h) + delta).

    Args:
        delta: prevents a division by 0.

    The other arguments are those of `CaffeOptimizer`. Source: BVLC/caffe src/caffe/solvers/adagrad_solver.cpp.
    """

    def __init__(self, params: Any, lr: float, delta: float = 1e-8, **settings: Any):
        super().__init__(params, lr, delta=delta, **settings)

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        (history,) = self.kept(parameter)
        history.addcmul_(gradient, gradient)
        parameter.addcdiv_(gradient, history.sqrt().add_(group["delta"]), value=-rate)


class RMSProp(CaffeOptimizer):
    """Adaptive rates by a running mean of squared gradients: h = d h + (1 - d) g^2, w -= rate g / (sqrt(h) + delta).

    Args:
        rms_decay: d, the fraction of the mean that each step keeps; 0 to less than 1.
        delta: prevents a division by 0.

    The other arguments are those of `CaffeOptimizer`. Source: BVLC/caffe src/caffe/solvers/rmsprop_solver.cpp.
    """

    def __init__(self, params: Any, lr: float, rms_decay: float = 0.99, delta: float = 1e-8, **settings: Any):
        super().__init__(params, lr, rms_decay=rms_decay, delta=delta, **settings)

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        (history,) = self.kept(parameter)
        history.mul_(group["rms_decay"]).addcmul_(gradient, gradient, value=1 - group["rms_decay"])
        parameter.addcdiv_(gradient, history.sqrt().add_(group["delta"]), value=-rate)


class AdaDelta(CaffeOptimizer):
    """Adaptive rates by running means of squared gradients and of squared updates.

    Args:
        momentum: the fraction of the means that each step keeps.
        delta: added to both means before the root of their ratio.

    The other arguments are those of `CaffeOptimizer`. Source: BVLC/caffe src/caffe/solvers/adadelta_solver.cpp.
    """

    histories = ("history", "updates")

    def __init__(self, params: Any, lr: float, momentum: float = 0.0, delta: float = 1e-8, **settings: Any):
        super().__init__(params, lr, momentum=momentum, delta=delta, **settings)

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        history, updates = self.kept(parameter)
        momentum, delta = group["momentum"], group["delta"]
        history.mul_(momentum).addcmul_(gradient, gradient, value=1 - momentum)
        gradient.mul_(updates.add(delta).div_(history.add(delta)).sqrt_())
        updates.mul_(momentum).addcmul_(gradient, gradient, value=1 - momentum)
        parameter.sub_(gradient, alpha=rate)


class Adam(CaffeOptimizer):
    """Adaptive moments, with the bias correction in the rate and delta outside of it.

    Args:
        momentum: the fraction of the mean of the gradients that each step keeps.
        momentum2: the same fraction for the mean of their squares.
        delta: added to the root of the mean of the squares.

    The other arguments are those of `CaffeOptimizer`. Source: BVLC/caffe src/caffe/solvers/adam_solver.cpp.
    """

    histories = ("mean", "square")

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.9,
        momentum2: float = 0.999,
        delta: float = 1e-8,
        **settings: Any,
    ):
        super().__init__(params, lr, momentum=momentum, momentum2=momentum2, delta=delta, **settings)

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float, group: dict[str, Any]) -> None:
        mean, square = self.kept(parameter)
        first, second, steps = group["momentum"], group["momentum2"], group["iteration"]
        mean.mul_(first).add_(gradient, alpha=1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        rate *= math.sqrt(1 - second**steps) / (1 - first**steps)
        parameter.addcdiv_(mean, square.sqrt().add_(group["delta"]), value=-rate)


# By the value of a solver's `type`.
SOLVERS: dict[str, type[CaffeOptimizer]] = {
    each.__name__: each for each in (SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam)
}
