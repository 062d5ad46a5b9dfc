"""Small detectors in the wiring of published ones, from their files through every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.nn.boxes import overlaps
from tests.formats.test_python import own_net
from tests.net.build import conv, data, dims, files, image, layer

Outputs = dict[str, np.ndarray]


def info(*sizes: int) -> str:
    return layer("Input", "im_info", "", f"input_param {{ shape {{ {dims(1, *sizes)} }} }}")


def backbone(stages: int = 4) -> str:
    """A map for every 16 pixels, or for every 8."""
    text = data(64, 96)
    for stage in range(1, stages + 1):
        bottom = f"conv{stage - 1}" if stage > 1 else "data"
        text += conv(f"conv{stage}", bottom, 8, 2) + layer("ReLU", f"relu{stage}", f"conv{stage}", tops=f"conv{stage}")
    return text


def reshape(name: str, bottom: str, *sizes: int) -> str:
    return layer("Reshape", name, bottom, f"reshape_param {{ shape {{ {dims(*sizes)} }} }}")


def rpn(anchors: int, kind: str, settings: str, tops: str = "rois") -> str:
    """The wiring of rbgirshick/py-faster-rcnn models/pascal_voc/VGG16/faster_rcnn_end2end/test.prototxt."""
    text = conv("rpn_conv", "conv4", 8) + layer("ReLU", "rpn_relu", "rpn_conv", tops="rpn_conv")
    text += conv("rpn_cls_score", "rpn_conv", 2 * anchors) + conv("rpn_bbox_pred", "rpn_conv", 4 * anchors)
    text += reshape("rpn_cls_score_reshape", "rpn_cls_score", 0, 2, -1, 0)
    text += layer("Softmax", "rpn_cls_prob", "rpn_cls_score_reshape")
    text += reshape("rpn_cls_prob_reshape", "rpn_cls_prob", 0, 2 * anchors, -1, 0)
    return text + layer(kind, "proposal", "rpn_cls_prob_reshape rpn_bbox_pred im_info", settings, tops)


PYTHON = (
    'python_param { module: "rpn.proposal_layer" layer: "ProposalLayer"'
    " param_str: \"'feat_stride': 16, 'scales': [1, 2, 4], 'post_nms_topn': 20\" }"
)
HEADS = (
    layer("InnerProduct", "fc6", "pool5", "inner_product_param { num_output: 16 }")
    + layer("InnerProduct", "cls_score", "fc6", "inner_product_param { num_output: 4 }")
    + layer("InnerProduct", "bbox_pred", "fc6", "inner_product_param { num_output: 16 }")
    + layer("Softmax", "cls_prob", "cls_score")
)
ROI = "roi_pooling_param { pooled_w: 3 pooled_h: 3 spatial_scale: 0.0625 }"
FASTER_RCNN = backbone() + info(3) + rpn(9, "Python", PYTHON) + layer("ROIPooling", "pool5", "conv4 rois", ROI) + HEADS
# The wiring of daijifeng001/R-FCN models/pascal_voc/ResNet-50/rfcn_end2end/test_agnostic.prototxt.
AVERAGE = "pooling_param { pool: AVE kernel_size: 3 stride: 3 }"
POSITIONS = "psroi_pooling_param { spatial_scale: 0.0625 output_dim: %d group_size: 3 }"
RFCN = (
    backbone()
    + info(3)
    + rpn(9, "Python", PYTHON)
    + conv("rfcn_cls", "conv4", 4 * 9)
    + conv("rfcn_bbox", "conv4", 8 * 9)
    + layer("PSROIPooling", "psroi_cls", "rfcn_cls rois", POSITIONS % 4)
    + layer("Pooling", "cls_score_map", "psroi_cls", AVERAGE)
    + layer("PSROIPooling", "psroi_bbox", "rfcn_bbox rois", POSITIONS % 8)
    + layer("Pooling", "bbox_pred_map", "psroi_bbox", AVERAGE)
    + layer("Softmax", "cls_prob_map", "cls_score_map")
    + reshape("cls_prob", "cls_prob_map", -1, 4)
    + reshape("bbox_pred", "bbox_pred_map", -1, 8)
)
# The wiring of sanghoon/pva-faster-rcnn models/pvanet/example_train/test.prototxt.
PVANET = (
    backbone()
    + info(4)
    + rpn(
        6,
        "Proposal",
        "proposal_param { ratio: 0.5 ratio: 1.0 scale: 1 scale: 2 scale: 4 post_nms_topn: 15 }",
        "rois scores",
    )
    + layer("Silence", "mute", "scores").replace(' top: "mute"', "")
    + layer("ROIPooling", "pool5", "conv4 rois", ROI)
    + HEADS
)
# The wiring of zhaoweicai/mscnn examples/kitti_car/mscnn-7s-576-2x/mscnn_deploy.prototxt.
MSCNN = (
    backbone()
    + conv("loss1", "conv3", 6)
    + conv("loss2", "conv4", 6)
    + layer(
        "BoxOutput",
        "proposals",
        "loss1 loss2",
        "box_output_param { field_w: 16 field_h: 16 field_w: 40 field_h: 40 downsample_rate: 8 downsample_rate: 16"
        " fg_thr: -5 iou_thr: 0.65 max_nms_num: 60 min_size: 4 }",
        "rois scores",
    )
    + layer("ROIPooling", "pool5", "conv4 rois", ROI.replace("}", "pad_ratio: 0.25 }"))
    + layer("InnerProduct", "bbox_1st", "pool5", "inner_product_param { num_output: 8 }")
    + layer("DecodeBBox", "rois_2nd", "bbox_1st rois", "bbox_reg_param { bbox_std: 0.1 bbox_std: 0.1 bbox_std: 0.2"
            " bbox_std: 0.2 bbox_mean: 0 bbox_mean: 0 bbox_mean: 0 bbox_mean: 0 }")
    + layer("ROIAlign", "grid", "conv4 rois_2nd", ROI)
    + layer("Pooling", "pool", "grid", "pooling_param { pool: MAX kernel_size: 2 stride: 1 }")
    + layer("InnerProduct", "cls_pred", "pool", "inner_product_param { num_output: 2 }")
)  # fmt: skip
# The wiring of zhaoweicai/cascade-rcnn examples/coco/res50-15s-800-fpn-base/test.prototxt.
SIZES = "box_group_param { field_w: 16 field_w: 32 field_h: 16 field_h: 16 stride: %d }"
GROUPS = f"box_group_output_param {{ {SIZES} fg_thr: 0.1 iou_thr: 0.7 max_nms_num: 30 min_size: 4 }}"


def level(bottom: str, stride: int) -> str:
    """The proposals of one map, for two sizes of box."""
    text = conv(f"{bottom}_cls", bottom, 4) + conv(f"{bottom}_box", bottom, 8)
    text += reshape(f"{bottom}_cls_each", f"{bottom}_cls", -1, 2, 0, 0) + reshape(
        f"{bottom}_box_each", f"{bottom}_box", -1, 4, 0, 0
    )
    text += layer("Softmax", f"{bottom}_prob", f"{bottom}_cls_each")
    return text + layer("BoxGroupOutput", f"{bottom}_rois", f"{bottom}_prob {bottom}_box_each", GROUPS % stride)


def routed(bottom: str, scale: str, sizes: str) -> str:
    """The values of those proposals that are of a map's sizes."""
    text = layer("ScaleRoute", f"{bottom}_route", "rois", f"scale_route_param {{ {sizes} }}", f"{bottom}_routed")
    grid = f"roi_pooling_param {{ pooled_w: 3 pooled_h: 3 spatial_scale: {scale} }}"
    return text + layer("ROIAlign", f"{bottom}_grid", f"{bottom} {bottom}_routed", grid)


CASCADE = (
    backbone()
    + layer("Input", "im_size", "", f"input_param {{ shape {{ {dims(1, 2)} }} }}")
    + level("conv3", 8)
    + level("conv4", 16)
    + layer("Concat", "rois", "conv3_rois conv4_rois", "concat_param { axis: 0 }")
    + routed("conv3", "0.125", "high_scale: 17")
    + routed("conv4", "0.0625", "low_scale: 17")
    + layer("Concat", "routed", "conv3_routed conv4_routed", "concat_param { axis: 0 }")
    + layer("Concat", "pool5", "conv3_grid conv4_grid", "concat_param { axis: 0 }")
    + HEADS
    + layer("FrcnnOutput", "found", "cls_prob bbox_pred routed im_size", "frcnn_output_param { conf_thr: 0.2 }")
)


def yolo(maps: int, classes: int) -> str:
    """YOLOv2 with Reorg or, with two maps, YOLOv3; the wiring of eric612/MobileNet-YOLO models/yolov2, yolov3."""
    text, channels = backbone(), 2 * (5 + classes)
    boxes = "biases: 8 biases: 12 biases: 24 biases: 20"
    if maps == 1:
        text += layer("Reorg", "reorg", "conv3", "reorg_param { stride: 2 }") + layer("Concat", "both", "reorg conv4")
        text += conv("map", "both", channels)
        more = f"num_classes: {classes} num_box: 2 confidence_threshold: 0.1 biases: 1 biases: 1 biases: 2 biases: 3"
        return text + layer("YoloDetectionOutput", "found", "map", f"yolo_detection_output_param {{ {more} }}")
    text += conv("map1", "conv4", channels) + layer("Upsample", "up", "conv4", "upsample_param { scale: 2 }")
    text += layer("Concat", "both", "up conv3") + conv("map2", "both", channels)
    more = f"num_classes: {classes} num_box: 2 {boxes} {boxes} mask: 2 mask: 3 mask: 0 mask: 1 mask_group_num: 2"
    more += " anchors_scale: 16 anchors_scale: 8 confidence_threshold: 0.1"
    return text + layer("Yolov3DetectionOutput", "found", "map1 map2", f"yolov3_detection_output_param {{ {more} }}")


def flat(name: str, bottom: str, channels: int) -> str:
    text = conv(name, bottom, channels)
    text += layer("Permute", f"{name}_perm", name, "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    return text + layer("Flatten", f"{name}_flat", f"{name}_perm", "flatten_param { axis: 1 }")


def scores(name: str, classes: int) -> str:
    text = reshape(f"{name}_rows", f"{name}_flat", 0, -1, classes)
    text += layer("Softmax", f"{name}_prob", f"{name}_rows", "softmax_param { axis: 2 }")
    return text + layer("Flatten", f"{name}_scores", f"{name}_prob", "flatten_param { axis: 1 }")


# The wiring of sfzhang15/RefineDet's models: locations and scores of objects, then those of classes.
REFINEDET = (
    backbone()
    + flat("arm_loc", "conv4", 12)
    + flat("arm_conf", "conv4", 6)
    + scores("arm_conf", 2)
    + flat("odm_loc", "conv4", 12)
    + flat("odm_conf", "conv4", 12)
    + scores("odm_conf", 4)
    + layer("PriorBox", "arm_prior", "conv4 data", "prior_box_param { min_size: 16 aspect_ratio: 2 step: 16 }")
    + layer(
        "DetectionOutput",
        "found",
        "odm_loc_flat odm_conf_scores arm_prior arm_conf_scores arm_loc_flat",
        "detection_output_param { num_classes: 4 code_type: CENTER_SIZE confidence_threshold: 0.2 }",
    )
)
# The wiring of NVIDIA/caffe examples/kitti/detectnet_network.prototxt.
DETECTNET = (
    backbone()
    + conv("cvg", "conv4", 1)
    + layer("Sigmoid", "coverage", "cvg")
    + conv("bboxes", "conv4", 4)
    + layer(
        "Python",
        "cluster",
        "coverage bboxes",
        'python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections"'
        ' param_str: "96,64,16,0.3,0,0.2,1,1" }',
        "bbox-list",
    )
)
NETS = {
    "Faster R-CNN": FASTER_RCNN,
    "R-FCN": RFCN,
    "PVANet": PVANET,
    "MS-CNN": MSCNN,
    "Cascade R-CNN": CASCADE,
    "YOLOv2": yolo(1, 3),
    "YOLOv3": yolo(2, 3),
    "RefineDet": REFINEDET,
    "DetectNet": DETECTNET,
}


def inputs(net: fcnkit.CaffeNet, height: int = 64, width: int = 96) -> list[torch.Tensor]:
    """An image, and its size as the net wants it."""
    found = [torch.from_numpy(image(height, width))]
    for name in net.inputs[1:]:
        found.append(torch.tensor([[height, width, 1.0, 1.0][: net.shapes[name][1]]]))
    return found


def outputs(net: fcnkit.CaffeNet, values: list[torch.Tensor]) -> Outputs:
    with torch.no_grad():
        found = net(*values)
    if isinstance(found, torch.Tensor):
        found = {net.outputs[0]: found}
    return {name: value.numpy() for name, value in found.items()}


@pytest.mark.parametrize("name", NETS)
def test_detectors_find_something_and_go_the_round_trip(name: str, tmp_path: Path) -> None:
    _, definition, net = files(NETS[name], tmp_path, 0.1)
    values = inputs(net)
    expected = outputs(net, values)
    for blob in expected.values():
        assert len(blob.shape) < 4 or blob.shape[2] != 0
        assert np.isfinite(blob).all()
        assert len(blob) > (1 if name in ("Faster R-CNN", "R-FCN", "PVANet", "MS-CNN", "Cascade R-CNN") else 0)
    if name.startswith(("YOLO", "Refine")):
        assert expected["found"].shape[2] > 1
    for suffix in (".safetensors", ".pth", ".caffemodel"):
        path = tmp_path / f"saved{suffix}"
        fcnkit.save(net, path)
        loaded = fcnkit.load(path, definition if suffix == ".pth" else None)
        assert loaded.prototxt == net.prototxt
        again = outputs(loaded, values)
        assert again.keys() == expected.keys()
        assert all(np.array_equal(again[key], expected[key]) for key in expected)
    fcnkit.save(net, tmp_path / "own.py", tmp_path / "own.pth")
    own = own_net(tmp_path / "own.py").eval()
    own.load_state_dict(torch.load(tmp_path / "own.pth", weights_only=True))
    with torch.no_grad():
        found = own(*values)
    for key, blob in found.items() if isinstance(found, dict) else [(net.outputs[0], found)]:
        assert np.array_equal(blob.numpy(), expected[key])


@pytest.mark.parametrize("name", [name for name in NETS if name != "DetectNet"])
def test_detectors_take_images_of_other_sizes(name: str, tmp_path: Path) -> None:
    net = files(NETS[name], tmp_path, 0.1)[2]
    assert all(np.isfinite(blob).all() for blob in outputs(net, inputs(net, 96, 128)).values())


def test_faster_rcnns_heads_have_a_row_for_each_region(tmp_path: Path) -> None:
    net = files(FASTER_RCNN, tmp_path, 0.1)[2]
    with torch.no_grad():
        blobs = net.forward_blobs(*inputs(net))
    rois = blobs["rois"]
    assert 2 < len(rois) <= 20
    assert (rois[:, 1:] >= 0).all()
    assert (rois[:, 3] <= 95).all()
    assert (rois[:, 4] <= 63).all()
    assert (rois[:, 3:] - rois[:, 1:3] >= 15).all()
    assert blobs["pool5"].shape == (len(rois), 8, 3, 3)
    assert blobs["cls_prob"].shape == (len(rois), 4)
    assert torch.allclose(blobs["cls_prob"].sum(1), torch.ones(len(rois)))


def test_rfcn_scores_a_region_by_the_mean_of_its_parts(tmp_path: Path) -> None:
    """Of a region that is the whole map each part is a third of its rows and columns, in channels of its own."""
    net = files(RFCN, tmp_path, 0.1)[2]
    with torch.no_grad():
        blobs = net.forward_blobs(torch.from_numpy(image(96, 144)), torch.tensor([[96.0, 144, 1]]))
        pool = net.get_submodule("psroi_cls")
        whole = pool(blobs["rfcn_cls"], torch.tensor([[0.0, 0, 0, 143, 95]]))
    parts = blobs["rfcn_cls"].reshape(4, 3, 3, 3, 2, 3, 3)  # class, part's row and column, rows, columns
    own = [[parts[:, i, j, i, :, j].mean((1, 2)) for j in range(3)] for i in range(3)]
    assert torch.allclose(whole[0], torch.stack([torch.stack(row, 1) for row in own], 1), atol=1e-5)


def test_the_regions_that_cascade_rcnn_routes_are_all_of_them(tmp_path: Path) -> None:
    net = files(CASCADE, tmp_path, 0.1)[2]
    with torch.no_grad():
        blobs = net.forward_blobs(*inputs(net))
    rois, routed_rois = blobs["rois"][:, :, 0, 0], blobs["routed"][:, :, 0, 0]
    assert set(map(tuple, rois.tolist())) == set(map(tuple, routed_rois.tolist()))
    assert len(rois) == len(routed_rois)
    sides = blobs["conv3_routed"][:, 3:, 0, 0] - blobs["conv3_routed"][:, 1:3, 0, 0] + 1
    assert (sides.prod(1) < 17**2).all()


# A square of 20 pixels in an image of 64 x 64, and default boxes of 20 pixels at places 8 apart.
LEARNER = (
    data(64, 64)
    + layer("Input", "label", "", f"input_param {{ shape {{ {dims(1, 1, 4, 8)} }} }}")
    + conv("conv1", "data", 8, 2)
    + layer("ReLU", "relu1", "conv1", tops="conv1")
    + conv("conv2", "conv1", 16, 2)
    + layer("ReLU", "relu2", "conv2", tops="conv2")
    + conv("conv4", "conv2", 16, 2)
    + layer("ReLU", "relu4", "conv4", tops="conv4")
    + flat("loc", "conv4", 4)
    + flat("conf", "conv4", 2)
    + layer("PriorBox", "prior", "conv4 data", "prior_box_param { min_size: 20 step: 8 }")
)
LOSS = layer(
    "MultiBoxLoss",
    "loss",
    "loc_flat conf_flat prior label",
    "multibox_loss_param { num_classes: 2 code_type: CENTER_SIZE }",
)
FOUND = scores("conf", 2) + layer(
    "DetectionOutput",
    "found",
    "loc_flat conf_scores prior",
    "detection_output_param { num_classes: 2 code_type: CENTER_SIZE confidence_threshold: 0.3 keep_top_k: 1 }",
)


def squares(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with a bright square each, and the squares as objects of class 1."""
    random = np.random.default_rng(seed)
    images, rows = random.normal(0, 0.1, (count, 3, 64, 64)), []
    for item in range(count):
        x, y = random.integers(2, 42, 2).tolist()
        images[item, :, y : y + 20, x : x + 20] += 1
        rows.append([item, 1, 0, x / 64, y / 64, (x + 20) / 64, (y + 20) / 64, 0])
    return torch.from_numpy(images).float(), torch.tensor(rows)[None, None]


def test_an_ssd_learns_to_find_squares() -> None:
    torch.manual_seed(0)
    net = fcnkit.CaffeNet(LEARNER.replace("pad: 1", 'pad: 1 weight_filler { type: "msra" }') + LOSS)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for step in range(60):
        loss = net(*squares(4, step))
        assert isinstance(loss, torch.Tensor)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.3 * losses[0]
    finder = fcnkit.CaffeNet(
        (LEARNER + FOUND), {name: [b.numpy() for b in blobs] for name, blobs in net.blobs().items()}
    )
    images, objects = squares(8, 1000)
    with torch.no_grad():
        found = finder.forward_blobs(images, objects)["found"][0, 0]
    assert found[:, 0].tolist() == list(range(8))
    wanted = objects[0, 0, :, 3:7]
    assert all(float(overlaps(box, other[None])) > 0.6 for box, other in zip(found[:, 3:], wanted, strict=True))
