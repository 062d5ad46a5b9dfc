"""Weights that several layers share, by the names in `param { name: "w" }`.

Source: BVLC/caffe src/caffe/net.cpp, AppendParam and ShareWeights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from fcnkit.caffe.messages import LayerParameter, ParamSpec
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Placed

View = tuple[tuple[int, ...], tuple[int, ...]]


class Weight(NamedTuple):
    """One blob of a layer: the layer's position, the blob's, and where the tensor lies, as in a state dict."""

    layer: int
    blob: int
    path: str


class Tie(NamedTuple):
    """A weight that is another layer's.

    If both layers have the same memory layout, they share one tensor. Otherwise the user's is a view on the owner's
    memory, of this size and with these strides: for example transposed, or with axes of 1.
    """

    owner: Weight
    user: Weight
    view: View | None


class _Owner(NamedTuple):
    """The layer that named a blob first, and the training settings of the layers that name it."""

    layer: LayerParameter
    weight: Weight
    blob: Tensor
    tensor: Tensor
    settings: dict[str, float]


def find_ties(layers: Sequence[Placed]) -> list[Tie]:
    """The weights that the layers of a net share.

    Raises:
        DefinitionError: weights of one name have different shapes (STRICT) or sizes (PERMISSIVE), or different
            training settings.
    """
    owners: dict[str, _Owner] = {}
    ties = []
    for position, placed in enumerate(layers):
        for index, (blob, spec) in enumerate(zip(placed.blobs(), placed.layer.param, strict=False)):
            if not spec.name:
                continue
            name, tensor = holder(placed.module, blob)
            weight = Weight(position, index, f"{placed.path}.{name}")
            owner = owners.setdefault(spec.name, _Owner(placed.layer, weight, blob, tensor, {}))
            _check(owner, placed.layer, blob, spec)
            if owner.weight != weight:
                ties.append(Tie(owner.weight, weight, _view(owner, placed.layer, blob, tensor)))
    return ties


def holder(module: nn.Module, blob: Tensor) -> tuple[str, Tensor]:
    """The parameter or buffer of a module that a blob is, or is a view on, and its name."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if blob is tensor or blob._base is tensor:
            return name, tensor
    raise ValueError("a rule's blobs must be parameters or buffers of its module, or views on them")


def tie(net: nn.Module, ties: Sequence[Tie]) -> None:
    """Make each user's weight the owner's."""
    for owner, user, view in ties:
        path, _, name = user.path.rpartition(".")
        module, tensor = net.get_submodule(path), _tensor(net, owner.path)
        assert tensor is not None
        if view is not None:
            # A buffer, because only the owner's is a parameter. A forward takes it from the owner: see `views`.
            tensor = tensor.detach().as_strided(*view)
        if isinstance(tensor, nn.Parameter) == (name in module._parameters):
            setattr(module, name, tensor)
        else:
            delattr(module, name)
            module.register_buffer(name, tensor)


def held_ties(net: nn.Module, ties: Sequence[Tie]) -> list[Tie]:
    """The ties that are still valid: not those of a layer whose module was replaced."""
    held = []
    for each in ties:
        owner, user = _tensor(net, each.owner.path), _tensor(net, each.user.path)
        holds = owner is user if each.view is None else not isinstance(user, nn.Parameter)
        if owner is not None and user is not None and holds:
            held.append(each)
    return held


def views(net: nn.Module, ties: Sequence[Tie], path: str) -> dict[str, Tensor]:
    """The weights of the module at path that are views, by their names in it, as functions of their owners."""
    found = {}
    for owner, user, view in ties:
        module, _, name = user.path.rpartition(".")
        tensor = _tensor(net, owner.path)
        if view is not None and module == path and tensor is not None:
            found[name] = tensor.as_strided(*view)
    return found


def _tensor(net: nn.Module, path: str) -> Tensor | None:
    module, _, name = path.rpartition(".")
    found: Tensor | None = getattr(net.get_submodule(module), name, None)
    return found


def _check(owner: _Owner, layer: LayerParameter, blob: Tensor, spec: ParamSpec) -> None:
    words = f"layers {owner.layer.name!r} and {layer.name!r} share the blob {spec.name!r}"
    if spec.DimCheckMode.Name(spec.share_mode) == "STRICT":
        if blob.shape != owner.blob.shape:
            raise DefinitionError(f"{words}, but need shapes {tuple(owner.blob.shape)} and {tuple(blob.shape)}")
    elif blob.numel() != owner.blob.numel():
        raise DefinitionError(f"{words}, but need {owner.blob.numel()} and {blob.numel()} elements")
    for field in ("lr_mult", "decay_mult"):
        value = getattr(spec, field)
        if spec.HasField(field) and owner.settings.setdefault(field, value) != value:
            raise DefinitionError(f"{words}, but give it {field} {owner.settings[field]:g} and {value:g}")


def _view(owner: _Owner, layer: LayerParameter, blob: Tensor, tensor: Tensor) -> View | None:
    """The view of the user's tensor on the owner's, or None if both have the same layout."""
    # The blob's axes in memory order.
    order = sorted(range(blob.dim()), key=blob.stride, reverse=True)
    try:
        taken = owner.blob.detach().view(blob.shape).permute(order).view(tensor.shape)
    except RuntimeError:
        raise DefinitionError(
            f"layers {owner.layer.name!r} and {layer.name!r} cannot share a blob: the one stores it transposed,"
            f" the other in another shape"
        ) from None
    alike = taken.shape == owner.tensor.shape and taken.stride() == owner.tensor.stride()
    return None if alike else (tuple(taken.shape), taken.stride())
