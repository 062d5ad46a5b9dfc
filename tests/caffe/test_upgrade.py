"""Upgrading: against what Caffe's tool wrote, and by hand for the fields that those nets do not have."""

import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import NetParameter, SolverParameter, V0LayerParameter, V1LayerParameter
from fcnkit.caffe.upgrade import SOLVER_TYPE_FROM_ENUM, V2_TYPE_FROM_V1, generation, upgrade_net, upgrade_solver
from fcnkit.caffe.upgrade_v0 import V1_TYPE_FROM_V0
from fcnkit.errors import DefinitionError
from tests.paths import LEGACY

CASES = {"v0": "V0", "v1": "V1", "v2_input_fields": "V2"}

# The types that Caffe 1.0 registers (REGISTER_LAYER_CLASS and REGISTER_LAYER_CREATOR in src/caffe/).
REGISTERED = set(
    [
        "AbsVal",
        "Accuracy",
        "ArgMax",
        "BatchNorm",
        "BatchReindex",
        "Bias",
        "BNLL",
        "Clip",
        "Concat",
        "ContrastiveLoss",
        "Convolution",
        "Crop",
        "Data",
        "Deconvolution",
        "Dropout",
        "DummyData",
        "Eltwise",
        "ELU",
        "Embed",
        "EuclideanLoss",
        "Exp",
        "Filter",
        "Flatten",
        "HDF5Data",
        "HDF5Output",
        "HingeLoss",
        "Im2col",
        "ImageData",
        "InfogainLoss",
        "InnerProduct",
        "Input",
        "Log",
        "LRN",
        "LSTM",
        "LSTMUnit",
        "MemoryData",
        "MultinomialLogisticLoss",
        "MVN",
        "Parameter",
        "Pooling",
        "Power",
        "PReLU",
        "Python",
        "Reduction",
        "ReLU",
        "Reshape",
        "RNN",
        "Scale",
        "Sigmoid",
        "SigmoidCrossEntropyLoss",
        "Silence",
        "Slice",
        "Softmax",
        "SoftmaxWithLoss",
        "Split",
        "SPP",
        "Swish",
        "TanH",
        "Threshold",
        "Tile",
        "WindowData",
    ]
)


def upgraded(text):
    return upgrade_net(prototxt.parse(text))


def check(old, new):
    """Upgrade `old`, expect `new`, and expect that to be up to date and `old` not to have been touched."""
    net = prototxt.parse(old)
    result = upgrade_net(net)
    assert result == prototxt.parse(new)
    assert net == prototxt.parse(old)
    assert upgrade_net(result) is result


@pytest.mark.parametrize("case", CASES)
def test_nets_equal_what_caffe_wrote(case):
    net = prototxt.read(LEGACY / case / "net.prototxt")
    result = upgrade_net(net)
    assert result == prototxt.read(LEGACY / case / "upgraded.prototxt")
    assert (generation(net), generation(result)) == (CASES[case], "V2")
    assert upgrade_net(result) is result


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stripped", [False, True])
def test_weights_keep_their_blobs(case, stripped):
    net = NetParameter.FromString((LEGACY / case / "net.caffemodel").read_bytes())
    holders = [layer.layer if layer.HasField("layer") else layer for layer in net.layers] or net.layer
    if stripped:
        for blob in (blob for holder in holders for blob in holder.blobs):
            blob.ClearField("data")
    expected = {holder.name: list(holder.blobs) for holder in holders if holder.blobs}
    result = upgrade_net(net)
    assert {layer.name: list(layer.blobs) for layer in result.layer if layer.blobs} == expected
    definition = prototxt.read(LEGACY / case / "upgraded.prototxt")
    assert [layer.type for layer in result.layer] == [layer.type for layer in definition.layer]


def test_a_present_net_is_returned_as_it_is():
    net = prototxt.parse('name: "n" input_dim: 3 layer { name: "a" type: "BatchNorm" param { } }')
    assert upgrade_net(net) is net
    assert generation(NetParameter()) == "V2"


# V1


def test_every_v1_type_has_a_registered_v2_type():
    v1 = V1LayerParameter.LayerType
    assert set(V2_TYPE_FROM_V1) == set(v1.keys())
    assert set(V2_TYPE_FROM_V1.values()) - {""} <= REGISTERED
    for name in set(v1.keys()) - {"NONE"}:
        (layer,) = upgraded(f"layers {{ type: {name} }}").layer
        # One type only was given another name; the others lost their underscores.
        expected = "SoftmaxWithLoss" if name == "SOFTMAX_LOSS" else name.replace("_", "")
        assert layer.type.upper() == expected.upper()


def test_a_v1_layer_without_type_stays_without():
    check('layers { name: "a" } layers { name: "b" type: NONE }', 'layer { name: "a" } layer { name: "b" type: "" }')


def test_every_v1_field_is_taken_over():
    old = V1LayerParameter(name="n", type=4, bottom=["a"], top=["b"], loss_weight=[2], blobs=[{}])
    for field in old.DESCRIPTOR.fields:
        if field.name.endswith("_param"):
            value = getattr(old, field.name)
            value.add() if field.is_repeated else value.SetInParent()
    old.include.add(phase=1)
    old.exclude.add(stage=["s"])
    (new,) = upgrade_net(NetParameter(layers=[old])).layer
    copied = {field.name: value for field, value in new.ListFields() if field.name != "type"}
    assert copied == {field.name: value for field, value in old.ListFields() if field.name != "type"}
    # All but the four lists that become ParamSpecs, and V0's message, have been set.
    gathered = {"param", "blob_share_mode", "blobs_lr", "weight_decay", "layer", "type_name"}
    assert copied.keys() | {"type"} | gathered == set(old.DESCRIPTOR.fields_by_name)


def test_blob_settings_become_param_specs():
    check(
        """layers { name: "a" type: CONVOLUTION param: "w" param: "b" blob_share_mode: PERMISSIVE
           blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 weight_decay: 3 loss_weight: 0.5
           include { phase: TRAIN } exclude { stage: "s" } }""",
        """layer { name: "a" type: "Convolution" loss_weight: 0.5 include { phase: TRAIN } exclude { stage: "s" }
           param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 }
           param { name: "b" lr_mult: 2 decay_mult: 0 } param { decay_mult: 3 } }""",
    )


def test_net_fields_stay():
    fields = 'name: "n" force_backward: true debug_info: true state { phase: TRAIN level: 2 stage: "s" }'
    check(f"{fields} layers {{ type: RELU }}", f'{fields} layer {{ type: "ReLU" }}')


def test_empty_messages_stay():
    check("layers { type: RELU relu_param { } }", 'layer { type: "ReLU" relu_param { } }')


# Data transformation fields


@pytest.mark.parametrize(
    ("v1", "v2", "own"),
    [("DATA", "Data", "data"), ("IMAGE_DATA", "ImageData", "image_data"), ("WINDOW_DATA", "WindowData", "window_data")],
)
def test_transformation_fields_move(v1, v2, own):
    check(
        f"""layers {{ type: {v1} {own}_param {{ source: "s" scale: 2 mean_file: "m" crop_size: 3 mirror: true }}
            transform_param {{ scale: 1 mean_value: 4 }} }}""",
        f"""layer {{ type: "{v2}" {own}_param {{ source: "s" }}
            transform_param {{ scale: 2 mean_file: "m" crop_size: 3 mirror: true mean_value: 4 }} }}""",
    )


def test_transformation_fields_stay_where_they_are_no_old_form():
    """Only V1 data layers are looked at: what HDF5_DATA or a V2 layer says there is not Caffe's to move."""
    check("layers { type: RELU data_param { scale: 2 } }", 'layer { type: "ReLU" data_param { scale: 2 } }')
    check('layers { type: DATA data_param { source: "s" } }', 'layer { type: "Data" data_param { source: "s" } }')
    net = prototxt.parse('layer { type: "Data" data_param { scale: 2 } }')
    assert upgrade_net(net) is net


def test_one_layer_with_transformation_fields_gives_all_data_layers_the_messages():
    check(
        "layers { type: DATA data_param { mirror: false } } layers { type: IMAGE_DATA } layers { type: HDF5_DATA }",
        """layer { type: "Data" data_param { } transform_param { mirror: false } }
           layer { type: "ImageData" image_data_param { } transform_param { } } layer { type: "HDF5Data" }""",
    )


# Inputs


def test_input_dims_are_four_per_input_and_the_layer_comes_first():
    check(
        """input: "a" input: "b" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
           input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8 layer { name: "x" } layer { name: "y" }""",
        """layer { name: "input" type: "Input" top: "a" top: "b" input_param {
             shape { dim: 1 dim: 2 dim: 3 dim: 4 } shape { dim: 5 dim: 6 dim: 7 dim: 8 } } }
           layer { name: "x" } layer { name: "y" }""",
    )


def test_input_shape_wins_over_dims_and_may_have_any_length():
    check(
        'input: "a" input_dim: 9 input_shape { dim: 2 dim: 3 } input_shape { dim: 7 }',
        'layer { name: "input" type: "Input" top: "a" input_param { shape { dim: 2 dim: 3 } } }',
    )


def test_inputs_without_shapes_are_dropped():
    check('name: "n" input: "a" layers { type: RELU }', 'name: "n" layer { type: "ReLU" }')


@pytest.mark.parametrize("shapes", ["input_shape { dim: 1 }", "input_dim: 1 " * 7])
def test_an_input_without_a_shape_among_others(shapes):
    with pytest.raises(DefinitionError) as error:
        upgraded(f'input: "a" input: "b" {shapes}')
    assert str(error.value) == "input 'b' has no shape; each input needs one input_shape or four input_dim"


# BatchNorm


def test_batch_norm_blobs_are_not_trained():
    check(
        """layer { type: "BatchNorm" param { name: "m" lr_mult: 1 } param { decay_mult: 2 } param { } }
           layer { type: "Scale" param { } param { } param { } } layer { type: "BatchNorm" param { } param { } }""",
        """layer { type: "BatchNorm" param { name: "m" lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 }
           param { lr_mult: 0 decay_mult: 0 } }
           layer { type: "Scale" param { } param { } param { } } layer { type: "BatchNorm" param { } param { } }""",
    )


# V0

V0_FIELDS = {
    "conv": (
        """num_output: 8 biasterm: false weight_filler { type: "xavier" } bias_filler { value: 2 } pad: 1 kernelsize: 3
           group: 2 stride: 4""",
        """convolution_param { num_output: 8 bias_term: false weight_filler { type: "xavier" } bias_filler { value: 2 }
           pad: 1 kernel_size: 3 group: 2 stride: 4 }""",
    ),
    "innerproduct": (
        'num_output: 8 biasterm: true weight_filler { type: "xavier" } bias_filler { value: 2 }',
        """inner_product_param { num_output: 8 bias_term: true weight_filler { type: "xavier" }
           bias_filler { value: 2 } }""",
    ),
    "pool": (
        "pool: STOCHASTIC pad: 1 kernelsize: 3 stride: 2",
        "pooling_param { pool: STOCHASTIC pad: 1 kernel_size: 3 stride: 2 }",
    ),
    "dropout": ("dropout_ratio: 0.25", "dropout_param { dropout_ratio: 0.25 }"),
    "lrn": ("local_size: 3 alpha: 2 beta: 4 k: 5", "lrn_param { local_size: 3 alpha: 2 beta: 4 k: 5 }"),
    "concat": ("concat_dim: 2", "concat_param { concat_dim: 2 }"),
    "data": (
        'source: "s" scale: 2 meanfile: "m" batchsize: 3 cropsize: 4 mirror: true rand_skip: 5',
        """data_param { source: "s" batch_size: 3 rand_skip: 5 }
           transform_param { scale: 2 mean_file: "m" crop_size: 4 mirror: true }""",
    ),
    "images": (
        """source: "s" scale: 2 meanfile: "m" batchsize: 3 cropsize: 4 mirror: true rand_skip: 5 shuffle_images: true
           new_height: 6 new_width: 7""",
        """image_data_param { source: "s" batch_size: 3 rand_skip: 5 shuffle: true new_height: 6 new_width: 7 }
           transform_param { scale: 2 mean_file: "m" crop_size: 4 mirror: true }""",
    ),
    "window_data": (
        """source: "s" batchsize: 3 cropsize: 4 det_fg_threshold: 0.1 det_bg_threshold: 0.2 det_fg_fraction: 0.3
           det_context_pad: 4 det_crop_mode: "square" """,
        """window_data_param { source: "s" batch_size: 3 fg_threshold: 0.1 bg_threshold: 0.2 fg_fraction: 0.3
           context_pad: 4 crop_mode: "square" } transform_param { crop_size: 4 }""",
    ),
    "hdf5_data": ('source: "s" batchsize: 3', 'hdf5_data_param { source: "s" batch_size: 3 }'),
    "hdf5_output": ('hdf5_output_param { file_name: "f" }', 'hdf5_output_param { file_name: "f" }'),
    "infogain_loss": ('source: "s"', 'infogain_loss_param { source: "s" }'),
    "relu": (
        "blobs_lr: 1 weight_decay: 2 blobs { num: 1 data: 3 }",
        "param { lr_mult: 1 decay_mult: 2 } blobs { num: 1 data: 3 }",
    ),
    # Whatever the type, what transforms data goes to transform_param.
    "softmax": ("scale: 2", "transform_param { scale: 2 }"),
}


@pytest.mark.parametrize("kind", V0_FIELDS)
def test_v0_fields(kind):
    old, new = V0_FIELDS[kind]
    v2 = V2_TYPE_FROM_V1[V1_TYPE_FROM_V0[kind]]
    check(
        f'input: "a" layers {{ layer {{ name: "n" type: "{kind}" {old} }} bottom: "a" top: "b" }}',
        f'layer {{ name: "n" type: "{v2}" bottom: "a" top: "b" {new} }}',
    )


def test_every_v0_field_is_among_those_cases():
    fields = {field.name for field in V0LayerParameter.DESCRIPTOR.fields}
    named = " ".join(old for old, _ in V0_FIELDS.values())
    # Caffe has no place for the two that are left.
    assert {field for field in fields - {"name", "type"} if field not in named} == {"new_num", "new_channels"}


def test_every_v0_type_has_a_v1_type():
    assert set(V1_TYPE_FROM_V0.values()) <= set(V2_TYPE_FROM_V1)
    for kind in V1_TYPE_FROM_V0:
        assert upgraded(f'layers {{ layer {{ type: "{kind}" }} }}').layer[0].type in REGISTERED


def test_v0_fields_of_other_types_are_left_out():
    """Caffe, too, goes on without them."""
    check(
        """layers { layer { type: "relu" kernelsize: 3 num_output: 2 new_num: 4 } }
           layers { layer { type: "hdf5_data" shuffle_images: true } } layers { layer { name: "x" } }""",
        'layer { type: "ReLU" } layer { type: "HDF5Data" } layer { name: "x" }',
    )


def test_padding_is_folded_into_every_reader():
    check(
        """input: "data" layers { layer { name: "p" type: "padding" pad: 3 } bottom: "data" top: "p" }
           layers { layer { name: "c" type: "conv" pad: 1 } bottom: "p" top: "c" }
           layers { layer { name: "q" type: "pool" } bottom: "p" top: "q" }
           layers { layer { name: "p2" type: "padding" } bottom: "q" top: "q" }
           layers { layer { name: "d" type: "conv" } bottom: "q" top: "d" }""",
        """layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { pad: 3 } }
           layer { name: "q" type: "Pooling" bottom: "data" top: "q" pooling_param { pad: 3 } }
           layer { name: "d" type: "Convolution" bottom: "q" top: "d" convolution_param { pad: 0 } }""",
    )


PADDING = 'input: "a" input: "e" layers { layer { name: "p" type: "padding" pad: 1 } bottom: "a" top: "b" }'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'layers { name: "a" type: RELU } layer { name: "b" }',
            "layer 'a' has the old form 'layers' and layer 'b' the form 'layer'; write all layers as 'layer'",
        ),
        (
            'layers { layer { name: "a" type: "relu" } } layer { name: "b" }',
            "layer 'a' has the old form 'layers' and layer 'b' the form 'layer'; write all layers as 'layer'",
        ),
        (
            'layers { layer { name: "a" type: "relu" } } layers { name: "b" type: RELU }',
            "layer 'b' is a V1 layer, but others are older V0 layers",
        ),
        (
            'layers { layer { name: "a" type: "relu" } include { phase: TEST } }',
            "layer 'a' is a V0 layer, but field 'include' is of V1",
        ),
        ('layers { layer { name: "a" type: "Conv" } }', "layer 'a': unknown V0 type 'Conv'"),
        (
            'layers { layer { name: "a" type: "relu" } bottom: "x" }',
            "layer 'a': bottom 'x' is not an input or an earlier layer's top",
        ),
        (
            PADDING + 'layers { layer { name: "r" type: "relu" } bottom: "b" }',
            "layer 'r': type 'relu' cannot read padding layer 'p'",
        ),
        (
            PADDING + 'layers { layer { name: "p2" type: "padding" } bottom: "b" top: "c" }',
            "layer 'p2': type 'padding' cannot read padding layer 'p'",
        ),
        (
            PADDING + 'layers { layer { name: "c" type: "conv" } bottom: "b" bottom: "a" }',
            "layer 'c': has 2 bottoms, but padding needs exactly 1",
        ),
        (
            'input: "a" layers { layer { name: "p" type: "padding" } top: "b" }'
            'layers { layer { name: "c" type: "conv" } bottom: "b" }',
            "layer 'p': has 0 bottoms, but padding needs exactly 1",
        ),
        (
            'input: "a" layers { layer { name: "p" type: "padding" } bottom: "a" top: "b" top: "c" }'
            'layers { layer { name: "c" type: "conv" } bottom: "b" }',
            "layer 'p': has 2 tops, but padding needs exactly 1",
        ),
    ],
)
def test_what_cannot_be_upgraded(text, message):
    net = prototxt.parse(text)
    with pytest.raises(DefinitionError) as error:
        upgrade_net(net)
    assert str(error.value) == message
    assert net == prototxt.parse(text)


# Solvers


@pytest.mark.parametrize(("old", "new"), SOLVER_TYPE_FROM_ENUM.items())
def test_solver_types(old, new):
    solver = prototxt.parse(f'net: "n" base_lr: 1 solver_type: {old}', "SolverParameter")
    result = upgrade_solver(solver)
    assert result == prototxt.parse(f'net: "n" base_lr: 1 type: "{new}"', "SolverParameter")
    assert solver.HasField("solver_type")
    assert upgrade_solver(result) is result


def test_solver_types_are_those_that_caffe_registers():
    """REGISTER_SOLVER_CLASS in src/caffe/solvers/."""
    assert set(SOLVER_TYPE_FROM_ENUM) == set(SolverParameter.SolverType.keys())
    assert sorted(SOLVER_TYPE_FROM_ENUM.values()) == ["AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "SGD"]


def test_a_solver_of_both_forms():
    solver = prototxt.parse('type: "SGD" solver_type: ADAM', "SolverParameter")
    with pytest.raises(DefinitionError) as error:
        upgrade_solver(solver)
    assert str(error.value) == "the solver has 'type' and its old form 'solver_type'; remove 'solver_type'"
