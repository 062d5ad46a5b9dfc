"""The preprocessing of a net's images: as its definition states it, its file of weights, or the published nets."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from fcnkit.caffe.data import is_data_layer
from fcnkit.caffe.deploy import label_blobs
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.preprocessing import FCN_MEAN, Preprocessing, state_in_input
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FcnkitError
from fcnkit.generation.published import resembles_published
from fcnkit.net.caffe_net import CaffeNet
from fcnkit.types import is_input

ASSUMED = Preprocessing("BGR", mean=FCN_MEAN, source="assumed: the mean of the published FCN nets")
# The preprocessing that a file of weights states for the input of a name and a number of channels.
Kept = Callable[[str, int], Preprocessing | None]


def preprocessing_of(
    net: NetParameter, layers: Sequence[LayerParameter], kept: Kept | None = None
) -> dict[str, Preprocessing]:
    """The preprocessing of each input that is an image.

    Args:
        net: the net that runs, with a shape for every input.
        layers: the layers of its definition, data layers included.
        kept: what the file of weights states, for inputs of which the definition states nothing.
    """
    found = {}
    labels = label_blobs(list(net.layer), net)
    for name, shape in input_shapes(net).items():
        if len(shape) != 4 or shape[2] * shape[3] <= 1 or name in labels:
            continue
        stated = Preprocessing.of_input(layers, name, shape[1])
        if not stated.known:
            stated = (kept and kept(name, shape[1])) or stated
        if not stated.known and shape[1] == 3 and resembles_published(net):
            stated = ASSUMED
        found[name] = stated
    return found


def stated_in(stored: NetParameter) -> Kept:
    """What the definition in a file of weights states of its images, under their names or for the only one."""

    def kept(name: str, channels: int) -> Preprocessing | None:
        try:
            layers = upgrade_net(stored).layer
        except FcnkitError:
            # The definition is overridden, perhaps for that reason.
            return None
        tops = [layer.top[0] for layer in layers if (is_data_layer(layer) or is_input(layer)) and layer.top]
        if name not in tops and len(set(tops)) == 1:
            name = tops[0]
        found = Preprocessing.of_input(layers, name, channels)
        return found if found.known else None

    return kept


def stated_definition(net: CaffeNet) -> NetParameter:
    """A copy of a net's definition in which the Input layers state the mean and the scale, unless they are assumed."""
    definition = copy.deepcopy(net.definition())
    for name, preprocessing in net.preprocessing.items():
        if preprocessing.in_caffe and preprocessing != ASSUMED:
            state_in_input(definition, name, preprocessing)
    return definition
