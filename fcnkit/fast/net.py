"""Nets that run faster: the same function of the inputs, with prepared weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from weakref import ref

import torch
from torch import Tensor
from torch.nn.modules import module as torch_module

from fcnkit.aliases import Pair
from fcnkit.errors import FcnkitError
from fcnkit.fast.bands import Bands
from fcnkit.fast.graphs import Graphs, Run
from fcnkit.fast.program import compile_net
from fcnkit.fast.running import Runner
from fcnkit.net import CaffeNet

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")


class _State:
    """The modules and weights of a net as they are at one time."""

    def __init__(self, net: CaffeNet):
        self._modules = list(net.modules())
        self._weights = [(ref(tensor), tensor.data_ptr(), tensor._version) for tensor in _weights(net)]

    def is_still(self, net: CaffeNet) -> bool:
        """Whether the net has the same modules and weights, and no weight has been written since."""
        modules, weights = list(net.modules()), _weights(net)
        return (
            len(modules) == len(self._modules)
            and len(weights) == len(self._weights)
            and all(one is other for one, other in zip(modules, self._modules, strict=True))
            and all(
                seen() is tensor and address == tensor.data_ptr() and version == tensor._version
                for tensor, (seen, address, version) in zip(weights, self._weights, strict=True)
            )
        )


def _weights(net: CaffeNet) -> list[Tensor]:
    return [*net.parameters(), *net.buffers()]


class Optimized:
    """A net in eval mode that is called like the net and gives the same outputs, up to rounding.

    Weights are prepared at the first call, and again once they have changed: by optimizers, `load_state_dict`, `to`
    and every in-place operation but one on a tensor's `.data`, after which `refresh` is called. The prepared weights
    take as much memory as the net's, transformed filters up to four times as much. Where a net pads its first
    convolution, as FCNs do, only those pixels of each blob are computed that the image reaches; the others have the
    values that the net gives for an empty image. The outputs have their channels last in memory. One thread at a time
    may call it.

    On CUDA, a run is captured as a graph when inputs have the same shapes a second time.

    The net itself runs instead, as slowly as ever, in training mode, where gradients are wanted, if it has hooks, in
    autocast, on devices other than the CPU and CUDA, and for types other than float32.

    Attributes:
        net: the net.
    """

    def __init__(self, net: CaffeNet, *, boxes: bool = True):
        """Take a net; nothing is computed yet.

        Args:
            boxes: leave out the pixels that the image does not reach.
        """
        self.net, self._boxes = net, boxes
        self.refresh()

    def refresh(self) -> None:
        """Forget the prepared weights and all that was computed from them."""
        self._runner: Runner | None = None
        self._run_all: Run | None = None
        self._state: _State | None = None

    def __call__(self, *inputs: Tensor, **named: Tensor) -> Tensor | dict[str, Tensor]:
        """Run the net. Takes, returns and raises what `CaffeNet.forward` does."""
        net = self.net
        given = [*inputs, *(named[name] for name in net.inputs[len(inputs) :] if name in named)]
        if len(given) == len(net.inputs) == len(inputs) + len(named) and self._applies(given):
            found = self._run(given)
            if found is not None:
                return found[0] if len(found) == 1 else dict(zip(net.outputs, found, strict=True))
        result: Tensor | dict[str, Tensor] = net(*inputs, **named)
        return result

    def _applies(self, inputs: list[Tensor]) -> bool:
        modules = list(self.net.modules())
        if type(self.net).forward is not CaffeNet.forward or "forward" in vars(self.net):
            return False
        if any(module.training for module in modules) or any(
            getattr(m, hooks, None) for m in modules for hooks in _HOOKS
        ):
            return False
        if any(getattr(torch_module, hooks, None) for hooks in _GLOBAL_HOOKS):
            return False
        if torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
            return False
        tensors = [*inputs, *_weights(self.net)]
        if any(tensor.is_inference() for tensor in _weights(self.net)):
            return False  # their versions are not counted
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
            return False
        plain = (Tensor, torch.nn.Parameter)
        devices = {tensor.device for tensor in tensors}
        return (
            len(devices) == 1
            and devices.pop().type in ("cpu", "cuda")
            and all(tensor.dtype == torch.float32 and type(tensor) in plain for tensor in tensors)
        )

    def bands(self, size: Pair, output: str, fits: Callable[[int], bool]) -> Bands | None:
        """How the net runs in bands, rows of an output from top to bottom, on inputs of one size.

        A run in bands computes nothing twice, apart from single rows, and its blobs have the height of a band: for
        inputs that are too large for memory.

        Args:
            size: (height, width) of the inputs.
            output: the name of the only output that is wanted.
            fits: whether there is room for the blobs of one image, by their bytes.

        Returns:
            The fewest bands that fit, for `in_bands`; None if none do, if rows of the output depend on whole blobs, or
            if the net itself must run.
        """
        like = next(iter(_weights(self.net)), torch.empty(0))
        with torch.no_grad():
            applies = self._applies([like.new_empty(0)])
        runner = self._prepared() if applies else None
        return None if runner is None else runner.divide(size, self.net.outputs.index(output), fits)

    @torch.no_grad()
    def in_bands(self, bands: Bands, *inputs: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Run the net in bands, without gradients: rows of the output and their values, (N, channels, rows, width).

        Args:
            bands: of the inputs' size, from `bands`; the net's weights are the same since.
            inputs: in the order of the net's.
        """
        runner = self._prepared()
        assert runner is not None
        for rows, values in runner.in_bands(bands, inputs):
            yield slice(*rows), values

    def _run(self, inputs: list[Tensor]) -> list[Tensor] | None:
        """The outputs, or None if the net itself must run."""
        if self._prepared() is None or self._run_all is None:
            return None
        try:
            with torch.no_grad():
                return self._run_all(inputs)
        except (RuntimeError, IndexError, ValueError):
            # The net's own error names the layer and the sizes.
            return None

    def _prepared(self) -> Runner | None:
        """The runner for the weights as they are, or None if the net itself must run."""
        if self._state is None or not self._state.is_still(self.net):
            self._state, self._runner, self._run_all = _State(self.net), None, None
            try:
                program = compile_net(self.net)
            except FcnkitError:
                return None
            self._runner = Runner(program, self._boxes)
            self._run_all = self._runner
            device = next((tensor.device for tensor in _weights(self.net)), None)
            if program.constant and device is not None and device.type == "cuda":
                self._run_all = Graphs(self._runner)
        return self._runner


def optimized(net: CaffeNet, *, boxes: bool = True) -> Optimized:
    """The net, prepared to run faster with the same outputs; see `Optimized`.

    Args:
        net: any net; its weights may change later.
        boxes: compute only the pixels that the image reaches, where the others are known.
    """
    return Optimized(net, boxes=boxes)
