"""Starting an FCN from the weights of a classifier or of a coarser FCN."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Unpack

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.caffe.inputs import FCN_SIZE, input_shapes
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import naming, nearest
from fcnkit.formats.images import adopt_images
from fcnkit.formats.torchvision import PREPROCESSING
from fcnkit.generation import published as zoo
from fcnkit.generation.nets import describe, generate
from fcnkit.generation.options import NetOptions
from fcnkit.net import CaffeNet, conversion
from fcnkit.net.conversion import InputShape, Prepared, Reading, prepare
from fcnkit.surgery.transplant import Transplanted, TransplantError, source_layer, transplant
from fcnkit.surgery.weight_files import LayerWeights, read_layer_weights


class Start(NamedTuple):
    """A net that is ready to be trained, the result for each layer, and notes on its weights."""

    net: CaffeNet
    rows: list[Transplanted]
    notes: list[str]


def start(
    net: AnyPath,
    files: AnyPath | Mapping[str, AnyPath],
    *,
    expand_score: bool = False,
    new: Collection[str] = (),
    input_shape: InputShape | None = None,
    reading: Reading | None = None,
    **options: Unpack[NetOptions],
) -> Start:
    """Start an FCN from trained weights.

    Args:
        net: a published net's name, "fcn" for a custom FCN, or a prototxt file.
        files: a file with a classifier or an FCN; for a net that fuses several inputs, also files by input.
        expand_score, new: as in `transplant`.
        input_shape: as in `convert`, for a prototxt that does not state it.
        reading: `crop`, `ignore_fields` and `values` as in `convert`, for a prototxt.
        options: of fcnkit.generation.options.Net, for "fcn".

    Returns:
        The net, in eval mode: the training net with data layers, labels and losses removed. From a classifier of
        torchvision's, the net computes on an image the same as the classifier on its own normalized input: the first
        filters are converted to BGR 0..255, and `net.preprocessing` has torchvision's mean. Train it with that mean.

    Raises:
        TransplantError, ConversionError: the weights do not fit.
        FcnkitError: a file cannot be read, or the net does not exist.
    """
    files = dict(files) if isinstance(files, Mapping) else {"": files}
    sources = {stream: read_layer_weights(file) for stream, file in files.items()}
    prepared = _prepared(net, sources, input_shape, reading or {}, options)
    definition, preprocessing = prepared.definition, prepared.preprocessing
    inputs = list(input_shapes(definition))
    unknown = files.keys() - {"", *inputs}
    if unknown:
        raise TransplantError(
            f"weights are given for {', '.join(map(repr, sorted(unknown)))},"
            f" but the net's inputs are {', '.join(map(repr, inputs))}"
        )
    with naming(", ".join(str(file) for file in files.values())):
        expected = _expected(definition, inputs, sources, new)
        images = adopt_images(definition, preprocessing, expected)
    with naming(net):
        result = prepared.net().eval()
    with naming(", ".join(str(file) for file in files.values())):
        rows = transplant(result, sources, expand_score=expand_score, new=new)
    for layer, image in images.items():
        result.blobs()[layer][0][:, :3] *= expected[layer].scale / preprocessing[image].scale
    return Start(result, rows, [_note(preprocessing[image], layer, image) for layer, image in images.items()])


def _prepared(
    net: AnyPath,
    sources: Mapping[str, LayerWeights],
    input_shape: InputShape | None,
    reading: Reading,
    options: NetOptions,
) -> Prepared:
    """The definition of the net for inference, and the preprocessing of its inputs."""
    if net == "fcn" or net in zoo.PUBLISHED:
        described = describe(str(net), **options)
        shapes = {name: (1, channels, FCN_SIZE, FCN_SIZE) for name, channels in described.inputs.items()}
        how = conversion.NetOptions(input_shape=input_shape or shapes)
        return prepare(prototxt.parse(generate(described)), None, how)
    blobs = {name: source.blobs(name, None) for source in sources.values() for name in source.layers}
    if (hint := nearest(str(net), ["fcn", *zoo.PUBLISHED])) and not Path(net).exists():
        raise TransplantError(f"is neither a net nor a prototxt{hint}").in_file(net)
    how = conversion.NetOptions(input_shape=input_shape, **reading)
    stored, unknown = how.read(net)
    with naming(net):
        return prepare(stored, blobs, how, unknown)


def _expected(
    definition: NetParameter, inputs: Sequence[str], sources: Mapping[str, LayerWeights], new: Collection[str]
) -> dict[str, Preprocessing]:
    """The preprocessing of the images that the filters of a layer expect, where a source states it."""
    found = {}
    for layer in definition.layer:
        source = source_layer(layer.name, inputs, sources)
        if source is not None and layer.name not in new and source[1] in sources[source[0]].images:
            found[layer.name] = sources[source[0]].images[source[1]]
    return found


def _note(found: Preprocessing, layer: str, image: str) -> str:
    origin = "the weights state" if found.source != PREPROCESSING.source else "torchvision's filters expect"
    mean = ", ".join(f"{value:g}" for value in found.mean)
    return f"{image} is read minus {mean}, as {origin} in {layer}; a data layer that trains the net must subtract this"
