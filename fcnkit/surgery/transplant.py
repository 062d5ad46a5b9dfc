"""Transplanting weights from one net into another, layer by layer.

Source: shelhamer/fcn.berkeleyvision.org, surgery.py, and the solve.py of each net.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.errors import FcnkitError, nearest
from fcnkit.layers import rule_for
from fcnkit.layers.fillers import bilinear_kernel
from fcnkit.net import CaffeNet
from fcnkit.surgery.weight_files import LayerWeights
from fcnkit.types import type_of
from fcnkit.types.channels import Made
from fcnkit.types.looks import SIZE, Look, Sliding

# Suffix of the first convolution's name in a net that stacks several inputs, after its name in single-input nets.
_STACKED = "_bgrd"


class TransplantError(FcnkitError):
    """Weights that do not fit the target net."""


class Transplanted(NamedTuple):
    """The result for a layer: copied, cast, converted, expanded, new or dropped; before and after are the shapes."""

    layer: str
    what: str
    before: tuple[int, ...] | None
    after: tuple[int, ...] | None
    note: str = ""


class _Fit(NamedTuple):
    """A blob's new values, and how they were derived."""

    values: Tensor
    what: str = "copied"
    note: str = ""


def transplant(
    net: CaffeNet,
    sources: Mapping[str, LayerWeights],
    *,
    expand_score: bool = False,
    new: Collection[str] = (),
) -> list[Transplanted]:
    """Fill a net, in place, with the weights of other nets.

    Layers are matched by name. A layer that the sources lack keeps the values that its fillers set, except for a
    Deconvolution, which becomes bilinear. The same applies to a layer that the sources have for another number of
    classes, unless it is expanded.

    Args:
        net: with the weights that its fillers set.
        sources: weights by the input whose stream they apply to; "" applies to all.
        expand_score: score layers of another number of classes keep the weights of the classes that both have.
        new: layers that are not filled from the sources.

    Returns:
        A row for each layer of the net with weights, in the net's order, then one for each dropped layer.

    Raises:
        TransplantError: weights do not fit the layer they are for.
    """
    definition = net.definition()
    blobs = net.blobs()
    scores = score_layers(definition)
    rows, used = [], set()
    for layer in definition.layer:
        if layer.name not in blobs:
            continue
        found = source_layer(layer.name, net.inputs, sources)
        if found is None:
            rows.append(_fresh(layer, blobs[layer.name]))
            continue
        used.add(found)
        stream, origin = found
        stored = sources[stream].blobs(origin, rule_for(layer))
        if layer.name in new:
            rows.append(_fresh(layer, blobs[layer.name], tuple(stored[0].shape), "as asked"))
            continue
        row = _fill(layer, origin, blobs[layer.name], stored, layer.name in scores, expand_score)
        rows.append(_converted(row) if origin == sources[stream].converted else row)
    missing = set(new) - {row.layer for row in rows}
    if missing:
        names = ", ".join(map(repr, sorted(missing)))
        hint = nearest(sorted(missing)[0], blobs)
        raise TransplantError(f"the net has no layer {names} with weights to start anew{hint}")
    stored_layers = [(stream, name) for stream, source in sources.items() for name in source.layers]
    left = [pair for pair in stored_layers if pair not in used]
    normalized = [name for stream, name in left if sources[stream].is_normalization(name)]
    if normalized:
        raise TransplantError(
            f"has batch normalization, such as {normalized[0]!r}, which the net does not have and without which its"
            " convolutions compute something else; start from weights trained without it"
        )
    rows += [Transplanted(name, "dropped", sources[stream].shape(name), None) for stream, name in left]
    return rows


def score_layers(definition: NetParameter) -> set[str]:
    """The layers whose outputs are classes: the last with weights before the net's outputs, except upsampling."""
    read = {bottom for layer in definition.layer for bottom in layer.bottom}
    wanted = {top for layer in definition.layer for top in layer.top if top not in read}
    # An in-place layer at the very end reads its own output.
    wanted.update(definition.layer[-1].top)
    found = set()
    for layer in reversed(definition.layer):
        if wanted.isdisjoint(layer.top):
            continue
        wanted.difference_update(layer.top)
        record = type_of(layer)
        if record is not None and isinstance(record.channels, Made) and not any(map(_upsamples, record.looks(layer))):
            found.add(layer.name)
        else:
            looks = record.looks(layer) if record is not None else ()
            wanted.update(bottom for bottom, look in zip_longest(layer.bottom, looks) if look != SIZE)
    return found


def _upsamples(look: Look) -> bool:
    return isinstance(look, Sliding) and look.up


def source_layer(name: str, inputs: Sequence[str], sources: Mapping[str, LayerWeights]) -> tuple[str, str] | None:
    """The key of the source, and its layer, that a layer of a net with these inputs is filled from."""
    for stream, source in sources.items():
        if name in source.layers:
            return stream, name
    # Early fusion renames the first convolution, late fusion adds the input's name to all layers.
    for stream in inputs if len(inputs) > 1 else ():
        source_stream = stream if stream in sources else ""
        base = name.removesuffix(stream)
        if name.endswith(stream) and source_stream in sources and base in sources[source_stream].layers:
            return source_stream, base
    base = name.removesuffix(_STACKED)
    if name.endswith(_STACKED) and "" in sources and base in sources[""].layers:
        return "", base
    return None


def _converted(row: Transplanted) -> Transplanted:
    """The row of a layer whose filters were torchvision's."""
    what = "converted" if row.what == "copied" else row.what
    return row._replace(what=what, note="; ".join(filter(None, ["RGB to BGR 0..255", row.note])))


def _fresh(
    layer: LayerParameter, blobs: Sequence[Tensor], before: tuple[int, ...] | None = None, note: str = ""
) -> Transplanted:
    """Leave a layer as its fillers set it; a Deconvolution with a zero or bilinear filler becomes bilinear."""
    rule = rule_for(layer)
    assert rule is not None
    filler = next(iter(rule.fillers(layer)), None)
    kind = filler.type if filler is not None else "as built"
    if filler is not None and kind == "constant":
        kind = f"{filler.value:g}" if filler.value else "zero"
    if layer.type == "Deconvolution" and kind in ("zero", "bilinear"):
        filters = bilinear_filters(blobs[0].shape)
        if filters is not None:
            blobs[0].copy_(filters)
            kind = "bilinear"
    return Transplanted(layer.name, "new", before, tuple(blobs[0].shape), f"{kind}; {note}" if note else kind)


def _fill(
    layer: LayerParameter, origin: str, blobs: Sequence[Tensor], stored: Sequence[Tensor], scores: bool, expand: bool
) -> Transplanted:
    """Fill one layer's blobs with those stored for it."""
    before, after = tuple(stored[0].shape), tuple(blobs[0].shape)
    if layer.type == "Deconvolution":
        empty = not stored[0].any()
        if empty or before[2:] != after[2:] or layer.convolution_param.num_output not in before[:2]:
            return _fresh(layer, blobs, before, "the source's is zero" if empty else "")
    elif scores and not expand and _modern(stored[0], after).shape[0] != after[0]:
        return _fresh(layer, blobs, before, "other classes; `expand_score` keeps those that both nets have")
    fits = [
        _fit(layer, origin, index, blob, values, scores)
        for index, (blob, values) in enumerate(zip(blobs, stored, strict=False))
    ]
    for blob, fit in zip(blobs, fits, strict=False):
        blob.copy_(fit.values)
    notes = [fit.note for fit in fits[:1] if fit.note]
    if origin != layer.name:
        notes.insert(0, f"from {origin}")
    if len(stored) != len(blobs):
        extra = len(stored) - len(blobs)
        notes.append(f"{extra} blobs dropped" if extra > 0 else f"{-extra} blobs new")
    return Transplanted(layer.name, fits[0].what, before, after, "; ".join(notes))


def _fit(layer: LayerParameter, origin: str, index: int, blob: Tensor, values: Tensor, scores: bool) -> _Fit:
    shape = tuple(blob.shape)
    values = _modern(values, shape)
    if values.shape == shape:
        return _Fit(values)
    if values.numel() == blob.numel() and {values.dim(), blob.dim()} == {2, 4} and values.shape[0] == shape[0]:
        return _Fit(values.reshape(shape), "cast")
    if values.shape[1:] == shape[1:] and scores:
        kept = min(shape[0], values.shape[0])
        expanded = blob.clone()
        expanded[:kept] = values[:kept]
        return _Fit(expanded, "expanded", f"{kept} of {values.shape[0]} classes")
    if values.dim() == blob.dim() == 4:
        if layer.name != origin and values.shape[:1] + values.shape[2:] == shape[:1] + shape[2:]:
            more = shape[1] - values.shape[1]
            if more > 0:
                mean = values.mean(1, keepdim=True).expand(-1, more, -1, -1)
                return _Fit(torch.cat([values, mean], 1), "expanded", f"{more} channel the mean of the others")
        regrouped = regroup(values, shape, layer.convolution_param.group)
        if regrouped is not None:
            return _Fit(regrouped, "converted", "to groups" if shape[1] < values.shape[1] else "to dense")
    hint = "start it anew with `new`"
    if values.dim() == blob.dim() == 4 and values.shape[0] == shape[0] and values.shape[2:] == shape[2:]:
        hint = f"its filters mix channels, which groups cannot; {hint}"
    raise TransplantError(
        f"layer {layer.name!r}: blob {index} has shape {tuple(values.shape)}, the net's is {shape}; {hint}"
    )


def _modern(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Values without the leading axes of size 1 that files from before 2015 add to blobs of fewer than four axes."""
    axes = len(shape) if len(shape) < 4 else 2
    if values.dim() == 4 and values.shape != tuple(shape) and values.shape[: 4 - axes] == (1,) * (4 - axes):
        return values.reshape(values.shape[4 - axes :])
    return values


def regroup(filters: Tensor, shape: Sequence[int], group: int) -> Tensor | None:
    """Convert filters to another number of groups, if the result is equivalent.

    Args:
        filters: (rows, columns / groups, kernel...), a Convolution's or a Deconvolution's weight.
        shape: the target shape; it differs in the second size only.
        group: the number of groups of the target shape.

    Returns:
        The filters in that shape, or None: values would be lost, or the sizes do not fit.
    """
    rows, columns = shape[0], shape[1] * group
    given, rest = divmod(columns, filters.shape[1])
    if rest or rows % given or rows % group or filters.shape[0] != rows or filters.shape[2:] != tuple(shape[2:]):
        return None
    dense = filters.new_zeros(rows, columns, *shape[2:])
    for block, values in zip(_blocks(dense, given), filters.chunk(given), strict=True):
        block.copy_(values)
    grouped = torch.cat(_blocks(dense, group))
    return grouped if grouped.count_nonzero() == filters.count_nonzero() else None


def bilinear_filters(shape: Sequence[int]) -> Tensor | None:
    """The weight of a Deconvolution that upsamples each channel separately, grouped or dense; None if not possible.

    Args:
        shape: (channels, channels / groups, kernel, kernel).
    """
    channels, each, *kernel = shape
    if len(kernel) != 2 or kernel[0] != kernel[1] or channels % each:
        return None
    filters = torch.zeros(tuple(shape))
    index = torch.arange(channels)
    filters[index, index % each] = bilinear_kernel(kernel[0])
    return filters


def _blocks(dense: Tensor, group: int) -> list[Tensor]:
    """The blocks on the diagonal, as views."""
    rows, columns = dense.shape[0] // group, dense.shape[1] // group
    return [dense[k * rows : (k + 1) * rows, k * columns : (k + 1) * columns] for k in range(group)]
