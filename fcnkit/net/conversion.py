"""From Caffe's files to a CaffeNet."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.deploy import TEST_STATE, runnable
from fcnkit.caffe.deploy import deploy as deploy_net
from fcnkit.caffe.forks import require_bvlc
from fcnkit.caffe.inputs import input_shapes, resolve
from fcnkit.caffe.messages import TEST, TRAIN, NetParameter, NetState
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FileFormatError, naming
from fcnkit.layers import rule_for
from fcnkit.layers.fillers import check_type
from fcnkit.net.caffe_net import CaffeNet
from fcnkit.net.input_size import set_input_size

InputShape = Sequence[int] | Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class NetOptions:
    """How a net is built from its files.

    Attributes:
        prototxt: the definition, in place of the one that a file of weights has.
        input_shape: shape of the first input, or shapes by input name; by default taken from the definition, the
            weights or the published nets.
        state: a NetState, against which the layers' include and exclude rules are evaluated; a net of the phase TRAIN
            is in train mode.
        deploy: in the test phase, remove data layers, labels and losses; False keeps the net as defined, with an
            input for each blob that a data layer fed. A net for training is always kept.
        mapped: use weights in place in the file if possible (see `CaffeNet`).
        untrained: a definition alone is filled as its fillers state ("fill"), has weights of any values ("leave"), or
            is refused unless its net has no weights ("refuse").
    """

    prototxt: AnyPath | None = None
    input_shape: InputShape | None = None
    state: NetState = field(default_factory=lambda: TEST_STATE)
    deploy: bool = True
    mapped: bool = False
    untrained: str = "fill"

    @property
    def training(self) -> bool:
        return bool(self.state.phase == TRAIN)


def net_from_weights(path: AnyPath, stored: NetParameter | None, blobs: Blobs, options: NetOptions) -> CaffeNet:
    """The net of a file of Caffe's weights.

    Args:
        path: the file.
        stored: the definition in it, if it has one.
        blobs: the weights in it, by layer name.
        options: see `NetOptions`.

    Raises:
        FcnkitError: there is no definition, it is a fork's, or it does not fit the weights.
    """
    if options.prototxt is not None:
        stored = prototxts.read(options.prototxt)
    else:
        with naming(path):
            if stored is None:
                raise FileFormatError("contains weights alone; give the net's definition with `prototxt`")
            require_bvlc(stored)
    with naming(options.prototxt or path):
        definition, preprocessing = prepare(stored, blobs, options.input_shape, options.state, options.deploy)
    with naming(path):
        net = CaffeNet(definition, blobs, preprocessing=preprocessing, source=pathlib.Path(path), mapped=options.mapped)
    return net.train(options.training)


def net_from_definition(path: AnyPath, options: NetOptions) -> CaffeNet:
    """The net of a prototxt.

    Raises:
        FcnkitError: the file cannot be read, defines no net that runs, or is refused because it has no weights.
    """
    stored = prototxts.read(path)
    with naming(path):
        definition, preprocessing = prepare(stored, None, options.input_shape, options.state, options.deploy)
        filled = options.untrained == "fill"
        for layer in definition.layer:
            rule = rule_for(layer)
            for filler in rule.fillers(layer) if rule is not None else ():
                check_type(filler, layer.name)
        net = CaffeNet(definition, preprocessing=preprocessing, source=pathlib.Path(path), filled=filled)
        if options.untrained == "refuse" and net.state_dict():
            raise FileFormatError("has no weights; give a file of weights, and this one with `prototxt`")
    return net.train(options.training)


def prepare(
    trained: NetParameter,
    blobs: Mapping[str, Sequence[Any]] | None,
    input_shape: InputShape | None,
    state: NetState = TEST_STATE,
    deploy: bool = True,
) -> tuple[NetParameter, dict[str, Preprocessing]]:
    """The definition that a CaffeNet is built from, with a shape for every input, and the inputs' preprocessing.

    Args:
        trained: a net of any generation, as it was trained or as it runs.
        blobs: the weights by layer name (only their shapes are used), or None.
        input_shape, deploy: as in `NetOptions`.
        state: the NetState it is to run in.
    """
    declared = tuple(trained.input)
    trained = upgrade_net(trained)
    cut = deploy_net if deploy and state.phase == TEST else runnable
    net = cut(trained, state, declared)
    resolve(net, blobs, input_shape)
    set_input_size(net, blobs)
    return net, {
        name: Preprocessing.of_input(trained.layer, name, shape[1])
        for name, shape in input_shapes(net).items()
        if len(shape) == 4 and shape[2] * shape[3] > 1
    }
