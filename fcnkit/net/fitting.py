"""Change a net that does not run where something about it was a guess: sizes of inputs, or a fork's default boxes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from fcnkit.aliases import Shape
from fcnkit.caffe.inputs import FCN_SIZE, input_shapes, set_input_shapes
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.readers import cut_length, pools_regions
from fcnkit.errors import FcnkitError
from fcnkit.layers.priors import default_boxes
from fcnkit.net.building import blob_shapes, build
from fcnkit.net.input_size import fitting_size
from fcnkit.types import is_input, type_of
from fcnkit.types.axes import along_channels
from fcnkit.types.channels import Joined
from fcnkit.types.combine import CONCAT, SLICE
from fcnkit.types.detection import DETECTION_OUTPUT
from fcnkit.types.looks import CHANNELWISE, PIXEL
from fcnkit.types.loss import (
    ACCURACY,
    HINGE_LOSS,
    INFOGAIN_LOSS,
    SIGMOID_CROSS_ENTROPY_BALANCE_LOSS,
    SIGMOID_CROSS_ENTROPY_LOSS,
    SOFTMAX_WITH_LOSS,
)
from fcnkit.types.multibox import MULTI_BOX_LOSS
from fcnkit.types.priors import PRIOR_BOX
from fcnkit.types.regression import EUCLIDEAN_LOSS, L1_LOSS, LPQ_LOSS, SMOOTH_L1_LOSS
from fcnkit.types.shape import RESHAPE
from fcnkit.types.source import DUMMY_DATA

# What compares blobs of one shape, and what compares scores with the numbers of classes.
_ALIKE = {
    each.name
    for each in (
        EUCLIDEAN_LOSS,
        L1_LOSS,
        LPQ_LOSS,
        SMOOTH_L1_LOSS,
        SIGMOID_CROSS_ENTROPY_LOSS,
        SIGMOID_CROSS_ENTROPY_BALANCE_LOSS,
    )
}
_NUMBERS = {each.name for each in (ACCURACY, HINGE_LOSS, INFOGAIN_LOSS, SOFTMAX_WITH_LOSS)}


def fitted(net: NetParameter, guessed: bool, unstated: Collection[str], fed: Collection[str] = ()) -> list[str]:
    """Remarks on what was changed, in place; none if nothing makes the net run.

    Args:
        net: a net whose inputs have shapes.
        guessed: whether a height or width of an input is the usual guess.
        unstated: the inputs of which no file stated the whole shape.
        fed: the inputs that data layers fed, whose batch no file states.
    """
    remarks = []
    for _ in range(len(unstated) + 2):
        shapes: dict[str, Shape] = {}
        layers = [layer for layer in net.layer if not is_input(layer)]
        try:
            for _ in build(net, shapes):
                layers.pop(0)
        except FcnkitError:
            change = (
                _with_the_boxes_of_a_fork(net, net, shapes)
                or _with_another_input(net, layers[0], shapes, unstated)
                or _with_another_batch(net, layers[0], shapes)
                or _with_more_items(net, layers[0], shapes, fed)
                or _with_whole_regions(net, layers[0])
            )
            if not change:
                break
            remarks.append(change)
        else:
            return remarks
    size = fitting_size(net) if guessed else None
    if size is None:
        return []
    remark = f"the input size {size[0]} x {size[1]} is a guess; the net does not run at {FCN_SIZE} x {FCN_SIZE}"
    return [*remarks, remark]


def _with_another_input(
    net: NetParameter, layer: LayerParameter, shapes: Mapping[str, Shape], unstated: Collection[str]
) -> str:
    """Give an input the shape that its reader needs beside its other bottoms; "" if that changes nothing."""
    record = type_of(layer)
    known = [shapes.get(bottom, ()) for bottom in layer.bottom if bottom not in unstated]
    if record is None or not known or not known[0]:
        return ""
    joined = isinstance(record.channels, Joined) and along_channels(layer.concat_param, "concat_dim")
    listed = isinstance(record.channels, Joined) and 0 in (layer.concat_param.axis, layer.concat_param.concat_dim)
    for bottom, look in zip(layer.bottom, record.looks(layer), strict=False):
        wanted = known[0][:2] if look == CHANNELWISE else known[0] if look == PIXEL or layer.type in _ALIKE else ()
        if joined and bottom in unstated and len(shapes[bottom]) == len(known[0]) > 1:
            wanted = (known[0][0], shapes[bottom][1], *known[0][2:])
        elif listed and not joined and bottom in unstated:
            wanted = (shapes[bottom][0], *known[0][1:])
        elif layer.type in _NUMBERS and bottom != layer.bottom[0]:
            wanted = (known[0][0], 1, *known[0][2:])[: len(known[0]) if math.prod(known[0][2:]) > 1 else 1]
        if bottom in unstated and wanted and wanted != shapes[bottom]:
            set_input_shapes(net, {**input_shapes(net), bottom: wanted})
            return f"input {bottom!r} has the shape {wanted}, which layer {layer.name!r} needs"
    return ""


def _with_another_batch(net: NetParameter, layer: LayerParameter, shapes: Mapping[str, Shape]) -> str:
    """Give DummyData the batch of the blobs that a layer reads beside it; "" if that is not all that they lack.

    They have that of a data layer, whose batch in training means nothing here.
    """
    record = type_of(layer)
    dummies = [other for other in net.layer if other.type == DUMMY_DATA.name]
    made = {top for dummy in dummies for top in dummy.top}
    constant = {shapes[bottom] for bottom in layer.bottom if bottom in made}
    computed = {shapes[bottom] for bottom in layer.bottom if bottom in shapes and bottom not in made}
    if record is None or len(constant) != 1 or len(computed) != 1 or any(look != PIXEL for look in record.looks(layer)):
        return ""
    (before, *size), (batch, *wanted) = constant.pop(), computed.pop()
    if size != wanted:
        return ""
    for dummy in dummies:
        for shape in dummy.dummy_data_param.shape:
            if shape.dim[:1] == [before]:
                shape.dim[0] = batch
    return f"constant blobs of {before} items have {batch}, as the blobs that layer {layer.name!r} reads beside them"


def _with_more_items(
    net: NetParameter, layer: LayerParameter, shapes: Mapping[str, Shape], fed: Collection[str]
) -> str:
    """Feed as many images as a layer cuts or reshapes at once; "" for other layers, or if some are left over.

    Inputs with a single number for each image, such as marks of where sequences begin, get as many.

    Siamese nets cut a batch of pairs in two (happynear/FaceVerification), and nets of clips name the number of clips
    and of their images (LisaAnne/lisa-caffe-public examples/LRCN_activity_recognition/train_test_lstm_RGB.prototxt).
    """
    shape = shapes.get(layer.bottom[0], ()) if layer.bottom else ()
    if not shape or not fed:
        return ""
    wanted: float = cut_length([layer], 0) if layer.type == SLICE.name else 0
    sizes = layer.reshape_param.shape.dim
    if layer.type == RESHAPE.name and min(sizes, default=0) > 0 and layer.reshape_param.axis == 0:
        wanted = math.prod(sizes) * shape[0] / math.prod(shape)
    inputs = input_shapes(net)
    single = {name for name, own in inputs.items() if own in ((1,), (1, 1))}
    images = [name for name, own in inputs.items() if name in fed and (name in single or own[0] == 1 < len(own) - 2)]
    times = wanted / shape[0]
    if times <= 1 or times != int(times) or not images:
        return ""
    set_input_shapes(net, inputs | {name: (int(times), *inputs[name][1:]) for name in images})
    listed = ", ".join(map(repr, images))
    return f"{listed}: {int(times)} items, because layer {layer.name!r} reads {int(wanted)} at once"


def _with_whole_regions(net: NetParameter, layer: LayerParameter) -> str:
    """Give regions that an input states as corners alone the number of their image; "" for other layers.

    Such nets get another shape before they run (ShuangLI59/person_search models/psdb/resnet50/eval_probe.prototxt).
    """
    inputs = input_shapes(net)
    regions = layer.bottom[1] if pools_regions(layer) else ""
    if inputs.get(regions, ())[1:] != (4,):
        return ""
    set_input_shapes(net, {**inputs, regions: (inputs[regions][0], 5)})
    return f"input {regions!r} has five numbers for each region, an image and corners, where four are stated"


def boxes_of_the_loss(net: NetParameter, trained: NetParameter) -> list[str]:
    """A remark if the default boxes of a net were changed, in place, to those that its loss reads.

    Args:
        net: a net whose inputs have shapes.
        trained: the same with its losses, which `net` may lack.
    """
    kinds = {layer.type for layer in net.layer}
    lost = {layer.type for layer in trained.layer} - kinds
    if PRIOR_BOX.name not in kinds or DETECTION_OUTPUT.name in kinds or MULTI_BOX_LOSS.name not in lost:
        return []
    try:
        change = _with_the_boxes_of_a_fork(net, trained, blob_shapes(net))
    except FcnkitError:
        return []
    return [change] if change else []


def _with_the_boxes_of_a_fork(net: NetParameter, trained: NetParameter, shapes: Mapping[str, Shape]) -> str:
    """Choose the default boxes of a fork where there are as many locations; "" if there are not.

    Args:
        net: whose default boxes are changed.
        trained: the net with the layers that read them.
        shapes: of the net's blobs, as far as they are known.

    TextBoxes and FaceBoxes make more boxes of the same settings, and SSD for Windows fewer (MhLiao/TextBoxes,
    sfzhang15/FaceBoxes and dreadlord1984/SSD_windows_caffe, src/caffe/layers/prior_box_layer.cpp; the last with
    NO_SQRT, as windows/libcaffe/libcaffe.vcxproj defines).
    """
    makers = {top: layer for layer in net.layer for top in layer.top}
    for layer in trained.layer:
        if layer.type not in (DETECTION_OUTPUT.name, MULTI_BOX_LOSS.name) or len(layer.bottom) < 3:
            continue
        located, boxes = (_joined(makers, layer.bottom[index]) for index in (0, 2))
        priors = [makers[blob] for blob in boxes if blob in makers and makers[blob].type == PRIOR_BOX.name]
        if len(priors) != len(boxes) or len(located) != len(boxes) or not shapes.keys() >= {*located, *boxes}:
            continue
        factors = [math.prod(shapes[blob][1:]) / shapes[box][-1] for blob, box in zip(located, boxes, strict=True)]
        if all(factor == 2 for factor in factors):
            for prior in priors:
                prior.prior_box_param.denser_prior_boxes = True
            return "default boxes are those of TextBoxes, twice as many: the locations are for them"
        if min(factors) < 1 and factors == list(map(_share_without_means, priors)):
            for prior in priors:
                prior.prior_box_param.no_sqrt = True
            return "default boxes are those of SSD_windows_caffe, without geometric means: the locations are for them"
        sizes = [list(map(int, prior.prior_box_param.min_size)) for prior in priors]
        if factors == [7 if each == [32, 64, 128] else 1 for each in sizes] and 7 in factors:
            for prior in priors:
                prior.prior_box_param.faceboxes = True
            return "default boxes are those of FaceBoxes, 21 for 3 sizes: the locations are for them"
    return ""


def _share_without_means(prior: LayerParameter) -> float:
    """How many of a PriorBox's boxes are left without those of the geometric mean of two sizes."""
    whole = len(default_boxes(prior))
    return (whole - len(prior.prior_box_param.max_size)) / whole


def _joined(makers: Mapping[str, LayerParameter], blob: str) -> list[str]:
    """The blobs that a Concat joins, behind layers that only rename axes."""
    maker = makers.get(blob)
    return list(maker.bottom) if maker is not None and maker.type == CONCAT.name else [blob]
