"""From Caffe's files to a CaffeNet."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.data import UNKNOWN, is_data_layer
from fcnkit.caffe.deploy import TEST_STATE, runnable
from fcnkit.caffe.deploy import deploy as deploy_net
from fcnkit.caffe.forks import settle_forks
from fcnkit.caffe.inputs import input_shapes, resolve, set_data_set_shapes
from fcnkit.caffe.lenient import Unknown
from fcnkit.caffe.messages import TRAIN, NetParameter, NetState
from fcnkit.caffe.placeholders import Values
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.caffe.states import complete
from fcnkit.caffe.unknown import settle_unknown
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import DefinitionError, FileFormatError, MissingBlobsError, naming
from fcnkit.generation.nets import generate
from fcnkit.geometry.unstated import DERIVED, settle_crops
from fcnkit.layers import rule_for
from fcnkit.layers.fillers import check_type
from fcnkit.net.building import require_supported
from fcnkit.net.caffe_net import CaffeNet
from fcnkit.net.fitting import boxes_of_the_loss, fitted
from fcnkit.net.images import Kept, preprocessing_of, stated_in
from fcnkit.net.input_size import set_input_size

InputShape = Sequence[int] | Mapping[str, Sequence[int]]


class Reading(TypedDict, total=False):
    """How a definition is read where it is not clear (see `NetOptions`)."""

    crop: str | None
    ignore_fields: Sequence[str]
    net: str | None
    values: Values | None


class Prepared(NamedTuple):
    """The definition that a CaffeNet is built from, its inputs' preprocessing, and remarks on how it was read.

    guessed: whether a height or width of an input is the usual guess.
    unstated: the inputs of which no file stated the whole shape.
    fed: the inputs that data layers fed, if the caller states no shape.
    """

    definition: NetParameter
    preprocessing: dict[str, Preprocessing]
    remarks: list[str]
    guessed: bool
    unstated: frozenset[str]
    fed: frozenset[str]

    def net(self, blobs: Blobs | None = None, **settings: Any) -> CaffeNet:
        """The net; where it does not run because of a guess, with what fits better (see `fitting`).

        Args:
            blobs, settings: as for `CaffeNet`.
        """
        remarks = list(self.remarks)
        try:
            net = CaffeNet(self.definition, blobs, preprocessing=self.preprocessing, **settings)
        except DefinitionError:
            changes = fitted(self.definition, self.guessed, self.unstated, self.fed)
            if not changes:
                raise
            remarks += changes
            net = CaffeNet(self.definition, blobs, preprocessing=self.preprocessing, **settings)
        net.remarks += remarks
        return net


@dataclass(frozen=True)
class NetOptions:
    """How a net is built from its files.

    Attributes:
        prototxt: the definition, in place of the one that a file of weights has.
        net: the name of a published net, whose definition for inference is taken instead.
        input_shape: shape of the first input, or shapes by input name; by default taken from the definition, the
            weights or the published nets.
        state: a NetState, against which the layers' include and exclude rules are evaluated; a net of the phase TRAIN
            is in train mode.
        deploy: in the test phase, remove data layers, labels and losses; False keeps the net as defined, with an
            input for each blob that a data layer fed. A net for training is always kept.
        mapped: use weights in place in the file if possible (see `CaffeNet`).
        target: the tool that a PyTorch program is written for; it has no effect on other files.
        untrained: a definition alone is filled as its fillers state ("fill"), has weights of any values ("leave"), or
            is refused unless its net has no weights ("refuse").
        crop: the offset of each Crop without crop_param: "derived" from the coordinate maps, as in the Caffe of HED, or
            "zero", as in BVLC's; None refuses nets in which the two differ.
        ignore_fields: names of fields that fcnkit does not know and that are left out; others are refused, unless they
            are in layers that are removed, or are known to change no value.
        values: of the placeholders of a prototxt that is a template, by name.
    """

    prototxt: AnyPath | None = None
    input_shape: InputShape | None = None
    state: NetState = field(default_factory=lambda: TEST_STATE)
    deploy: bool = True
    mapped: bool = False
    untrained: str = "fill"
    target: str = "bvlc"
    crop: str | None = None
    ignore_fields: Sequence[str] = ()
    net: str | None = None
    values: Values | None = None

    @property
    def by(self) -> str:
        """The parameter that gives the definition."""
        return "net" if self.prototxt is None else "prototxt"

    @property
    def given(self) -> AnyPath | None:
        """The definition in place of the one that a file of weights has, for messages: a prototxt, or a net's name."""
        return self.net if self.prototxt is None else self.prototxt

    def definition(self) -> tuple[NetParameter, list[Unknown]]:
        """That definition, and the fields in its prototxt that are unknown.

        Raises:
            FcnkitError: the prototxt cannot be read, or there is no such net.
        """
        if self.prototxt is not None:
            return self.read(self.prototxt)
        return prototxts.parse(generate(self.net or "", "deploy")), []

    def read(self, path: AnyPath) -> tuple[NetParameter, list[Unknown]]:
        """The definition in a prototxt, as `prototxt.read_leniently` returns it."""
        return prototxts.read_leniently(path, self.values, self.input_shape)

    @property
    def training(self) -> bool:
        return bool(self.state.phase == TRAIN)


_DEFAULTS = NetOptions()


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
    unknown: list[Unknown] = []
    kept = None
    if options.given is not None:
        kept = None if stored is None else stated_in(stored)
        stored, unknown = options.definition()
    else:
        with naming(path):
            if stored is None:
                raise FileFormatError("contains weights alone; give the net's definition with `prototxt` or `net`")
    with naming(options.given or path):
        prepared = prepare(stored, blobs, options, unknown, binary=options.given is None, kept=kept)
    with naming(path):
        net = prepared.net(blobs, source=pathlib.Path(path), mapped=options.mapped)
        if blobs and len(net.unused) == len(blobs):
            has = ", ".join(map(repr, net.unused[:5])) + ", ..." * (len(blobs) > 5)
            raise MissingBlobsError(f"none of its weights is used: it has those of {has}, and the net has other layers")
    return net.train(options.training)


def net_from_definition(path: AnyPath, options: NetOptions) -> CaffeNet:
    """The net of a prototxt.

    Raises:
        FcnkitError: the file cannot be read, defines no net that runs, or is refused because it has no weights.
    """
    stored, unknown = options.read(path)
    with naming(path):
        prepared = prepare(stored, None, options, unknown)
        for layer in prepared.definition.layer if options.untrained != "leave" else ():
            rule = rule_for(layer)
            for filler in rule.fillers(layer) if rule is not None else ():
                check_type(filler, layer.name)
        net = prepared.net(source=pathlib.Path(path), filled=options.untrained == "fill")
        if options.untrained == "refuse" and net.state_dict():
            raise FileFormatError("has no weights; give a file of weights, and this one with `prototxt`")
    return net.train(options.training)


def prepare(
    stored: NetParameter,
    blobs: Mapping[str, Sequence[Any]] | None,
    options: NetOptions = _DEFAULTS,
    unknown: Sequence[Unknown] = (),
    binary: bool = False,
    kept: Kept | None = None,
) -> Prepared:
    """The definition that a CaffeNet is built from, with a shape for every input.

    Args:
        stored: a net of any generation, as it was trained or as it runs.
        blobs: the weights by layer name (only their shapes are used), or None.
        options: see `NetOptions`.
        unknown: the fields of the definition that are not in stored.
        binary: whether stored is from a binary file, in which numbers stand for forks' fields.
        kept: the preprocessing that the file of weights states, for inputs of which stored states none.
    """
    declared = tuple(stored.input)
    trained = upgrade_net(stored)
    cut = deploy_net if options.deploy and not options.training else runnable
    net, remarks = complete(trained, cut, options.state, declared)
    require_supported(net)
    remarks += settle_forks(stored, net) if binary else []
    remarks += settle_unknown(unknown, stored, net, options.ignore_fields)
    remarks += _constants(net)
    if blobs is None and options.input_shape is None:
        remarks += set_data_set_shapes(net, trained)
    shapes = input_shapes(net)
    first = [*shapes][: options.input_shape is not None]
    given = options.input_shape if isinstance(options.input_shape, Mapping) else first
    unstated = frozenset(name for name, shape in shapes.items() if UNKNOWN in shape and name not in given)
    guessed = resolve(net, blobs, options.input_shape)
    set_input_size(net, blobs)
    # BVLC's V1 has no Crop: it is one of the forks that derive offsets.
    remarks += settle_crops(net, options.crop or (DERIVED if stored.layers else None))
    remarks += boxes_of_the_loss(net, trained)
    preprocessing = preprocessing_of(net, trained.layer, kept)
    fed = frozenset(top for layer in filter(is_data_layer, trained.layer) for top in layer.top)
    return Prepared(net, preprocessing, remarks, guessed, unstated, fed - frozenset(given))


def _constants(net: NetParameter) -> list[str]:
    """A remark on each layer that makes blobs of its own, which a data set may have been meant to feed."""
    return [
        f"blob {top!r} is not an input: DummyData layer {layer.name!r} fills it"
        for layer in net.layer
        if layer.type == "DummyData"
        for top in layer.top
    ]
