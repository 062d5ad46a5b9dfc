"""Feeds built from the definitions of data layers."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from fcnkit.caffe.messages import TRAIN, LayerParameter, NetParameter
from fcnkit.errors import DefinitionError, InputError, naming
from fcnkit.train.data import fcn, segmentation
from fcnkit.train.data.feeding import ALONE, Drawn, Feed, InTurn, IterableFeed, Order, SampleFeed, Share, Shuffled
from fcnkit.train.data.hdf5 import HDF5Samples
from fcnkit.train.data.images import ImageSamples
from fcnkit.train.data.lmdb import LMDBSamples
from fcnkit.train.data.params import params_of
from fcnkit.train.data.transform import Transform
from fcnkit.types.data import DATA, HDF5_DATA, IMAGE_DATA, MEMORY_DATA
from fcnkit.types.source import INPUT

# A data set, an iterable, or a function that returns either.
Given = Any


class Sources:
    """Builds the feeds of a net's data layers.

    Args:
        seed: the seed of every order, crop and mirroring.
        workers: processes that read ahead for each layer; 0 reads in this one.
        share: the share of the training samples, if several processes train.
        given: data by layer name, which overrides the data that the layer names.
        share_of_tests: the share of the samples of test nets.
    """

    def __init__(
        self,
        seed: int = 0,
        workers: int = 0,
        share: Share = ALONE,
        given: Mapping[str, Given] | None = None,
        share_of_tests: Share = ALONE,
    ):
        self.seed, self.workers, self.share, self.given = seed, workers, share, dict(given or {})
        self.share_of_tests = share_of_tests
        self.used: set[str] = set()

    def feeds(self, net: NetParameter) -> list[Feed]:
        """A feed for each data layer of a net.

        Raises:
            FcnkitError: data is missing, cannot be read, or has a different number of tops from its layer.
        """
        feeds = []
        for layer in net.layer:
            if layer.bottom or not layer.top or not (_kind(layer) in _BUILDERS or layer.name in self.given):
                continue
            feeds.append(self._feed(layer))
        return feeds

    def _feed(self, layer: LayerParameter) -> Feed:
        # One number for each layer and phase.
        seed = zlib.crc32(f"{self.seed} {layer.name} {layer.phase}".encode())
        share = self.share if layer.phase == TRAIN else self.share_of_tests
        if layer.name in self.given:
            self.used.add(layer.name)
            return _given_feed(layer, self.given[layer.name], seed, self.workers, share)
        with naming(f"layer {layer.name!r}"):
            data, batch, order = _BUILDERS[_kind(layer)](layer, seed)
        if batch < 1:
            raise DefinitionError(f"data layer {layer.name!r}: batch_size is {batch}; it must be 1 or more")
        return SampleFeed(layer.name, layer.top, data, batch, order, seed, self.workers, share)


def _kind(layer: LayerParameter) -> str:
    """A layer's type; for a Python layer, its module and class."""
    return f"{layer.python_param.module}.{layer.python_param.layer}" if layer.type == "Python" else str(layer.type)


def _given_feed(layer: LayerParameter, given: Given, seed: int, workers: int, share: Share) -> Feed:
    data = _called(layer, given) if callable(given) else given
    batch = _batch_size(layer)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        if not len(data):
            raise InputError(f"the data of layer {layer.name!r} has no sample")
        order = Shuffled([len(data)], seed) if _shuffles(layer) else InTurn(len(data))
        return SampleFeed(layer.name, layer.top, data, batch, order, seed, workers, share)
    if not hasattr(data, "__iter__"):
        kind = type(data).__name__
        raise InputError(f"the data of layer {layer.name!r} is of type {kind}, neither a data set nor an iterable")
    return IterableFeed(layer.name, layer.top, data, batch, share)


def _called(layer: LayerParameter, factory: Callable[..., Any]) -> Any:
    """Call a user's factory with those of `layer` and `phase` that it accepts by name."""
    offered = {"layer": layer, "phase": "train" if layer.phase == TRAIN else "test"}
    try:
        takes = set(inspect.signature(factory).parameters)
    except ValueError:
        takes = set()
    return factory(**{name: value for name, value in offered.items() if name in takes})


_PARAMS: tuple[
    Literal["data_param", "image_data_param", "hdf5_data_param", "memory_data_param", "window_data_param"], ...
] = ("data_param", "image_data_param", "hdf5_data_param", "memory_data_param", "window_data_param")


def _batch_size(layer: LayerParameter) -> int:
    """The batch size that a layer of any type sets; else 1."""
    for name in _PARAMS:
        if layer.HasField(name) and getattr(layer, name).batch_size:
            return int(getattr(layer, name).batch_size)
    if layer.type == "Input" and layer.input_param.shape and layer.input_param.shape[0].dim:
        return int(layer.input_param.shape[0].dim[0])
    return 1


def _shuffles(layer: LayerParameter) -> bool:
    return bool(layer.image_data_param.shuffle or layer.hdf5_data_param.shuffle)


def _hdf5(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    p = layer.hdf5_data_param
    data = HDF5Samples(p.source, layer.top)
    return data, p.batch_size, Shuffled(data.sizes, seed) if p.shuffle else InTurn(len(data))


def _lmdb(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    p, transform = layer.data_param, layer.transform_param
    colour = True if transform.force_color or p.force_encoded_color else False if transform.force_gray else None
    data = LMDBSamples(p.source, Transform(transform, layer.phase), colour, len(layer.top) > 1)
    return data, p.batch_size, InTurn(len(data), _skipped(p.rand_skip, seed))


def _images(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    p = layer.image_data_param
    transform, size = Transform(layer.transform_param, layer.phase), (p.new_height, p.new_width)
    data = ImageSamples(p.source, transform, p.root_folder, size, p.is_color, len(layer.top) > 1)
    skip = _skipped(p.rand_skip, seed)
    order = Shuffled([len(data)], seed, skip) if p.shuffle else InTurn(len(data), skip)
    return data, p.batch_size, order


def _skipped(most: int, seed: int) -> int:
    """The number of samples skipped before the first batch: a random number below `most`."""
    return int(np.random.default_rng(seed).integers(most)) if most else 0


def _python(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    data = fcn.samples(layer)
    order: Order = InTurn(len(data))
    if data.random:
        order = Drawn(len(data), seed if data.seed is None else int(data.seed))
    return data, 1, order


def _segmentation(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    data = segmentation.SegmentationData(params_of(layer), len(layer.top))
    order = Shuffled([len(data)], data.seed) if data.randomize else InTurn(len(data))
    return data, data.batch, order


def _by_hand(layer: LayerParameter, seed: int) -> tuple[Any, int, Order]:
    raise InputError(f"{layer.type} takes its data from a program; give it with `data`")


_BUILDERS: dict[str, Callable[[LayerParameter, int], tuple[Any, int, Order]]] = {
    DATA.name: _lmdb,
    HDF5_DATA.name: _hdf5,
    IMAGE_DATA.name: _images,
    MEMORY_DATA.name: _by_hand,
    INPUT.name: _by_hand,
    segmentation.LAYER: _segmentation,
    **dict.fromkeys(fcn.LAYERS, _python),
}
