"""Where the shapes of inputs come from."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.data import top_shape
from fcnkit.caffe.deploy import deploy, runnable
from fcnkit.caffe.inputs import input_shapes, resolve
from fcnkit.errors import InputError

CONV = """
layer { name: "i" type: "Input" top: "x" }
layer { name: "p" type: "Power" bottom: "x" top: "p" }
layer { name: "c" type: "Convolution" bottom: "p" top: "c" convolution_param { num_output: 4 kernel_size: 1 group: 2 } }
"""
WEIGHTS = {"c": [np.zeros((4, 3, 1, 1), np.float32)]}


def test_channels_come_from_the_first_weights_and_the_size_is_500() -> None:
    net = prototxt.parse(CONV)
    resolve(net, WEIGHTS, None)
    assert input_shapes(net) == {"x": (1, 6, 500, 500)}


def test_without_weights_an_image_has_three_channels() -> None:
    net = prototxt.parse(CONV)
    resolve(net, None, None)
    assert input_shapes(net) == {"x": (1, 3, 500, 500)}


def test_a_net_with_an_inner_product_keeps_its_size_open() -> None:
    net = prototxt.parse(CONV + 'layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" }')
    resolve(net, WEIGHTS, None)
    assert input_shapes(net) == {"x": (1, 6, 0, 0)}


@pytest.mark.parametrize("given", [(2, 6, 30, 40), {"x": (2, 6, 30, 40)}])
def test_the_users_shape_rules(given: object) -> None:
    net = prototxt.parse(CONV)
    resolve(net, WEIGHTS, given)  # type: ignore[arg-type]
    assert input_shapes(net) == {"x": (2, 6, 30, 40)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"y": (1, 2, 3, 4)}, "the net has no input 'y'; its inputs are 'x'"),
        ((1, 0, 3, 4), r"input 'x' cannot have the shape \(1, 0, 3, 4\)"),
        ((), "cannot have the shape"),
    ],
)
def test_bad_shapes(given: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolve(prototxt.parse(CONV), WEIGHTS, given)  # type: ignore[arg-type]


def test_nothing_tells_the_channels() -> None:
    net = prototxt.parse('layer { type: "Input" top: "x" } layer { name: "t" type: "Tile" bottom: "x" top: "t" }')
    with pytest.raises(InputError, match="the channels of input 'x' are unknown; give its shape with `input_shape`"):
        resolve(net, {}, None)


def test_labels_take_the_size_of_the_image_and_one_channel() -> None:
    net = prototxt.parse('layer { type: "Input" top: "x" } layer { type: "Input" top: "y" }')
    resolve(net, None, (1, 3, 20, 30))
    assert input_shapes(net)["y"] == (1, 1, 20, 30)


STREAMS = """
layer { type: "Input" top: "color" top: "other" }
layer { name: "ca" type: "Convolution" bottom: "color" top: "a" convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "cb" type: "Convolution" bottom: "other" top: "b" convolution_param { num_output: 4 kernel_size: 1 } }
"""
JOINED = """
layer { type: "Input" top: "color" top: "other" }
layer { name: "j" type: "Concat" bottom: "color" bottom: "other" top: "data" }
layer { name: "c" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 4 kernel_size: 1 } }
"""


@pytest.mark.parametrize(
    ("text", "filters", "channels"),
    [
        (STREAMS, {"ca": 3, "cb": 2}, (3, 2)),
        (STREAMS, None, (3, 3)),
        (JOINED, {"c": 4}, (3, 1)),  # colour and depth
        (JOINED, None, (3, 1)),
        # Pairs of images joined along the batch (happynear/FaceVerification).
        (JOINED.replace('"Concat"', '"Concat" concat_param { axis: 0 }'), None, (3, 3)),
        (JOINED.replace('"Concat"', '"Concat" concat_param { concat_dim: 0 }'), {"c": 2}, (2, 2)),
    ],
)
def test_channels_of_two_inputs(text: str, filters: dict[str, int] | None, channels: tuple[int, int]) -> None:
    net = prototxt.parse(text)
    resolve(net, filters and {name: [np.zeros((4, count, 1, 1))] for name, count in filters.items()}, None)
    assert tuple(shape[1] for shape in input_shapes(net).values()) == channels


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('type: "Data" transform_param { crop_size: 227 }', [(1, 0, 227, 227), (1,)]),
        ('type: "Data" transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }', [(1, 3, 0, 0), (1,)]),
        ('type: "ImageData" image_data_param { new_height: 5 new_width: 7 }', [(1, 0, 5, 7), (1,)]),
        ('type: "MemoryData" memory_data_param { batch_size: 9 channels: 1 height: 4 width: 6 }', [(1, 1, 4, 6), (1,)]),
        ('type: "MemoryData" memory_data_param { dim: 4 dim: 1 dim: 9 dim: 8 dim: 7 }', [(1, 1, 9, 8, 7), (1,)]),
        ('type: "Python"', [(1, 0, 0, 0), (1, 0, 0, 0)]),
    ],
)
def test_what_data_layers_tell(text: str, shapes: list[tuple[int, ...]]) -> None:
    layer = prototxt.parse(f'layer {{ name: "d" top: "x" top: "y" {text} }}').layer[0]
    assert [top_shape(layer, 0), top_shape(layer, 1)] == shapes


def test_boxes_of_a_detector_get_the_shape_of_one_box_and_the_image_a_guess() -> None:
    """The wiring of rbgirshick/fast-rcnn models/VGG16/train.prototxt."""
    net = prototxt.parse(
        'layer { name: "i" type: "Input" top: "data" top: "rois" }'
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 } }'
        'layer { name: "p" type: "ROIPooling" bottom: "c" bottom: "rois" top: "p" }'
        'layer { name: "f" type: "InnerProduct" bottom: "p" top: "f" inner_product_param { num_output: 2 } }'
    )
    assert resolve(net, None, None)
    assert input_shapes(net) == {"data": (1, 3, 500, 500), "rois": (1, 5)}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ('type: "Proposal" bottom: "c" bottom: "c" bottom: "info"', (1, 4)),
        (
            'type: "Python" bottom: "c" bottom: "c" bottom: "info"'
            ' python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" }',
            (1, 3),
        ),
        ('type: "FrcnnOutput" bottom: "c" bottom: "c" bottom: "c" bottom: "info"', (1, 2)),
    ],
)
def test_the_size_of_an_image_as_an_input(layer: str, shape: tuple[int, ...]) -> None:
    net = prototxt.parse(
        'layer { name: "i" type: "Input" top: "data" top: "info" }'
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 } }'
        f'layer {{ name: "p" {layer} top: "p" }}'
    )
    resolve(net, None, None)
    assert input_shapes(net) == {"data": (1, 3, 500, 500), "info": shape}


def test_the_mean_of_a_layer_states_the_channels() -> None:
    """FlowNet's two images, of which the first filters read the second through a mean and a Concat."""
    text = """
    layer { name: "a" type: "Input" top: "a" } layer { name: "b" type: "Input" top: "b" }
    layer { name: "ma" type: "Mean" bottom: "a" top: "ma" mean_param { value: [1, 2, 3] } }
    layer { name: "mb" type: "Mean" bottom: "b" top: "mb" mean_param { value: [1, 2, 3] } }
    layer { name: "both" type: "Concat" bottom: "ma" bottom: "mb" top: "both" }
    layer { name: "c" type: "Convolution" bottom: "both" top: "c" convolution_param { num_output: 1 kernel_size: 1 } }
    """
    net = prototxt.parse(text)
    resolve(net, None, None)
    assert input_shapes(net) == {"a": (1, 3, 500, 500), "b": (1, 3, 500, 500)}


@pytest.mark.parametrize(("modality", "channels"), [("RGB", 9), ("FLOW", 30)])
def test_the_clips_of_temporal_segments(modality: str, channels: int) -> None:
    """yjxiong/temporal-segment-networks: 3 segments of 1 image, or of 5 flows."""
    length = 1 if modality == "RGB" else 5
    text = f"""layer {{ name: "d" type: "VideoData" top: "data" top: "label" transform_param {{ crop_size: 224 }}
      video_data_param {{ new_length: {length} num_segments: 3 modality: {modality} }} }}
    layer {{ name: "r" type: "ReLU" bottom: "data" top: "r" }}"""
    assert input_shapes(deploy(prototxt.parse(text))) == {"data": (1, channels, 224, 224)}


@pytest.mark.parametrize(("count", "channels"), [(1, 0), (3, 3), (144, 144)])
def test_a_mean_for_each_channel_states_their_number(count: int, channels: int) -> None:
    """lferrer/iccv2017 models/three_stream_triplet_loss.prototxt: three clips of 16 images as channels of one."""
    means = "mean_value: 65 " * count
    text = f"""layer {{ name: "d" type: "Data" top: "data" top: "label"
      transform_param {{ crop_size: 112 {means} }} }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param {{ num_output: 1 }} }}"""
    assert input_shapes(deploy(prototxt.parse(text))) == {"data": (1, channels, 112, 112)}


@pytest.mark.parametrize(("points", "channels"), [("slice_point: 1", 2), ("slice_point: [3, 6, 9]", 12), ("", 3)])
def test_the_points_of_a_slice_state_the_channels(points: str, channels: int) -> None:
    """BVLC/caffe examples/siamese, whose images are cut apart along the channels."""
    text = f"""layer {{ name: "pair" type: "Input" top: "pair" }}
    layer {{ name: "s" type: "Slice" bottom: "pair" top: "a" top: "b" slice_param {{ slice_dim: 1 {points} }} }}
    layer {{ name: "c" type: "Convolution" bottom: "a" top: "c" convolution_param {{ num_output: 1 kernel_size: 1 }} }}
    """
    net = prototxt.parse(text)
    resolve(net, None, None)
    assert input_shapes(net) == {"pair": (1, channels, 500, 500)}


def test_objects_that_a_loss_reads_are_rows_of_eight() -> None:
    text = """
        layer { name: "data" type: "AnnotatedData" top: "data" top: "label" transform_param { crop_size: 60 } }
        layer { name: "c" type: "ReLU" bottom: "data" top: "c" }
        layer { name: "loss" type: "MultiBoxLoss" bottom: "c" bottom: "c" bottom: "c" bottom: "label" top: "loss" }
    """
    net = runnable(prototxt.parse(text))
    assert resolve(net, None, None) is False
    assert input_shapes(net) == {"data": (1, 3, 60, 60), "label": (1, 1, 1, 8)}


def test_words_and_the_beginnings_of_sentences_are_sequences() -> None:
    """LRCN's language model: both come from one file, and neither is an image."""
    net = prototxt.parse("""
        layer { name: "data" type: "HDF5Data" top: "cont" top: "words" top: "target" }
        layer { name: "embed" type: "Embed" bottom: "words" top: "e" embed_param { input_dim: 9 num_output: 4 } }
        layer { name: "lstm" type: "LSTM" bottom: "e" bottom: "cont" top: "l" recurrent_param { num_output: 5 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "l" bottom: "target" }""")
    net = deploy(net)
    assert resolve(net, None, None) is False
    assert input_shapes(net) == {"cont": (20, 1), "words": (20, 1)}
    assert resolve(net, None, {"cont": (7, 2), "words": (7, 2)}) is False
    assert input_shapes(net) == {"cont": (7, 2), "words": (7, 2)}


@pytest.mark.parametrize(
    ("source", "reshape", "shape"),
    [
        ('type: "Python" top: "d"', "shape { dim: 1 dim: -1 dim: 471 }", (1, 471)),
        ('type: "Python" top: "d"', "shape { dim: -1 dim: 3 dim: 4 dim: 5 }", (1, 60)),
        # Neither a dimension that is copied nor two readers state anything.
        ('type: "Python" top: "d"', "shape { dim: 0 dim: -1 dim: 471 }", (1, 3, 500, 500)),
        # The channels of clips are split into 3 colours and 4 images.
        (
            'type: "VideoData" top: "d" transform_param { crop_size: 8 } video_data_param { new_length: 4 }',
            "shape { dim: 3 dim: -1 } axis: 1 num_axes: 1",
            (1, 12, 8, 8),
        ),
    ],
)
def test_a_reshape_states_the_shape_of_its_bottom(source: str, reshape: str, shape: tuple[int, ...]) -> None:
    net = prototxt.parse(f"""
        layer {{ name: "d" {source} }}
        layer {{ name: "r" type: "Reshape" bottom: "d" top: "r" reshape_param {{ {reshape} }} }}
        layer {{ name: "p" type: "Pooling" bottom: "r" top: "p" pooling_param {{ kernel_size: [1, 2, 2] }} }}""")
    net = deploy(net)
    resolve(net, None, None)
    assert input_shapes(net) == {"d": shape if shape != (1, 3, 500, 500) else (1, 3, 16, 500, 500)}


def test_the_size_of_the_image_that_a_crf_reads() -> None:
    """DeepLab's data layer has it as a third top, behind a label for each image."""
    net = prototxt.parse("""
        layer { name: "d" type: "MemoryData" top: "data" top: "label" top: "dim"
          memory_data_param { batch_size: 1 channels: 3 height: 9 width: 7 } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
          convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "crf" type: "DenseCRF" bottom: "c" bottom: "dim" bottom: "data" top: "crf"
          dense_crf_param { pos_w: 3 pos_xy_std: 3 bi_w: 5 bi_xy_std: 50 bi_rgb_std: 10 } }""")
    net = deploy(net)
    resolve(net, None, None)
    assert input_shapes(net) == {"data": (1, 3, 9, 7), "dim": (1, 2)}


def test_several_images_that_a_slice_cuts() -> None:
    """The mean of one image is stated; the points of the Slice are those of 4."""
    net = prototxt.parse("""
        layer { name: "d" type: "MultiFrameData" top: "d" top: "label"
          transform_param { crop_size: 8 mean_value: 104 mean_value: 117 mean_value: 123 } }
        layer { name: "s" type: "Slice" bottom: "d" top: "a" top: "b" top: "c" top: "e"
          slice_param { slice_point: [3, 6, 9] } }
        layer { name: "conv" type: "Convolution" bottom: "a" top: "conv"
          convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" }""")
    net = deploy(net)
    resolve(net, None, None)
    assert input_shapes(net) == {"d": (1, 12, 8, 8)}


def test_parts_that_are_cut_again() -> None:
    """Nine images of 3 channels: 12 are cut off, of the other 15 six, and of the last 9 three and three."""
    cut = 'layer {{ name: "{0}" type: "Slice" bottom: "{0}" top: "{1}" top: "{2}" slice_param {{ slice_point: {3} }} }}'
    text = 'layer { name: "d" type: "Data" top: "d" transform_param { crop_size: 8 mean_value: [1, 2, 3] } }'
    pieces = [("d", "a", "b", 12), ("b", "c", "e", 6), ("e", "f", "g", 3), ("g", "h", "i", 3)]
    net = deploy(prototxt.parse(text + "".join(cut.format(*piece) for piece in pieces)))
    resolve(net, None, None)
    assert input_shapes(net) == {"d": (1, 27, 8, 8)}
    # A layer that cuts a blob in place is read once.
    net = deploy(prototxt.parse(text + cut.format("d", "a", "d", 3) * 2))
    resolve(net, None, None)
    assert input_shapes(net) == {"d": (1, 9, 8, 8)}


def test_items_that_a_slice_cuts() -> None:
    """The three views of an object are the items of a batch, behind convolutions."""
    form = """
        layer {{ name: "d" {0} }}
        layer {{ name: "conv" type: "Convolution" bottom: "d" top: "c"
          convolution_param {{ num_output: 2 kernel_size: 1 }} }}
        layer {{ name: "s" type: "Slice" bottom: "c" top: "x" top: "y" top: "z"
          slice_param {{ axis: 0 slice_point: [1, 2] }} }}"""
    net = deploy(prototxt.parse(form.format('type: "Python" top: "d"')))
    resolve(net, None, None)
    assert input_shapes(net) == {"d": (3, 3, 500, 500)}
    net = prototxt.parse(form.format('type: "Input" top: "d" input_param { shape { dim: [4, 3, 8, 8] } }'))
    resolve(net, None, None)
    assert input_shapes(net) == {"d": (4, 3, 8, 8)}


def test_images_that_are_joined_cut_apart_and_augmented() -> None:
    """iResNet's: both are as large as the part that augmentation cuts out of the first."""
    net = prototxt.parse("""
        layer { name: "d" type: "CustomData" top: "a" top: "b" }
        layer { name: "j" type: "Concat" bottom: "a" bottom: "b" top: "j" }
        layer { name: "s" type: "Slice" bottom: "j" top: "x" top: "y" slice_param { slice_point: 3 } }
        layer { name: "c" type: "DataAugmentation" bottom: "x" top: "c"
          augmentation_param { crop_height: 6 crop_width: 8 } }
        layer { name: "f" type: "Convolution" bottom: "c" top: "f" convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "g" type: "Convolution" bottom: "y" top: "g" convolution_param { num_output: 2 kernel_size: 1 } }
        """)
    net = deploy(net)
    resolve(net, None, None)
    assert [shape[2:] for shape in input_shapes(net).values()] == [(6, 8), (6, 8)]


def test_two_images_of_flow_nets() -> None:
    """Both are cut to one size behind a subtraction, joined along the batch, and read by the same filters."""
    subtract = 'layer {{ name: "s{0}" type: "Power" bottom: "{0}" top: "s{0}" power_param {{ shift: -1 }} }}'
    cut = """layer {{ name: "c{0}" type: "DataAugmentation" bottom: "s{0}" top: "c{0}"
      augmentation_param {{ crop_height: 6 crop_width: 8 }} }}"""
    text = 'layer { name: "d" type: "CustomData" top: "a" top: "b" }'
    text += "".join(form.format(name) for name in "ab" for form in (subtract, cut))
    net = deploy(prototxt.parse(text + """
        layer { name: "j" type: "Concat" bottom: "ca" bottom: "cb" top: "j" concat_param { axis: 0 } }
        layer { name: "f" type: "Convolution" bottom: "j" top: "f" convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "g" type: "Convolution" bottom: "ca" bottom: "cb" top: "g" top: "h"
          convolution_param { num_output: 2 kernel_size: 1 } }"""))  # fmt: skip
    resolve(net, None, None)
    assert input_shapes(net) == {"a": (1, 3, 6, 8), "b": (1, 3, 6, 8)}


@pytest.mark.parametrize(
    "layer",
    [
        'type: "MemoryData" top: "x" memory_data_param { dim: [4, 2, 7, 8, 9] }',
        'type: "Python" top: "x" python_param { module: "m" layer: "L" param_str: "4, 2,7, 8,9" }',
    ],
)
def test_a_data_layer_may_state_its_whole_shape(layer: str) -> None:
    """naibaf7/caffe, and CLT29/OpenSALICON salicon.prototxt."""
    net = prototxt.parse(f'layer {{ name: "d" {layer} }}')
    assert top_shape(net.layer[0], 0) == (1, 2, 7, 8, 9)
    assert top_shape(net.layer[0], 1)[0] == 1
