"""The initial values of a net's weights: from fillers, or from a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.messages import NetParameter
from fcnkit.errors import DefinitionError, MissingBlobsError
from fcnkit.layers.base import Placed, fit
from fcnkit.layers.fillers import fill
from fcnkit.mapped import Stored, stored
from fcnkit.net.sharing import Tie, holder


def require_distinct_names(definition: NetParameter, weighted: Iterable[str]) -> None:
    """Refuse a net in which a layer with weights has the name of another, where weights are found by name.

    Args:
        definition: the net.
        weighted: the names of its layers with weights.

    Raises:
        DefinitionError: there is such a layer.

    Source: BVLC/caffe src/caffe/net.cpp, CopyTrainedLayersFrom, which fills the first layer of a name alone.
    """
    counts = Counter(layer.name for layer in definition.layer)
    for name in weighted:
        if counts[name] > 1:
            raise DefinitionError(
                f"layer {name!r} has weights, and {counts[name]} layers have this name; Caffe's files find weights by"
                " name: rename the others"
            )


def fill_weights(layers: Sequence[Placed], ties: Sequence[Tie]) -> None:
    """Fill every blob with its layer's filler; a shared one with the filler of the first layer that names it."""
    shared = {(user.layer, user.blob) for _, user, _ in ties}
    for position, placed in enumerate(layers):
        fillers, parts = placed.rule.fillers(placed.layer), placed.rule.parts
        for index, blob in enumerate(placed.blobs()):
            if (position, index) not in shared:
                own = fillers[index * parts : (index + 1) * parts]
                whole = blob.detach()
                for part, filler in zip(whole.chunk(parts) if parts > 1 else [whole], own, strict=False):
                    fill(part, filler, placed.layer.name)


class Loaded(NamedTuple):
    """The names in the weights that no layer uses, and the position in the file of each weight used in place.

    The places are by the weights' names in the net's state dict.
    """

    unused: list[str]
    places: dict[str, Stored]


def load_weights(layers: Sequence[Placed], ties: Sequence[Tie], blobs: Blobs, mapped: bool) -> Loaded:
    """Fill every blob with the values stored under its layer's name.

    If layers share a blob, one of them in the weights is enough; if there are several, the last one overrides.

    Args:
        layers: the layers of the net.
        ties: the weights that they share.
        blobs: the weights by layer name.
        mapped: use float32 blobs in place, except shared ones.

    Raises:
        MissingBlobsError, BlobShapeError: the weights do not fit.

    Source: BVLC/caffe src/caffe/net.cpp, CopyTrainedLayersFrom.
    """
    needed = [placed.blobs() for placed in layers]
    _require_all(layers, [len(own) for own in needed], ties, blobs)
    used, places = set(), {}
    for placed, own in zip(layers, needed, strict=True):
        name = placed.layer.name
        found = blobs.get(name)
        if not own or not found:
            continue
        used.add(name)
        found = placed.rule.in_order(placed.layer, found)
        if len(found) != len(own):
            raise MissingBlobsError(f"layer {name!r}: the weights have {len(found)} blobs, the net needs {len(own)}")
        for index, (blob, array) in enumerate(zip(own, found, strict=True)):
            source = fit(torch.from_numpy(array), tuple(blob.shape), name, index)
            usable = source.dtype == blob.dtype and source.is_contiguous()
            if mapped and usable and not ties and isinstance(blob, nn.Parameter):
                blob.data = source
                place = stored(array)
                if place is not None:
                    places[f"{placed.path}.{holder(placed.module, blob)[0]}"] = place
            else:
                blob.detach().copy_(source)
    return Loaded([name for name in blobs if name not in used], places)


def freeze(layers: Sequence[Placed], ties: Sequence[Tie]) -> None:
    """Exclude the blobs whose learning rate is 0 from training."""
    owners = {user.path: owner.path for owner, user, _ in ties}
    frozen = set()
    for placed in layers:
        for blob, spec in zip(placed.blobs(), placed.layer.param, strict=False):
            if spec.lr_mult == 0:
                path = f"{placed.path}.{holder(placed.module, blob)[0]}"
                frozen.add(owners.get(path, path))
    for placed in layers:
        for name, parameter in placed.module.named_parameters():
            if f"{placed.path}.{name}" in frozen:
                parameter.requires_grad_(False)


def _require_all(layers: Sequence[Placed], counts: Sequence[int], ties: Sequence[Tie], stored: Blobs) -> None:
    owners = {(user.layer, user.blob): (owner.layer, owner.blob) for owner, user, _ in ties}
    wanted = [{owners.get((i, j), (i, j)) for j in range(count)} for i, count in enumerate(counts)]
    given = set().union(*(own for own, placed in zip(wanted, layers, strict=True) if stored.get(placed.layer.name)))
    missing = [placed.layer.name for own, placed in zip(wanted, layers, strict=True) if not own <= given]
    if missing:
        raise MissingBlobsError(f"missing weights of layer{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}")
