"""Types that forks added to the old form of layers: read from text by name."""

from __future__ import annotations

import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.deploy import deploy
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.upgrade import upgrade_net


@pytest.mark.parametrize(
    ("v1", "v2"),
    [
        # TheLegendAli/DeepLab-Context src/caffe/proto/caffe.proto, V1LayerParameter
        ("IMAGE_SEG_DATA", "ImageSegData"),
        ("SEG_ACCURACY", "SegAccuracy"),
        ("MAT_WRITE", "MatWrite"),
        ("DENSE_CRF", "DenseCRF"),
        ("INTERP", "Interp"),
        # HyeonwooNoh/DeconvNet model/DeconvNet/DeconvNet_inference_deploy.prototxt and training/
        ("BN", "BN"),
        ("WINDOW_SEG_DATA", "WindowSegData"),
        ("ELTWISE_ACCURACY", "EltwiseAccuracy"),
        # torrvision/crfasrnn matlab-scripts/TVG_CRFRNN_COCO_VOC.prototxt
        ("CROP", "Crop"),
        # Of no known fork: a name in the style of the new form.
        ("MAGIC_DATA", "MagicData"),
    ],
)
def test_the_types_of_forks(v1: str, v2: str) -> None:
    (layer,) = upgrade_net(prototxt.parse(f'layers {{ name: "l" type: {v1} top: "t" }}')).layer
    assert (layer.name, layer.type) == ("l", v2)


def test_the_wiring_of_deeplab_v1() -> None:
    """TheLegendAli/DeepLab-Context voc12/vgg128_noup/test.prototxt, thin."""
    net = deploy(
        upgrade_net(
            prototxt.parse("""
            layers { name: "data" type: IMAGE_SEG_DATA top: "data" top: "label" top: "data_dim"
              image_data_param { label_type: NONE batch_size: 1 }
              transform_param { mean_value: 104 mean_value: 116 mean_value: 122 crop_size: 514 } }
            layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
              convolution_param { num_output: 4 kernel_size: 3 pad: 2 hole: 2 } }
            layers { name: "up" type: INTERP bottom: "conv1" top: "up" interp_param { zoom_factor: 8 } }
            layers { name: "accuracy" type: SEG_ACCURACY bottom: "up" bottom: "label" top: "accuracy" }
            layers { name: "mat" type: MAT_WRITE bottom: "up" mat_write_param { prefix: "there/" } }
            """)
        )
    )
    assert [layer.type for layer in net.layer] == ["Input", "Convolution", "Interp"]
    assert list(net.layer[1].convolution_param.dilation) == [2]
    assert net.layer[2].interp_param.zoom_factor == 8
    assert input_shapes(net) == {"data": (1, 3, 514, 514)}


def test_settings_of_forks_in_the_old_form() -> None:
    text = 'layers { name: "l" type: BN bn_param { bn_mode: INFERENCE } }'
    (layer,) = upgrade_net(prototxt.parse(text)).layer
    assert layer.bn_param.bn_mode == layer.bn_param.INFERENCE


def test_types_in_quotes() -> None:
    """lim0606/caffe-googlenet-bn deploy.prototxt: one type is written as in the new form."""
    text = """layers { name: "c" type: CONVOLUTION bottom: "a" top: "c" }
    layers { name: "p" type: "Softmax" bottom: "c" top: "p" }
    layers { name: "f" type: "INNER_PRODUCT" bottom: "p" top: "f" }"""
    assert [layer.type for layer in upgrade_net(prototxt.parse(text)).layer] == [
        "Convolution",
        "Softmax",
        "InnerProduct",
    ]
