"""Upgrade old net and solver definitions to the current format, as Caffe does whenever it reads one.

Three generations of layers are in use: V0 (`layers { layer { .. } }`), V1 (`layers`, types
in capitals) and V2 (`layer`, types as strings). A net of any of them may also state its inputs in
the fields `input`, `input_shape` and `input_dim`, which V2 replaced by an Input layer.

Source: BVLC/caffe src/caffe/util/upgrade_proto.cpp, UpgradeNetAsNeeded for the order of the steps.
"""

from __future__ import annotations

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter, NetParameter, SolverParameter, V1LayerParameter
from fcnkit.caffe.upgrade_v0 import v1_layers_from_v0
from fcnkit.errors import DefinitionError, PrototxtError
from fcnkit.types import all_types
from fcnkit.types.record import Data

# UpgradeV1LayerType. A V1 layer without a type becomes a V2 layer without one.
V2_TYPE_FROM_V1 = {"NONE": ""} | {record.v1: record.name for record in all_types() if record.v1 is not None}

# UpgradeSolverType.
SOLVER_TYPE_FROM_ENUM = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}

# The V1 lists that V2 merged into one ParamSpec per blob, and the ParamSpec field for each.
_PARAM_SPEC_FIELD = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}

# The V1 types whose own message had the fields that V2 moved to transform_param.
_TRANSFORMING = {
    record.v1: record.role.old_transform
    for record in all_types()
    if isinstance(record.role, Data) and record.role.old_transform
}
_TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")

_v1_type_name = V1LayerParameter.LayerType.Name


def generation(net: NetParameter) -> str:
    """The generation of a net's layers: "V0", "V1" or "V2" (also for a net without layers)."""
    if any(layer.HasField("layer") for layer in net.layers):
        return "V0"
    return "V1" if net.layers else "V2"


def upgrade_net(net: NetParameter) -> NetParameter:
    """Upgrade a net of any generation to the current format, as Caffe's upgrade_net_proto_text does.

    Blobs are copied unchanged, with or without their data.

    Args:
        net: a NetParameter; it is not changed.

    Returns:
        A new NetParameter, or net itself if it needs no upgrade.

    Raises:
        DefinitionError: generations are mixed, a V0 type is unknown, a V0 padding layer cannot be folded into the
            layer that reads it, or an input has no shape although shapes are given.
    """
    if net.layers and net.layer:
        old, new = net.layers[0], net.layer[0]
        raise DefinitionError(
            f"layer {old.layer.name or old.name!r} has the old form 'layers' and layer {new.name!r} the form 'layer'; "
            "write all layers as 'layer'"
        )
    if not (net.layers or net.input or any(map(_is_old_batch_norm, net.layer))):
        return net
    upgraded = type(net)()
    upgraded.CopyFrom(net)
    if generation(net) == "V0":
        layers = v1_layers_from_v0(net)
        upgraded.ClearField("layers")
        upgraded.layers.extend(layers)
    _move_transform_fields(upgraded)
    upgraded.layer.extend(map(_v2_layer_from_v1, upgraded.layers))
    upgraded.ClearField("layers")
    _make_input_layer(upgraded)
    for layer in filter(_is_old_batch_norm, upgraded.layer):
        for spec in layer.param:
            spec.lr_mult = spec.decay_mult = 0
    return upgraded


def upgrade_solver(solver: SolverParameter) -> SolverParameter:
    """Replace the old enum solver_type by the string type, as Caffe's upgrade_solver_proto_text does.

    Args:
        solver: a SolverParameter; it is not changed. Nets inside it are not upgraded, as in Caffe.

    Returns:
        A new SolverParameter, or solver itself if it needs no upgrade.

    Raises:
        DefinitionError: both forms of the type are given.
    """
    if not solver.HasField("solver_type"):
        return solver
    if solver.HasField("type"):
        raise DefinitionError("the solver has 'type' and its old form 'solver_type'; remove 'solver_type'")
    upgraded = type(solver)()
    upgraded.CopyFrom(solver)
    upgraded.type = SOLVER_TYPE_FROM_ENUM[SolverParameter.SolverType.Name(solver.solver_type)]
    upgraded.ClearField("solver_type")
    return upgraded


def upgrade_text(text: str) -> str:
    """Upgrade the prototxt of a net or of a solver.

    Returns:
        New text without the comments of the old text, or the text itself if it needs no upgrade.

    Raises:
        PrototxtError: the text is neither; the error is that of the parse that came further in the text.
        DefinitionError: see upgrade_net and upgrade_solver.
    """
    failures = []
    for kind, upgrade in (("NetParameter", upgrade_net), ("SolverParameter", upgrade_solver)):
        try:
            message = prototxt.parse(text, kind)
        except PrototxtError as failure:
            failures.append(failure)
            continue
        upgraded = upgrade(message)
        return text if upgraded is message else prototxt.to_text(upgraded)
    raise max(failures, key=lambda failure: (failure.line, failure.column))


def _move_transform_fields(net: NetParameter) -> None:
    """Move scale, mean_file, crop_size and mirror of V1 data layers to their transform_param.

    Source: UpgradeNetDataTransformation.
    """
    messages = [
        (getattr(layer, _TRANSFORMING[kind]), layer.transform_param)
        for layer in net.layers
        if (kind := _v1_type_name(layer.type)) in _TRANSFORMING
    ]
    if not any(own.HasField(field) for own, _ in messages for field in _TRANSFORM_FIELDS):
        return
    for own, transform in messages:
        # If one layer needs the upgrade, Caffe gives every data layer both messages, even empty ones.
        own.SetInParent()
        transform.SetInParent()
        for field in _TRANSFORM_FIELDS:
            if own.HasField(field):
                setattr(transform, field, getattr(own, field))
                own.ClearField(field)


def _v2_layer_from_v1(old: V1LayerParameter) -> LayerParameter:
    """One V2 layer from one V1 layer; all fields but the type and the blobs' settings are the same in both.

    Source: UpgradeV1LayerParameter.
    """
    layer = LayerParameter()
    for field, value in old.ListFields():
        if field.name == "type":
            layer.type = V2_TYPE_FROM_V1[_v1_type_name(value)]
        elif field.name == "type_name":
            layer.type = _type_of_fork(value)
        elif field.name in _PARAM_SPEC_FIELD:
            for i, setting in enumerate(value):
                if i == len(layer.param):
                    layer.param.add()
                setattr(layer.param[i], _PARAM_SPEC_FIELD[field.name], setting)
        elif field.name == "name":
            layer.name = value
        else:
            getattr(layer, field.name).MergeFrom(value)
    return layer


def _type_of_fork(name: str) -> str:
    """The V2 type of a V1 type that BVLC's enum lacks: IMAGE_SEG_DATA is ImageSegData, DENSE_CRF is DenseCRF."""
    known = {record.name.lower(): record.name for record in all_types()}
    plain = "".join(word.capitalize() for word in name.split("_"))
    return known.get(plain.lower(), plain)


def _make_input_layer(net: NetParameter) -> None:
    """Turn the fields input, input_shape and input_dim into an Input layer at the start of the net.

    Old .caffemodel files of Caffe name inputs without shapes; those names are dropped.

    Source: UpgradeNetInput.
    """
    if not net.input:
        return
    if net.input_shape:
        shapes = [list(shape.dim) for shape in net.input_shape]
    else:
        shapes = [list(net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim) - 3, 4)]
    if net.input_shape or net.input_dim:
        if len(shapes) < len(net.input):
            raise DefinitionError(
                f"input {net.input[len(shapes)]!r} has no shape; each input needs one input_shape or four input_dim"
            )
        layer = LayerParameter(name="input", type="Input", top=net.input)
        for shape in shapes[: len(net.input)]:
            layer.input_param.shape.add(dim=shape)
        net.layer.insert(0, layer)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def _is_old_batch_norm(layer: LayerParameter) -> bool:
    """Whether a BatchNorm layer sets learning rates for its three blobs, which Caffe later fixed at 0.

    Source: NetNeedsBatchNormUpgrade.
    """
    if layer.type != "BatchNorm" or len(layer.param) != 3:
        return False
    return any(spec.lr_mult or spec.decay_mult for spec in layer.param)
