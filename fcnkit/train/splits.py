"""The Split layers that Caffe inserts where a blob is read several times; its snapshots contain them.

Source: BVLC/caffe src/caffe/util/insert_splits.cpp.
"""

from __future__ import annotations

from collections import Counter

from fcnkit.caffe.messages import LayerParameter, NetParameter

# The layer and the top that produce a blob.
Maker = tuple[int, int]


def with_splits(net: NetParameter) -> NetParameter:
    """The net with a Split after each blob that several layers read, or that is a loss and is also read."""
    makers: dict[str, Maker] = {}
    sources: dict[tuple[int, int], Maker] = {}
    readers: Counter[Maker] = Counter()
    losses: dict[Maker, float] = {}
    for index, layer in enumerate(net.layer):
        for position, bottom in enumerate(layer.bottom):
            if bottom in makers:
                sources[index, position] = makers[bottom]
                readers[makers[bottom]] += 1
        makers.update((top, (index, position)) for position, top in enumerate(layer.top))
        for top, weight in zip(layer.top, layer.loss_weight, strict=False):
            if weight:
                losses[makers[top]] = weight
                readers[makers[top]] += 1
    result = type(net)()
    result.CopyFrom(net)
    result.ClearField("layer")
    # The first top of a split loss is the loss itself, and no layer reads it.
    taken: Counter[Maker] = Counter(dict.fromkeys(losses, 1))
    for index, layer in enumerate(net.layer):
        own = result.layer.add()
        own.CopyFrom(layer)
        for position in range(len(layer.bottom)):
            maker = sources.get((index, position))
            if maker is not None and readers[maker] > 1:
                own.bottom[position] = _split_top(net, maker, taken[maker])
                taken[maker] += 1
        for position, top in enumerate(layer.top):
            maker = index, position
            if readers[maker] > 1:
                split = LayerParameter(name=_split_name(net, maker), type="Split", bottom=[top], phase=layer.phase)
                split.top.extend(_split_top(net, maker, number) for number in range(readers[maker]))
                if maker in losses:
                    own.ClearField("loss_weight")
                    split.loss_weight.extend([losses[maker], *[0.0] * (readers[maker] - 1)])
                result.layer.append(split)
    return result


def _split_name(net: NetParameter, maker: Maker) -> str:
    layer = net.layer[maker[0]]
    return f"{layer.name}_{layer.top[maker[1]]}_{maker[1]}_split"


def _split_top(net: NetParameter, maker: Maker, number: int) -> str:
    # Caffe builds both names the same way.
    return f"{_split_name(net, maker)}_{number}"
