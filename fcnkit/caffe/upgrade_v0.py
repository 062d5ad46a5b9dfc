"""The first generation of layers, V0: one message of parameters for all types, and padding as a layer of its own.

Source: BVLC/caffe src/caffe/util/upgrade_proto.cpp, UpgradeV0Net and what it calls.
"""

from __future__ import annotations

from fcnkit.caffe.schema import Message, message_class
from fcnkit.errors import DefinitionError

V1Layer = message_class("V1LayerParameter")

# UpgradeV0LayerType. Padding layers are folded away before.
V1_TYPE_FROM_V0 = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

# UpgradeV0LayerParameter: the V1 message of a V0 type, and those of its fields that V0 could set.
_OWN_FIELDS = {
    "concat": ("concat_param", {"concat_dim"}),
    "conv": (
        "convolution_param",
        {"num_output", "bias_term", "pad", "kernel_size", "group", "stride", "weight_filler", "bias_filler"},
    ),
    "data": ("data_param", {"source", "batch_size", "rand_skip"}),
    "dropout": ("dropout_param", {"dropout_ratio"}),
    "hdf5_data": ("hdf5_data_param", {"source", "batch_size"}),
    "images": ("image_data_param", {"source", "batch_size", "rand_skip", "shuffle", "new_height", "new_width"}),
    "infogain_loss": ("infogain_loss_param", {"source"}),
    "innerproduct": ("inner_product_param", {"num_output", "bias_term", "weight_filler", "bias_filler"}),
    "lrn": ("lrn_param", {"local_size", "alpha", "beta", "k"}),
    "pool": ("pooling_param", {"pool", "pad", "kernel_size", "stride"}),
    "window_data": (
        "window_data_param",
        {"source", "batch_size", "fg_threshold", "bg_threshold", "fg_fraction", "context_pad", "crop_mode"},
    ),
}

# The V0 fields that have another name in V1.
_RENAMED = {
    "batchsize": "batch_size",
    "biasterm": "bias_term",
    "cropsize": "crop_size",
    "det_bg_threshold": "bg_threshold",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
    "det_fg_fraction": "fg_fraction",
    "det_fg_threshold": "fg_threshold",
    "kernelsize": "kernel_size",
    "meanfile": "mean_file",
    "shuffle_images": "shuffle",
}

# Taken over whatever the type: what stands directly in a V1 layer, and what stands in its transform_param.
_LAYER_FIELDS = {"blobs", "blobs_lr", "weight_decay"}
_TRANSFORM_FIELDS = {"scale", "mean_file", "crop_size", "mirror"}


def v1_layers_from_v0(net: Message) -> list[Message]:
    """The layers of a V0 net as V1 layers, padding layers folded into the layers that read them.

    A parameter that means nothing to its layer's type, such as kernelsize in a relu layer, is left out, as Caffe
    leaves it out.

    Raises:
        DefinitionError: a layer is of an unknown type, is (partly) of another generation, reads a blob that no
            layer made, or a padding layer does not stand before a single convolution or pooling input.
    """
    for connection in net.layers:
        _check_v0(connection)
    return [_v1_layer_from_v0(connection) for connection in _fold_padding(net)]


def _check_v0(connection: Message) -> None:
    """Refuse what Caffe would drop without a word: layers and fields of V1 in a V0 net."""
    if not connection.HasField("layer"):
        raise DefinitionError(f"layer {connection.name!r} has the form V1, but others have the older form V0")
    for field, _ in connection.ListFields():
        if field.name not in ("layer", "bottom", "top"):
            raise DefinitionError(f"layer {connection.layer.name!r} has the form V0, but field {field.name!r} is of V1")


def _fold_padding(net: Message) -> list[Message]:
    """The net's layers without its padding layers; the layers that read one pad by themselves instead.

    Source: UpgradeV0PaddingLayers.
    """
    maker: dict[str, Message | None] = dict.fromkeys(net.input)
    kept = []
    for connection in net.layers:
        name, kind = connection.layer.name, connection.layer.type
        folded = V1Layer()
        folded.CopyFrom(connection)
        for i, blob in enumerate(connection.bottom):
            if blob not in maker:
                raise DefinitionError(
                    f"layer {name!r}: bottom {blob!r} is neither an input nor a top of a layer before it"
                )
            padding = maker[blob]
            if padding is None or padding.layer.type != "padding":
                continue
            _check_foldable(connection, padding)
            folded.layer.pad = padding.layer.pad
            folded.bottom[i] = padding.bottom[0]
        maker.update(dict.fromkeys(connection.top, connection))
        if kind != "padding":
            kept.append(folded)
    return kept


def _check_foldable(reader: Message, padding: Message) -> None:
    """Refuse a padding layer that does more than pad the one bottom of a convolution or pooling layer."""
    name, kind = reader.layer.name, reader.layer.type
    if kind not in ("conv", "pool"):
        raise DefinitionError(f"layer {name!r}: type {kind!r} cannot read padding layer {padding.layer.name!r}")
    for layer, side in ((reader, "bottom"), (padding, "bottom"), (padding, "top")):
        if len(getattr(layer, side)) != 1:
            raise DefinitionError(
                f"layer {layer.layer.name!r}: has {len(getattr(layer, side))} {side}s, but padding needs exactly 1"
            )


def _v1_layer_from_v0(connection: Message) -> Message:
    """One V1 layer from one V0 layer and its connections.

    Source: UpgradeV0LayerParameter.
    """
    old = connection.layer
    layer = V1Layer(bottom=connection.bottom, top=connection.top)
    own_message, own_fields = _OWN_FIELDS.get(old.type, ("", set()))
    for field, value in old.ListFields():
        name = _RENAMED.get(field.name, field.name)
        if name == "name":
            layer.name = value
        elif name == "type":
            if value not in V1_TYPE_FROM_V0:
                raise DefinitionError(f"layer {old.name!r}: unknown V0 type {value!r}")
            layer.type = V1Layer.LayerType.Value(V1_TYPE_FROM_V0[value])
        elif name in _LAYER_FIELDS:
            _put(layer, name, value)
        elif name in _TRANSFORM_FIELDS:
            _put(layer.transform_param, name, value)
        elif name in own_fields:
            _put(getattr(layer, own_message), name, value)
        elif name == "hdf5_output_param" and old.type == "hdf5_output":
            layer.hdf5_output_param.CopyFrom(value)
    return layer


def _put(message: Message, field: str, value: Message) -> None:
    """Set a field to a number, string, message or list; a single number becomes a list where V1 has one."""
    present = getattr(message, field)
    if hasattr(present, "MergeFrom"):
        present.MergeFrom(value if hasattr(value, "MergeFrom") else [value])
    else:
        setattr(message, field, value)
