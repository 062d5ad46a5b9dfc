"""Nets in training: their weights as Caffe counts them, their loss, and the checks of their inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.caffe import caffemodel, hdf5
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import BlobShapeError, DefinitionError, InputError, naming
from fcnkit.layers import fit, rule_for
from fcnkit.net import CaffeNet
from fcnkit.train.data.feeding import Feed


class Learnable(NamedTuple):
    """A blob that a solver updates, which several layers may share.

    Attributes:
        name: the first layer that has the blob, with the blob's number.
        tensor: the tensor of the module.
        view: size, strides and offset of the blob, as Caffe shapes it, in the tensor.
        lr_mult, decay_mult: factors of the rate and of the weight decay.
    """

    name: str
    tensor: Tensor
    view: tuple[tuple[int, ...], tuple[int, ...], Any]
    lr_mult: float
    decay_mult: float

    def blob(self, like: Tensor) -> Tensor:
        """A view, in the shape of Caffe's blob, of a tensor with the same layout as this one."""
        size, strides, offset = self.view
        return like.detach().as_strided(size, strides, offset)


def training_net(definition: NetParameter, feeds: Sequence[Feed], filled: bool = True) -> CaffeNet:
    """The module of a net in one phase, with an input for each top of its data layers.

    Args:
        definition: a net with only the layers of its phase.
        feeds: the feeds of its data layers.
        filled: False leaves the weights uninitialized.
    """
    shapes = {feed.layer: feed.shapes for feed in feeds}
    net = type(definition)(name=definition.name)
    for layer in definition.layer:
        own = net.layer.add()
        if layer.name in shapes and not layer.bottom:
            own.CopyFrom(LayerParameter(name=layer.name, type="Input", top=layer.top))
            for top in layer.top:
                own.input_param.shape.add(dim=shapes[layer.name][top])
        else:
            own.CopyFrom(layer)
            for field in ("phase", "include", "exclude"):
                own.ClearField(field)
    result = CaffeNet(net, filled=filled)
    _stop_gradients(result, definition)
    return result


def _stop_gradients(net: CaffeNet, definition: NetParameter) -> None:
    """Stop gradients to the bottoms that a layer's propagate_down disables.

    Source: BVLC/caffe src/caffe/net.cpp, AppendBottom.
    """
    modules = {step.name: net.get_submodule(step.module) for step in net.steps}
    for layer in definition.layer:
        if layer.name in modules and not all(layer.propagate_down):
            modules[layer.name].register_forward_pre_hook(partial(_detach, layer))


def _detach(layer: LayerParameter, module: nn.Module, bottoms: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(bottom if _passes(layer, index) else bottom.detach() for index, bottom in enumerate(bottoms))


def _passes(layer: LayerParameter, bottom: int) -> bool:
    """Whether a layer propagates its gradient to a bottom."""
    return bottom >= len(layer.propagate_down) or bool(layer.propagate_down[bottom])


class Objective(nn.Module):
    """A net with its losses summed; returns the loss and the outputs by name.

    Args:
        net: the net, or its twin under neutral names.
        definition: the definition that the net was built from.
    """

    def __init__(self, net: CaffeNet, definition: NetParameter):
        super().__init__()
        self.net = net
        # If it is a list, each forward pass adds its tops to it, and they keep their gradients.
        self.watched: list[tuple[str, str, Tensor]] | None = None
        steps = {layer.name: layer for layer in definition.layer}
        self.weights = [loss_weights(steps[step.name], len(step.tops)) for step in net.steps]
        # For each step, the bottoms that receive gradients.
        self.passing = [
            [bottom for index, bottom in enumerate(step.bottoms) if _passes(steps[step.name], index)]
            for step in net.steps
        ]
        made: dict[str, tuple[int, int]] = {}
        for index, step in enumerate(net.steps):
            made.update((top, (index, position)) for position, top in enumerate(step.tops))
        names = getattr(net, "output_names", net.outputs)
        self.outputs = {made[blob]: name for name, blob in zip(names, net.outputs, strict=True) if blob in made}

    def forward(self, *inputs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss: Tensor | None = None
        outputs = {}
        for index, (step, tops) in enumerate(self.net.walk(*inputs)):
            for position, top in enumerate(tops):
                if self.watched is not None:
                    self.watched.append((step.name, step.tops[position], top))
                    if top.requires_grad:
                        top.retain_grad()
                weight = self.weights[index][position]
                if weight:
                    own = top.float().sum() * weight
                    loss = own if loss is None else loss + own
                if (index, position) in self.outputs:
                    outputs[self.outputs[index, position]] = top
        return torch.zeros(()) if loss is None else loss, outputs

    @property
    def has_loss(self) -> bool:
        """Whether any top counts as a loss."""
        return any(any(weights) for weights in self.weights)


def loss_weights(layer: LayerParameter, tops: int) -> list[float]:
    """The loss weight of each top of a layer.

    Source: BVLC/caffe include/caffe/layer.hpp, SetLossWeights, and src/caffe/layers/loss_layer.cpp.
    """
    given = list(layer.loss_weight) or ([1.0] if is_loss(layer) else [])
    return (given + [0.0] * tops)[:tops]


def is_loss(layer: LayerParameter) -> bool:
    """Whether a layer's first top counts as a loss unless the layer states otherwise."""
    return str(layer.type).endswith("Loss")


def learnables(net: CaffeNet, definition: NetParameter) -> list[Learnable]:
    """The blobs that Caffe's solvers update, in their order; a shared blob appears once.

    Statistics, which are not parameters, are included with a rate of 0.

    Source: BVLC/caffe src/caffe/net.cpp, AppendParam.
    """
    owners = {
        _memory(tensor): tensor
        for named in (net.named_buffers(), net.named_parameters())
        for _, tensor in named
        if tensor.numel()
    }
    found: dict[int, Learnable] = {}
    stated: dict[int, set[str]] = {}
    for layer, blobs in _layers_with_blobs(net, definition):
        for index, blob in enumerate(blobs):
            spec = layer.param[index] if index < len(layer.param) else None
            key = _memory(blob)
            tensor = owners[key]
            learns = isinstance(tensor, nn.Parameter)
            if key not in found:
                view = tuple(blob.shape), blob.stride(), blob.storage_offset() - tensor.storage_offset()
                rate = (spec.lr_mult if spec is not None else 1.0) if learns else 0.0
                decay = spec.decay_mult if spec is not None else 1.0
                found[key] = Learnable(f"{layer.name}[{index}]", tensor, view, rate, decay)
                stated[key] = set()
            elif spec is not None:
                # The first layer that sets a factor of a shared blob determines it.
                for field in ("lr_mult", "decay_mult"):
                    if spec.HasField(field) and field not in stated[key]:
                        found[key] = found[key]._replace(**{field: getattr(spec, field)})
            if spec is not None:
                stated[key].update(field for field in ("lr_mult", "decay_mult") if spec.HasField(field))
    return list(found.values())


def share_weights(net: CaffeNet, owner: CaffeNet) -> bool:
    """Share the weights of another net, layer by layer by name; returns whether all layers could share.

    Raises:
        BlobShapeError: a layer has different shapes in the two nets.

    Source: BVLC/caffe src/caffe/net.cpp, ShareTrainedLayersWith.
    """
    theirs, own = owner.blobs(), net.blobs()
    modules = {step.name: owner.get_submodule(step.module) for step in owner.steps}
    for step in net.steps:
        for index, (blob, source) in enumerate(zip(own.get(step.name, ()), theirs.get(step.name, ()), strict=False)):
            if blob.shape != source.shape:
                raise BlobShapeError(step.name, index, tuple(blob.shape), tuple(source.shape), "as in the train net")
        if step.name in own and step.name in theirs:
            module, source_module = net.get_submodule(step.module), modules[step.name]
            both: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for tensors in both:
                for name, tensor in list(tensors.items()):
                    kept = getattr(source_module, name, None)
                    if tensor is not None and isinstance(kept, Tensor) and kept.shape == tensor.shape:
                        tensors[name] = kept
    return all(name in theirs for name in own)


def read_weights(path: str) -> Blobs:
    """The blobs in a .caffemodel or .caffemodel.h5."""
    return hdf5.read(path) if sniff(path) == FileKind.HDF5 else caffemodel.read(path).blobs


@torch.no_grad()
def copy_weights(net: CaffeNet, path: str) -> list[str]:
    """Copy weights from a file by layer name; the other layers are unchanged.

    Returns:
        The layers of the net that the file has weights for.

    Raises:
        FcnkitError: the file cannot be read, or its blobs of a layer do not match those of the net.

    Source: BVLC/caffe src/caffe/net.cpp, CopyTrainedLayersFrom.
    """
    stored = read_weights(path)
    filled = []
    with naming(path):
        for layer, blobs in _layers_with_blobs(net, net.definition()):
            found = stored.get(layer.name)
            if not found:
                continue
            rule = rule_for(layer)
            assert rule is not None
            arrays = rule.in_order(layer, found)
            if len(arrays) != len(blobs):
                problem = f"layer {layer.name!r}: the file has {len(arrays)} blobs, the net needs {len(blobs)}"
                raise InputError(problem)
            for index, (blob, array) in enumerate(zip(blobs, arrays, strict=True)):
                blob.copy_(fit(torch.from_numpy(np.asarray(array, np.float32)), tuple(blob.shape), layer.name, index))
            filled.append(layer.name)
        if not filled:
            raise InputError("has weights for none of the net's layers: they have other names")
    return filled


def stored_blobs(net: CaffeNet) -> dict[str, list[np.ndarray]]:
    """The weights by layer name as arrays, for a file; a shared blob is repeated for each of its layers."""
    return {name: [blob.cpu().numpy() for blob in blobs] for name, blobs in net.blobs().items()}


def require_loss(objective: Objective) -> None:
    """Check that a train net has a loss.

    Raises:
        DefinitionError: the net has no loss.
    """
    if not objective.has_loss:
        raise DefinitionError("the train net has no loss: add a loss layer, or a loss_weight to a layer")


def _layers_with_blobs(net: CaffeNet, definition: NetParameter) -> Iterator[tuple[LayerParameter, list[Tensor]]]:
    blobs = net.blobs()
    for layer in definition.layer:
        if layer.name in blobs and layer.type != "Input":
            yield layer, blobs[layer.name]


def _memory(tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr())
