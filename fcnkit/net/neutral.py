"""A net under names of fcnkit's own."""

from __future__ import annotations

from itertools import count

from torch import Tensor, nn

from fcnkit.net.caffe_net import CaffeNet
from fcnkit.net.sharing import Weight


def neutral(net: CaffeNet) -> tuple[CaffeNet, dict[str, str]]:
    """The same net under names of fcnkit's own, for tools that write names into code and run it.

    torch.export, torch.fx and torch.compile do this. A layer's name is untrusted: it could end a string there and
    begin a statement. The twin shares the modules of the net; its inputs and blobs are numbered, its outputs
    keep their names, which such tools handle as values.

    Returns:
        The twin, and the path in the net of each of its modules (`layer_0`, ...).
    """
    numbers = (number for number in count() if f"layer_{number}" not in net._modules)
    paths = {step.module: f"layer_{next(numbers)}" for step in net.steps}
    names = dict.fromkeys((*net.inputs, *(name for step in net.steps for name in step.bottoms + step.tops)))
    blobs = {name: f"blob_{number}" for number, name in enumerate(names)}
    twin = Twin.__new__(Twin)
    nn.Module.__init__(twin)
    for path, own in paths.items():
        twin.add_module(own, net.get_submodule(path))
    twin.inputs = tuple(blobs[name] for name in net.inputs)
    twin.outputs = tuple(blobs[name] for name in net.outputs)
    twin.output_names = net.outputs
    twin.shapes = {blobs[name]: net.shapes[name] for name in net.inputs}
    twin.steps = [
        step._replace(
            module=paths[step.module],
            bottoms=tuple(blobs[name] for name in step.bottoms),
            tops=tuple(blobs[name] for name in step.tops),
            free=tuple(blobs[name] for name in step.free),
        )
        for step in net.steps
    ]
    twin.ties = [each._replace(owner=_moved(each.owner, paths), user=_moved(each.user, paths)) for each in net.ties]
    return twin.train(net.training), {own: path for path, own in paths.items()}


class Twin(CaffeNet):
    """A net under neutral names, whose outputs keep those of the net."""

    output_names: tuple[str, ...]

    def forward(self, *inputs: Tensor) -> Tensor | dict[str, Tensor]:  # type: ignore[override]
        found = super().forward(*inputs)
        if isinstance(found, Tensor):
            return found
        return {name: found[blob] for name, blob in zip(self.output_names, self.outputs, strict=True)}


def _moved(weight: Weight, paths: dict[str, str]) -> Weight:
    module, _, name = weight.path.rpartition(".")
    return weight._replace(path=f"{paths[module]}.{name}")
