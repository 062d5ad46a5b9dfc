"""Starting an FCN from the weights of a classifier or of a coarser FCN."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Unpack

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.caffe.inputs import FCN_SIZE
from fcnkit.errors import naming
from fcnkit.generation import published as zoo
from fcnkit.generation.nets import describe, generate
from fcnkit.generation.options import NetOptions
from fcnkit.net import CaffeNet, conversion
from fcnkit.net.conversion import InputShape, Reading, prepare
from fcnkit.surgery.transplant import Transplanted, TransplantError, transplant
from fcnkit.surgery.weight_files import LayerWeights, read_layer_weights

TORCHVISION_NOTE = (
    "torchvision trained these weights on RGB images of mean 0 and deviation 1; this net reads {reads},"
    " so train its first layers too, or start from Caffe's own weights"
)


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
        reading: `crop` and `ignore_fields` as in `convert`, for a prototxt.
        options: of fcnkit.generation.options.Net, for "fcn".

    Returns:
        The net, in eval mode: the training net with data layers, labels and losses removed.

    Raises:
        TransplantError: the weights do not fit.
        FcnkitError: a file cannot be read, or the net does not exist.
    """
    files = dict(files) if isinstance(files, Mapping) else {"": files}
    sources = {stream: read_layer_weights(file) for stream, file in files.items()}
    result = _build(net, sources, input_shape, reading or {}, options)
    unknown = files.keys() - {"", *result.inputs}
    if unknown:
        raise TransplantError(
            f"weights are given for {', '.join(map(repr, sorted(unknown)))},"
            f" but the net's inputs are {', '.join(map(repr, result.inputs))}"
        )
    with naming(", ".join(str(file) for file in files.values())):
        rows = transplant(result, sources, expand_score=expand_score, new=new)
    return Start(result, rows, _notes(result, sources.values()))


def _build(
    net: AnyPath,
    sources: Mapping[str, LayerWeights],
    input_shape: InputShape | None,
    reading: Reading,
    options: NetOptions,
) -> CaffeNet:
    """Build the net, with the weights that its fillers set."""
    if net == "fcn" or net in zoo.PUBLISHED:
        described = describe(str(net), **options)
        definition = prototxt.parse(generate(described))
        shapes = {name: (1, channels, FCN_SIZE, FCN_SIZE) for name, channels in described.inputs.items()}
        how = conversion.NetOptions(input_shape=input_shape or shapes)
        result = prepare(definition, None, how).net()
    else:
        definition, unknown = prototxt.read_leniently(net)
        with naming(net):
            blobs = {name: source.blobs(name, None) for source in sources.values() for name in source.layers}
            how = conversion.NetOptions(input_shape=input_shape, **reading)
            result = prepare(definition, blobs, how, unknown).net()
    return result.eval()


def _notes(net: CaffeNet, sources: Collection[LayerWeights]) -> list[str]:
    if not any(source.torchvision for source in sources):
        return []
    reads: Sequence[str] = [
        f"{image.channel_order} {image.range[0]:g}..{image.range[1]:g}" + " minus a mean" * bool(image.mean)
        for image in net.preprocessing.values()
    ]
    return [TORCHVISION_NOTE.format(reads=" and ".join(reads))]
