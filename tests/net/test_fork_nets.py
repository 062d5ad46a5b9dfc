"""Small nets of the kinds that forks of Caffe train, from their files through every format."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import fcnkit
from tests.net.build import conv, data, dims, files, image, layer


def ssd(height: int, width: int) -> str:
    """Two feature maps, 3 and 4 default boxes at each place, 4 classes."""
    text = data(height, width) + conv("conv1", "data", 8, 2) + layer("ReLU", "relu1", "conv1", tops="conv1")
    more = "norm_param { across_spatial: false channel_shared: false }"
    text += conv("map2", "conv1", 8, 2) + layer("Normalize", "map1", "conv1", more)
    boxes = {"map1": "min_size: 8 aspect_ratio: 2", "map2": "min_size: 12 max_size: 20 aspect_ratio: 2"}
    for bottom, priors in zip(boxes, (3, 4), strict=True):
        for head, each in (("loc", 4), ("conf", 4)):
            name = f"{bottom}_{head}"
            text += conv(name, bottom, priors * each)
            text += layer("Permute", f"{name}_perm", name, "permute_param { order: 0 order: 2 order: 3 order: 1 }")
            text += layer("Flatten", f"{name}_flat", f"{name}_perm", "flatten_param { axis: 1 }")
        variance = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
        more = f"prior_box_param {{ {boxes[bottom]} flip: true clip: false {variance} }}"
        text += layer("PriorBox", f"{bottom}_prior", f"{bottom} data", more)
    text += layer("Concat", "loc", "map1_loc_flat map2_loc_flat", "concat_param { axis: 1 }")
    text += layer("Concat", "conf", "map1_conf_flat map2_conf_flat", "concat_param { axis: 1 }")
    text += layer("Concat", "prior", "map1_prior map2_prior", "concat_param { axis: 2 }")
    text += layer("Reshape", "conf_rows", "conf", f"reshape_param {{ shape {{ {dims(0, -1, 4)} }} }}")
    text += layer("Softmax", "scores", "conf_rows", "softmax_param { axis: 2 }")
    text += layer("Flatten", "scores_flat", "scores", "flatten_param { axis: 1 }")
    nms = "nms_param { nms_threshold: 0.45 top_k: 40 } code_type: CENTER_SIZE"
    more = f"num_classes: 4 share_location: true background_label_id: 0 {nms} keep_top_k: 20 confidence_threshold: 0.3"
    return text + layer("DetectionOutput", "found", "loc scores_flat prior", f"detection_output_param {{ {more} }}")


SEGNET = (
    data(11, 14)
    + conv("conv1", "data", 4)
    + layer("BN", "bn1", "conv1", "bn_param { bn_mode: INFERENCE }", "conv1")
    + layer("Pooling", "pool1", "conv1", "pooling_param { kernel_size: 2 stride: 2 }", "pool1 mask1")
    + layer("Upsample", "up1", "pool1 mask1", "upsample_param { upsample_h: 11 upsample_w: 14 }")
    + conv("score", "up1", 2)
)
PSPNET = (
    data(9, 13)
    + conv("conv1", "data", 4)
    + layer("BN", "bn1", "conv1", "bn_param { slope_filler { value: 1 } frozen: true }", "conv1")
    + layer("BatchNorm", "bn2", "conv1", "batch_norm_param { scale_bias: true }")
    + layer("Normalize", "norm", "bn2")
    + layer("Interp", "score", "norm", "interp_param { shrink_factor: 2 zoom_factor: 4 }")
)


@pytest.mark.parametrize("size", [(24, 40), (33, 21)])
def test_an_ssd_finds_what_opencv_finds(size: tuple[int, int], tmp_path: Path) -> None:
    weights, definition, net = files(ssd(*size), tmp_path)
    other = cv2.dnn.readNetFromCaffe(str(definition), str(weights))
    pixels = image(*size)
    other.setInput(pixels)
    # OpenCV sorts by score alone, and adds rows of 0.
    expected = sorted((row for row in other.forward()[0, 0].tolist() if any(row)), key=lambda row: (row[1], -row[2]))
    with torch.no_grad():
        found = net(torch.from_numpy(pixels))
    assert isinstance(found, torch.Tensor)
    assert found.shape[2] > 5
    assert np.allclose(found[0, 0].numpy(), np.array(expected), atol=1e-4)


def test_an_ssd_takes_other_sizes_and_batches(tmp_path: Path) -> None:
    net = files(ssd(24, 40), tmp_path)[2]
    pixels = torch.from_numpy(np.concatenate([image(40, 32), image(40, 32, seed=1)]))
    with torch.no_grad():
        both, second = net(pixels), net(pixels[1:])
    assert isinstance(both, torch.Tensor)
    assert isinstance(second, torch.Tensor)
    of_second = both[0, 0][both[0, 0, :, 0] == 1]
    assert torch.allclose(of_second[:, 1:], second[0, 0, :, 1:], atol=1e-5)


def test_segnets_decoder_undoes_its_pooling(tmp_path: Path) -> None:
    """The largest value of each window of 2 x 2, the last cut off at 11 rows, is where it was; the rest is 0."""
    blobs = files(SEGNET, tmp_path)[2].forward_blobs(torch.from_numpy(image(11, 14)))
    before, after = blobs["conv1"].detach().numpy(), blobs["up1"].detach().numpy()
    assert after.shape == (1, 4, 11, 14)
    for y in range(0, 11, 2):
        for x in range(0, 14, 2):
            window = before[:, :, y : y + 2, x : x + 2]
            largest = window.max((2, 3), keepdims=True)
            assert (after[:, :, y : y + 2, x : x + 2] == np.where(window == largest, window, 0)).all()


@pytest.mark.parametrize("text", [ssd(24, 40), SEGNET, PSPNET], ids=["SSD", "SegNet", "PSPNet"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".caffemodel"])
def test_forks_nets_go_the_round_trip(text: str, suffix: str, tmp_path: Path) -> None:
    weights, definition, net = files(text, tmp_path)
    path = tmp_path / f"saved{suffix}"
    fcnkit.save(net, path)
    loaded = fcnkit.load(path, definition if suffix == ".pth" else None)
    assert loaded.prototxt == net.prototxt
    pixels = torch.from_numpy(image(*net.shapes["data"][2:]))
    with torch.no_grad():
        assert torch.equal(loaded(pixels), net(pixels))
    with pytest.raises(fcnkit.FcnkitError, match="and forks number their settings differently"):
        fcnkit.convert(weights)
