"""Cutting a trained net down to what runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnkit.caffe import caffemodel, messages, prototxt
from fcnkit.caffe.deploy import deploy, runnable
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import DefinitionError


def names(net: prototxt.Message) -> list[str]:
    return [layer.name for layer in net.layer]


def test_the_sample_becomes_its_deploy_net(sample: Path, data: Path) -> None:
    """Layer by layer what the deploy prototxt says that was written for it by hand."""
    found = deploy(caffemodel.read(sample).net)
    expected = prototxt.read(data / "shapes" / "deploy.prototxt")
    assert list(found.layer[1:]) == list(expected.layer[1:])
    assert input_shapes(found) == {"data": (1, 0, 0, 0)}


def test_runnable_keeps_losses_and_makes_inputs_of_all_tops(sample: Path) -> None:
    net = runnable(caffemodel.read(sample).net, messages.NetState(phase=messages.TRAIN))
    assert input_shapes(net) == {"data": (1, 0, 0, 0), "label": (1, 0, 0, 0)}
    assert net.layer[-1].type == "SoftmaxWithLoss"


TRAINING = """
layer { name: "train" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param { crop_size: 20 } }
layer { name: "test" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 24 } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "noise" type: "Dropout" bottom: "c" top: "c" include { phase: TRAIN } }
layer { name: "acc" type: "Accuracy" bottom: "c" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "loss" }
"""


def test_the_test_phase_rules() -> None:
    net = deploy(prototxt.parse(TRAINING))
    assert names(net) == ["data", "c"]
    assert input_shapes(net) == {"data": (1, 0, 24, 24)}
    assert not net.layer[1].include


def test_a_snapshot_of_training_has_only_the_training_data_layer() -> None:
    snapshot = prototxt.parse("".join(TRAINING.splitlines(keepends=True)[:2] + TRAINING.splitlines(keepends=True)[3:]))
    net = deploy(snapshot)
    assert names(net) == ["data", "c"]
    assert input_shapes(net) == {"data": (1, 0, 20, 20)}


def test_branches_that_only_prepare_labels_go() -> None:
    net = deploy(
        prototxt.parse("""
        layer { name: "d" type: "Python" top: "color" top: "depth" top: "label" }
        layer { name: "half" type: "Pooling" bottom: "label" top: "small" pooling_param { kernel_size: 2 } }
        layer { name: "both" type: "Concat" bottom: "color" bottom: "depth" top: "data" }
        layer { name: "deeper" type: "ReLU" bottom: "depth" top: "deep" }
        layer { name: "sum" type: "Eltwise" bottom: "data" bottom: "deep" top: "sum" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "sum" bottom: "small" top: "loss" }
        """)
    )
    assert names(net) == ["color", "depth", "both", "deeper", "sum"]


def test_labels_among_a_nets_declared_inputs_go() -> None:
    """As in garrickbrazil/SDS-RCNN models/rpn/VGG16_weak_seg/train.prototxt: one Input layer has the tops of both."""
    declared = """
        input: "targets" input_dim: 5 input_dim: 4 input_dim: 1 input_dim: 1
        input: "data" input_dim: 5 input_dim: 3 input_dim: 20 input_dim: 30
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 } }
        layer { name: "loss" type: "SmoothL1Loss" bottom: "c" bottom: "targets" top: "loss" }
    """
    net = deploy(upgrade_net(prototxt.parse(declared)))
    assert [layer.type for layer in net.layer] == ["Input", "Convolution"]
    assert input_shapes(net) == {"data": (5, 3, 20, 30)}


@pytest.mark.parametrize(
    "unknown",
    [
        'type: "Python" python_param { module: "save" layer: "SaveFeaturesLayer" }',
        'type: "SVMLossWeighted" top: "loss"',
        'type: "PosePDJAccuracy" top: "accuracy"',
        'type: "WriteDataIntoFile" top: "written"',
        'type: "VisualizedHeatMaps" top: "drawn"',
        'type: "Python" top: "drawn" python_param { module: "v" layer: "VisualizationLayer" }',
    ],
)
def test_unknown_layers_without_tops_losses_and_metrics_go(unknown: str) -> None:
    """lferrer/iccv2017, gidariss/LocNet and zimenglan-sysu-512/pose_action_caffe have such layers."""
    assert cut(
        'layer { name: "d" type: "PoseData" top: "data" top: "label" }'
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 } }'
        f'layer {{ name: "last" bottom: "c" bottom: "label" {unknown} }}'
    ) == {"data": (1, 0, 0, 0)}


@pytest.mark.parametrize("kind", ["Lossless", "FlossOutput", "RewriteMap"])
def test_names_that_only_begin_as_loss_are_kept(kind: str) -> None:
    net = deploy(prototxt.parse(f'{TRAINING} layer {{ name: "l" type: "{kind}" bottom: "c" top: "l" }}'))
    assert names(net) == ["data", "c", "l"]


def test_caffes_splits_are_undone_and_a_users_own_stays() -> None:
    net = deploy(
        prototxt.parse("""
        layer { name: "input" type: "Input" top: "a/b" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
        layer { name: "a/b_input_0_split" type: "Split" bottom: "a/b"
                top: "a/b_input_0_split_0" top: "a/b_input_0_split_1" }
        layer { name: "r" type: "ReLU" bottom: "a/b_input_0_split_0" top: "r" }
        layer { name: "own" type: "Split" bottom: "r" top: "x" top: "y" }
        layer { name: "s" type: "Eltwise" bottom: "a/b_input_0_split_1" bottom: "x" top: "s" }
        """)
    )
    assert names(net) == ["input", "r", "own", "s"]
    assert list(net.layer[3].bottom) == ["a/b", "x"]


def test_python_losses_and_silence_go() -> None:
    net = deploy(
        prototxt.parse("""
        layer { name: "i" type: "Input" top: "a" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
        layer { name: "s" type: "Slice" bottom: "a" top: "b" top: "c" }
        layer { name: "r" type: "ReLU" bottom: "b" top: "r" }
        layer { name: "quiet" type: "Silence" bottom: "r" }
        layer { name: "l" type: "Python" bottom: "c" top: "l" loss_weight: 1 }
        """)
    )
    assert names(net) == ["i", "s", "r"]


def test_a_silence_stays_where_a_top_beside_others_would_become_an_output() -> None:
    net = deploy(
        prototxt.parse("""
        layer { name: "i" type: "Input" top: "a" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
        layer { name: "s" type: "Slice" bottom: "a" top: "b" top: "c" }
        layer { name: "t" type: "TanH" bottom: "c" top: "t" }
        layer { name: "quiet" type: "Silence" bottom: "b" bottom: "t" }
        """)
    )
    assert names(net) == ["i", "s", "t", "quiet"]
    # What it reads beside that is the net's only result.
    assert list(net.layer[-1].bottom) == ["b"]


def cut(text: str) -> dict[str, tuple[int, ...]]:
    """The inputs of the net for inference."""
    return input_shapes(deploy(prototxt.parse(text)))


FILTERS = (
    'layer { name: "c" type: "Convolution" bottom: "%s" top: "c" convolution_param { num_output: 2 kernel_size: 1 } }'
)
LOSS = 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" }'


def test_a_label_may_be_the_first_top() -> None:
    data = 'layer { name: "d" type: "Python" top: "label" top: "data" }'
    assert list(cut(data + FILTERS % "data" + LOSS)) == ["data"]


def test_two_streams_of_one_data_layer_are_images() -> None:
    text = """
        layer { name: "d" type: "HDF5Data" top: "a" top: "b" top: "same" }
        layer { name: "ca" type: "Convolution" bottom: "a" top: "ca" }
        layer { name: "cb" type: "Convolution" bottom: "b" top: "cb" }
        layer { name: "far" type: "ContrastiveLoss" bottom: "ca" bottom: "cb" bottom: "same" top: "far" }
        """
    assert list(cut(text)) == ["a", "b"]
    # Labels in HDF5 files have any shape, so none is assumed.
    assert input_shapes(runnable(prototxt.parse(text)))["same"] == (1, 0)


def test_a_layer_in_place_on_what_a_data_layer_feeds() -> None:
    data = 'layer { name: "d" type: "Data" top: "data" top: "label" }'
    power = 'layer { name: "p" type: "Power" bottom: "data" top: "data" power_param { scale: 2 } }'
    net = deploy(prototxt.parse(data + power + FILTERS % "data" + LOSS))
    assert names(net) == ["data", "p", "c"]
    assert net.layer[0].type == "Input"


def test_data_layers_of_two_phases_with_different_tops() -> None:
    text = """
        layer { name: "in" type: "Python" top: "data" top: "info" top: "boxes" include { phase: TRAIN } }
        layer { name: "in" type: "Python" top: "data" top: "info" include { phase: TEST } }
        """
    boxes = 'layer { name: "l" type: "SmoothL1Loss" bottom: "c" bottom: "boxes" top: "l" include { phase: TRAIN } }'
    scaled = 'layer { name: "s" type: "Eltwise" bottom: "c" bottom: "info" top: "s" }'
    assert list(cut(text + FILTERS % "data" + boxes + scaled)) == ["data", "info"]


def test_dummy_data_that_filters_read_becomes_an_input() -> None:
    dummy = 'layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param { %s } }'
    old = dummy % "num: 4 num: 4 channels: 3 channels: 1 height: 5 height: 1 width: 7 width: 1"
    assert cut(old + FILTERS % "data" + LOSS) == {"data": (4, 3, 5, 7)}
    new = dummy % "shape { dim: [2, 3, 5, 7] } shape { dim: [2] }"
    assert cut(new + FILTERS % "data" + LOSS) == {"data": (2, 3, 5, 7)}


def test_dummy_data_of_the_training_phase_alone_becomes_an_input() -> None:
    """intel/caffe models/intel_optimized_models/benchmark/ssd/train_val_dummydata.prototxt."""
    dummy = """layer { name: "d" type: "DummyData" top: "data" top: "label" include { phase: TRAIN }
      dummy_data_param { shape { dim: [2, 3, 5, 7] } shape { dim: [2] } } }"""
    assert cut(dummy + FILTERS % "data" + LOSS) == {"data": (2, 3, 5, 7)}


def test_dummy_data_beside_an_input_stays() -> None:
    text = """
        layer { name: "i" type: "Input" top: "data" input_param { shape { dim: [1, 3, 4, 4] } } }
        layer { name: "d" type: "DummyData" top: "more" dummy_data_param { shape { dim: [1, 3, 4, 4] } } }
        layer { name: "s" type: "Eltwise" bottom: "data" bottom: "more" top: "s" }
        """
    assert names(deploy(prototxt.parse(text + FILTERS % "s"))) == ["i", "d", "s", "c"]


def test_a_detector_is_cut_to_its_inference_net() -> None:
    """The wiring of rbgirshick/py-faster-rcnn models/pascal_voc/VGG16/faster_rcnn_end2end/train.prototxt."""
    text = """
        layer { name: "input-data" type: "Python" top: "data" top: "im_info" top: "gt_boxes"
          python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" }
        layer { name: "rpn-data" type: "Python" bottom: "c" bottom: "gt_boxes" bottom: "im_info" bottom: "data"
          top: "rpn_labels" top: "rpn_targets"
          python_param { module: "rpn.anchor_target_layer" layer: "AnchorTargetLayer" } }
        layer { name: "rpn_loss" type: "SmoothL1Loss" bottom: "c" bottom: "rpn_targets" top: "rpn_loss" }
        layer { name: "proposal" type: "Proposal" bottom: "c" bottom: "im_info" top: "rpn_rois" }
        layer { name: "roi-data" type: "Python" bottom: "rpn_rois" bottom: "gt_boxes" top: "rois" top: "labels"
          python_param { module: "rpn.proposal_target_layer" layer: "ProposalTargetLayer" } }
        layer { name: "roi_pool5" type: "ROIPooling" bottom: "c" bottom: "rois" top: "pool5" }
        layer { name: "cls_score" type: "InnerProduct" bottom: "pool5" top: "cls_score" }
        layer { name: "loss_cls" type: "SoftmaxWithLoss" bottom: "cls_score" bottom: "labels" top: "loss_cls" }
        """
    net = deploy(prototxt.parse(text))
    assert names(net) == ["data", "im_info", "c", "proposal", "roi_pool5", "cls_score"]
    assert list(net.layer[4].bottom) == ["c", "rpn_rois"]


def test_what_is_computed_of_losses_is_cut_with_them() -> None:
    """The wiring of daijifeng001/R-FCN models/pascal_voc/ResNet-50/rfcn_end2end/train_agnostic_ohem.prototxt."""
    text = """
        layer { name: "d" type: "Data" top: "data" top: "label" }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" }
        layer { name: "a" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "a" top: "a_each" }
        layer { name: "b" type: "SmoothL1Loss" bottom: "c" bottom: "label" top: "b_each" }
        layer { name: "each" type: "Eltwise" bottom: "a_each" bottom: "b_each" top: "each" }
        """
    assert names(deploy(prototxt.parse(text))) == ["data", "c"]


def test_samples_of_the_training_phase_alone_are_what_they_are_sampled_from() -> None:
    """The wiring of zhaoweicai/cascade-rcnn examples/coco/res50-15s-800-fpn-base/train.prototxt."""
    text = """
        layer { name: "d" type: "Python" top: "data" top: "gt_boxes"
          python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" }
        layer { name: "p" type: "BoxOutput" bottom: "c" top: "proposals" }
        layer { name: "t" type: "ProposalTarget" bottom: "proposals" bottom: "gt_boxes" top: "some" top: "labels"
          include { phase: TRAIN } }
        layer { name: "u" type: "ProposalTarget" bottom: "some" bottom: "gt_boxes" top: "rois"
          include { phase: TRAIN } }
        layer { name: "roi_pool" type: "ROIPooling" bottom: "c" bottom: "rois" top: "pool" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "pool" bottom: "labels" top: "loss" }
        """
    net = deploy(prototxt.parse(text))
    assert names(net) == ["data", "c", "p", "roi_pool"]
    assert list(net.layer[3].bottom) == ["c", "proposals"]


@pytest.mark.parametrize("phase", ["include { phase: TRAIN }", ""])
def test_labels_of_samples_go(phase: str) -> None:
    """The wiring of zhaoweicai/cascade-rcnn examples/coco/res50-15s-800-fpn-cascade/train.prototxt."""
    text = """
        layer { name: "d" type: "Python" top: "data" top: "gt_boxes"
          python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" }
        layer { name: "p" type: "BoxOutput" bottom: "c" top: "proposals" }
        layer { name: "t" type: "ProposalTarget" bottom: "proposals" bottom: "gt_boxes" top: "rois" top: "labels"
          top: "match" PHASE }
        layer { name: "s" type: "ScaleRoute" bottom: "rois" bottom: "labels" bottom: "match"
          top: "small" top: "small_labels" top: "small_match" }
        layer { name: "l" type: "Concat" bottom: "small_labels" bottom: "small_labels" top: "all_labels" }
        layer { name: "roi_pool" type: "ROIPooling" bottom: "c" bottom: "small" top: "pool" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "pool" bottom: "all_labels" top: "loss" }
        layer { name: "q" type: "DecodeBBox" bottom: "pool" bottom: "small" bottom: "small_match" top: "decoded" }
        layer { name: "fc" type: "InnerProduct" bottom: "decoded" top: "fc" }
        """
    net = deploy(prototxt.parse(text.replace("PHASE", phase)))
    assert names(net) == ["data", "c", "p", "s", "roi_pool", "q", "fc"]
    assert (list(net.layer[3].bottom), list(net.layer[3].top)) == (["proposals"], ["small"])
    assert list(net.layer[5].bottom) == ["pool", "small"]


def test_errors() -> None:
    with pytest.raises(DefinitionError, match="layer 'r': bottom 'b' is not a top of an earlier layer"):
        deploy(prototxt.parse('layer { name: "r" type: "ReLU" bottom: "b" top: "c" }'))
    with pytest.raises(DefinitionError, match="no layer remains after"):
        deploy(prototxt.parse('layer { name: "d" type: "Data" top: "d" top: "l" }'))


def test_metrics_and_weights_of_labels_go() -> None:
    """ZheC/Realtime_Multi-Person_Pose_Estimation: a part of the labels weighs both sides of the loss."""
    net = deploy(
        prototxt.parse("""
        layer { name: "d" type: "CPMData" top: "data" top: "label" }
        layer { name: "part" type: "Slice" bottom: "label" top: "weight" top: "truth" slice_param { slice_point: 2 } }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 } }
        layer { name: "weighted" type: "Eltwise" bottom: "conv" bottom: "weight" top: "weighted"
                eltwise_param { operation: PROD } }
        layer { name: "loss" type: "EuclideanLoss" bottom: "weighted" bottom: "truth" top: "loss" }
        layer { name: "decoder" type: "CTCGreedyDecoder" bottom: "conv" bottom: "truth" top: "accuracy" }
        """)
    )
    assert names(net) == ["data", "conv"]


def test_noise_of_training_goes() -> None:
    """goodluckcwl/Face-alignment-mobilenet-v2: noise on the images, in place."""
    net = deploy(
        prototxt.parse("""
        layer { name: "i" type: "Input" top: "data" input_param { shape { dim: [1, 2, 3, 3] } } }
        layer { name: "noise" type: "Noise" bottom: "data" top: "data" }
        layer { name: "r" type: "ReLU" bottom: "data" top: "r" }
        """)
    )
    assert names(net) == ["i", "r"]


def test_boxes_of_a_detector_without_its_last_layer_stay() -> None:
    """They depend on the sizes of blobs alone."""
    net = prototxt.parse(
        """
        layer { name: "data" type: "Data" top: "data" top: "label" }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
          convolution_param { num_output: 4 kernel_size: 3 } }
        layer { name: "priors" type: "PriorBox" bottom: "conv" bottom: "data" top: "priors"
          prior_box_param { min_size: 8 } }
        """
    )
    assert [layer.name for layer in deploy(net).layer] == ["data", "conv", "priors"]


def test_images_and_labels_that_are_both_declared() -> None:
    """As nets that are fed from Python declare them: the label goes with the loss, the image stays."""
    text = """
        input: "data" input_shape { dim: 2 dim: 3 dim: 8 dim: 8 } input: "label" input_shape { dim: 2 dim: 1 }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
          convolution_param { num_output: 2 kernel_size: 8 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "loss" }
        layer { name: "prob" type: "Softmax" bottom: "c" top: "prob" }
        layer { name: "acc" type: "Accuracy" bottom: "prob" bottom: "label" top: "acc" }"""
    net = deploy(upgrade_net(prototxt.parse(text)))
    assert [layer.type for layer in net.layer] == ["Input", "Convolution", "Softmax"]
    assert input_shapes(net) == {"data": (2, 3, 8, 8)}
    whole = runnable(upgrade_net(prototxt.parse(text)))
    assert input_shapes(whole) == {"data": (2, 3, 8, 8), "label": (2, 1)}


def test_layers_that_change_gradients_alone_go() -> None:
    """Domain adaptation by backpropagation: the domain's classifier reads the features as they are."""
    net = deploy(
        prototxt.parse("""
        layer { name: "d" type: "Input" top: "x" }
        layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "g" type: "GradientScaler" bottom: "c" top: "g"
          gradient_scaler_param { lower_bound: 0.0 upper_bound: 0.1 alpha: 10.0 max_iter: 10000 } }
        layer { name: "p" type: "Sigmoid" bottom: "g" top: "p" }""")
    )
    assert [(layer.name, list(layer.bottom)) for layer in net.layer[1:]] == [("c", ["x"]), ("p", ["c"])]


def test_random_parts_are_not_taken() -> None:
    """iResNet's training on parts of images; the net reads whole ones."""
    net = deploy(
        prototxt.parse_leniently("""
        layer { name: "d" type: "Input" top: "x" }
        layer { name: "r" type: "RandomCrop" bottom: "x" top: "part" random_crop_param { target_height: 350 } }
        layer { name: "c" type: "Convolution" bottom: "part" top: "c"
          convolution_param { num_output: 2 kernel_size: 1 } }""")[0]
    )
    assert [(layer.name, list(layer.bottom)) for layer in net.layer[1:]] == [("c", ["x"])]


def test_all_regions_are_read_where_training_chose_hard_ones() -> None:
    """As abhi2610/ohem models/pascal_voc/VGG16/fast_rcnn_ohem/train.prototxt: the regions are the third bottom."""
    net = prototxt.parse("""
        layer { name: "data" type: "Python" top: "data" top: "rois" top: "labels" top: "t" top: "i" top: "o"
          python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" }
        layer { name: "ro" type: "ROIPooling" bottom: "c" bottom: "rois" top: "ro" }
        layer { name: "p" type: "Softmax" bottom: "ro" top: "p" }
        layer { name: "hard" type: "Python" bottom: "p" bottom: "ro" bottom: "rois" bottom: "labels" bottom: "t"
          bottom: "i" bottom: "o" top: "rois_hard" top: "labels_hard" top: "t_hard" top: "i_hard" top: "o_hard"
          python_param { module: "roi_data_layer.layer" layer: "OHEMDataLayer" } }
        layer { name: "pool" type: "ROIPooling" bottom: "c" bottom: "rois_hard" top: "pool" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "pool" bottom: "labels_hard" top: "loss" }
        """)
    found = deploy(net)
    assert names(found)[-4:] == ["c", "ro", "p", "pool"]
    assert list(found.layer[-1].bottom) == ["c", "rois"]


def test_features_remain_where_training_matches_them_with_persons() -> None:
    """ShuangLI59/person_search models/psdb/resnet50/train.prototxt; pictures that layers draw are left out as well."""
    net = prototxt.parse(
        TRAINING.split('layer { name: "acc"')[0]
        + """layer { name: "m" type: "LabeledMatching" bottom: "c" bottom: "label" top: "scores" top: "ids" }
        layer { name: "u" type: "UnlabeledMatching" bottom: "c" bottom: "label" top: "others" }
        layer { name: "all" type: "Concat" bottom: "scores" bottom: "others" top: "all" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "all" bottom: "ids" top: "loss" }
        layer { name: "show" type: "Python" bottom: "c" top: "trash"
          python_param { module: "visualization_layer" layer: "VisualizationLayer" } }"""
    )
    assert names(deploy(net)) == ["data", "c"]
