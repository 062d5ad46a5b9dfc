"""convert: which definition rules, what input sizes follow, and what is reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.errors import BlobShapeError, FcnkitError, InputError, MissingBlobsError


def write(path: Path, text: str, shapes: dict[str, list[tuple[int, ...]]]) -> Path:
    """A .caffemodel of a definition, with seeded blobs of the shapes given."""
    random = np.random.default_rng(0)
    blobs = {name: [random.standard_normal(shape, np.float32) for shape in stored] for name, stored in shapes.items()}
    caffemodel.write(path, prototxt.parse(text), blobs)
    return path


DATA = 'layer { name: "d" type: "Data" top: "data" top: "label" %s }'
CONV = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: %d stride: %d } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
"""
FC = 'layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 5 } }'


def classifier(path: Path, kernel: int, stride: int, inputs: int, data: str = "") -> Path:
    text = DATA % data + CONV % (kernel, stride) + FC
    shapes = {"conv": [(4, 3, kernel, kernel), (4,)], "fc": [(5, inputs), (5,)]}
    return write(path / "net.caffemodel", text, shapes)


@pytest.mark.parametrize(
    ("kernel", "stride", "side", "size"),
    [
        (5, 1, 4, 12),  # 11 gives as many, but its last pooling window would be cut off
        (3, 1, 111, 224),  # 223 and 224 both give 111; 224 is the usual size
        (11, 4, 28, 227),  # 227 to 234 do
    ],
)
def test_size_from_the_inner_products_weights(tmp_path: Path, kernel: int, stride: int, side: int, size: int) -> None:
    net = fcnkit.convert(classifier(tmp_path, kernel, stride, 4 * side * side))
    assert net.shapes["pool"] == (1, 4, side, side)
    assert net.shapes["data"] == (1, 3, size, size)


def test_the_data_layers_crop_size_comes_first(tmp_path: Path) -> None:
    path = classifier(tmp_path, 5, 1, 4 * 16, "transform_param { crop_size: 11 }")
    assert fcnkit.convert(path).shapes["data"] == (1, 3, 11, 11)


def test_no_square_size_fits_the_inner_product(tmp_path: Path) -> None:
    path = classifier(tmp_path, 5, 1, 4 * 17)
    with pytest.raises(
        InputError, match=rf"^{path}: no square image as input 'data' gives the 68 .* 'fc' .*`input_shape`"
    ):
        fcnkit.convert(path)


def test_nothing_tells_the_size_of_a_classifier_without_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(DATA % "" + CONV % (5, 1) + FC)
    with pytest.raises(
        InputError, match="the height and width of input 'data' are unknown; give its shape with `input_shape`"
    ):
        fcnkit.convert(None, path)
    assert fcnkit.convert(None, path, input_shape=(1, 3, 12, 12)).shapes["fc"] == (1, 5)


@pytest.mark.parametrize(
    ("source", "name", "shape"),
    [("mnist_train_lmdb", "mnist", (1, 1, 28, 28)), ("a/cifar10_test", "cifar", (1, 3, 32, 32)),
     ("MNIST_siamese_train", "mnist_siamese", (1, 2, 28, 28))],
)  # fmt: skip
def test_images_of_data_sets_with_common_names(tmp_path: Path, source: str, name: str, shape: tuple[int, ...]) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(DATA % f'data_param {{ source: "{source}" }}' + CONV % (5, 1) + FC)
    net = fcnkit.convert(None, path)
    assert net.shapes["data"] == shape
    assert net.remarks == [f"input 'data' has the shape {shape} of {name}, which the source names"]
    assert fcnkit.convert(None, path, input_shape=(1, 3, 12, 12)).shapes["data"] == (1, 3, 12, 12)


def test_a_wrong_input_shape_names_the_layer(tmp_path: Path) -> None:
    path = classifier(tmp_path, 5, 1, 4 * 16)
    problem = r"layer 'fc': blob 0 has shape \(5, 64\), expected \(5, 100\); .*`input_shape`"
    with pytest.raises(BlobShapeError, match=problem):
        fcnkit.convert(path, input_shape=(1, 3, 14, 14))


def test_a_prototxt_rules_and_the_rest_is_reported(tmp_path: Path) -> None:
    path = classifier(tmp_path, 5, 1, 64)
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text('input: "data" input_dim: [2, 3, 20, 31]' + CONV % (5, 1))
    net = fcnkit.convert(path, prototxt=deploy)
    assert net.inputs == ("data",)
    assert net.shapes["pool"] == (2, 4, 8, 14)
    assert net.unused == ["fc"]
    deploy.write_text(deploy.read_text().replace('name: "conv"', 'name: "other"'))
    with pytest.raises(MissingBlobsError, match=rf"^{path}: missing weights of layer 'other'"):
        fcnkit.convert(path, prototxt=deploy)


def test_deploy_false_keeps_the_losses(sample: Path) -> None:
    net = fcnkit.convert(sample, deploy=False)
    assert net.inputs == ("data", "label")
    assert net.outputs == ("loss",)
    image, label = torch.zeros(1, 3, 40, 50), torch.zeros(1, 1, 40, 50)
    loss = net(image, label)
    scores = fcnkit.convert(sample)(image)
    expected = torch.nn.functional.cross_entropy(scores, label[:, 0].long(), reduction="mean")
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_train_phase_learns(sample: Path) -> None:
    net = fcnkit.convert(sample, phase="train")
    assert net.training
    net(torch.randn(1, 3, 40, 50), torch.ones(1, 1, 40, 50)).backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    assert gradients["conv1_1.weight"].abs().sum() > 0
    assert gradients["upscore8.weight"] is None  # lr_mult 0


def test_level_and_stages_choose_layers(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    rules = {"plain": "", "deep": "include { min_level: 2 }", "extra": 'include { stage: "extra" }'}
    path.write_text('input: "x" input_dim: [1, 2, 3, 3]' + "".join(
        f'layer {{ name: "{name}" type: "ReLU" bottom: "x" top: "{name}" {rule} }}' for name, rule in rules.items()
    ))  # fmt: skip
    assert fcnkit.convert(None, path).outputs == ("plain",)
    assert fcnkit.convert(None, path, level=2).outputs == ("plain", "deep")
    assert fcnkit.convert(None, path, level=2, stages=["extra"]).outputs == ("plain", "deep", "extra")


def test_a_net_without_weights_is_filled(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "net.prototxt"
    path.write_text(
        'input: "data" input_dim: [1, 2, 4, 4] layer { name: "up" type: "Deconvolution" bottom: "data" top: "up"'
        " convolution_param { num_output: 2 group: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false"
        ' weight_filler { type: "bilinear" } } }'
    )
    net = fcnkit.convert(None, prototxt=path)
    assert torch.equal(net.up.weight[0, 0, 1], torch.tensor([0.1875, 0.5625, 0.5625, 0.1875]))
    assert net(torch.ones(1, 2, 3, 5)).shape == (1, 2, 6, 10)


def test_errors_name_the_right_file(sample: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.prototxt"
    bad.write_text('layer { name: "a" type: "ReLU" bottom: "x" top: "y" }')
    with pytest.raises(FcnkitError, match=rf"^{bad}: layer 'a': bottom 'x' is not a top of an earlier layer"):
        fcnkit.convert(sample, prototxt=bad)
    with pytest.raises(FcnkitError, match=r"^none.caffemodel: cannot be read"):
        fcnkit.convert("none.caffemodel")
    with pytest.raises(ValueError, match="give `weights`, `prototxt`, or both"):
        fcnkit.convert(None)
    with pytest.raises(ValueError, match="phase must be 'test' or 'train', not 'deploy'"):
        fcnkit.convert(sample, phase="deploy")


JOINED = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "p1" type: "Pooling" bottom: "conv" top: "p1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "p2" type: "Pooling" bottom: "p1" top: "p2" pooling_param { kernel_size: %(k)d stride: %(k)d } }
layer { name: "up" type: "Deconvolution" bottom: "p2" top: "up"
        convolution_param { num_output: 2 kernel_size: %(k)d stride: %(k)d } }
layer { name: "sum" type: "Eltwise" bottom: "p1" bottom: "up" top: "sum" }
"""


@pytest.mark.parametrize(("kernel", "size"), [(4, 512), (3, 504), (125, 500)])
def test_a_guessed_size_that_does_not_fit_gives_way_to_one_of_the_strides(
    tmp_path: Path, kernel: int, size: int
) -> None:
    """250 pixels, pooled by 4 and upsampled, become 252; by 3, 252; by 125 they fit."""
    path = tmp_path / "net.prototxt"
    path.write_text(DATA % "" + JOINED % {"k": kernel})
    net = fcnkit.load(path)
    assert net.shapes["data"] == (1, 3, size, size)
    guess = f"the input size {size} x {size} is a guess; the net does not run at 500 x 500"
    assert net.remarks == ([] if size == 500 else [guess])
    with pytest.raises(FcnkitError, match="layer 'sum'"):
        fcnkit.load(path, input_shape=(1, 3, 500 if size != 500 else 502, 500))


def test_labels_in_hdf5_files_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(
        DATA.replace('"Data"', '"HDF5Data"') % ""
        + CONV % (1, 1)
        + 'layer { name: "loss" type: "EuclideanLoss" bottom: "pool" bottom: "label" top: "loss" }'
    )
    with pytest.raises(InputError, match="the shape of input 'label' is unknown; give its shape with `input_shape`"):
        fcnkit.load(path, deploy=False)
    shapes = {"data": (1, 3, 8, 8), "label": (1, 4, 4, 4)}
    assert fcnkit.load(path, deploy=False, input_shape=shapes).shapes["loss"] == ()


def test_dummy_data_that_stays_is_a_remark(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("""input: "data" input_dim: [1, 3, 4, 4]
        layer { name: "d" type: "DummyData" top: "more" dummy_data_param { shape { dim: [1, 3, 4, 4] } } }
        layer { name: "s" type: "Eltwise" bottom: "data" bottom: "more" top: "s" }""")
    assert fcnkit.load(path).remarks == ["blob 'more' is not an input: DummyData layer 'd' fills it"]


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    path = classifier(tmp_path, 5, 1, 4 * 16)
    (tmp_path / "relu.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 4, 4] layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    )
    with pytest.raises(MissingBlobsError, match="none of its weights is used: it has those of 'conv', 'fc', and"):
        fcnkit.convert(path, tmp_path / "relu.prototxt")


PRODUCTS = "inner_product_param { num_output: 2 }"


FOUR_POOLS = "".join(
    f'layer {{ name: "p{n}" type: "Pooling" bottom: "{bottom}" top: "p{n}" top: "m{n}"'
    " pooling_param { kernel_size: 2 stride: 2 } }"
    for n, bottom in enumerate(["conv", "p0", "p1", "p2"])
)


@pytest.mark.parametrize(("stated", "size"), [((45, 60), (360, 480)), ((31, 32), (248, 256))])
@pytest.mark.parametrize("fully", [False, True])
def test_sizes_that_upsampling_states_are_those_of_the_image(
    fully: bool, stated: tuple[int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    """alexgkendall/SegNet-Tutorial Models/segnet_train.prototxt: Upsample layers state an eighth of the image.

    A net with an InnerProduct is not tried at any other size.
    """
    path = tmp_path / "net.prototxt"
    path.write_text(
        DATA % ""
        + JOINED.splitlines()[1]
        + FOUR_POOLS
        + 'layer { name: "up" type: "Upsample" bottom: "p3" bottom: "m3" top: "up"'
        f" upsample_param {{ scale: 2 upsample_h: {stated[0]} upsample_w: {stated[1]} }} }}"
        + 'layer { name: "sum" type: "Eltwise" bottom: "up" bottom: "p2" top: "sum" }'
        + fully
        * 'layer { name: "f" type: "InnerProduct" bottom: "sum" top: "f" inner_product_param { num_output: 2 } }'
    )
    net = fcnkit.load(path)
    assert (net.shapes["data"], net.shapes["sum"]) == ((1, 3, *size), (1, 2, *stated))
    guess = f"the input size {size[0]} x {size[1]} is a guess; the net does not run at 500 x 500"
    assert net.remarks == [guess] * (not fully)


def test_a_stated_grid_of_a_detector_states_the_size_of_its_images(tmp_path: Path) -> None:
    """13 x 13 places, 32 pixels apart, as in karta0807913/caffe-yolo-9000 examples/yolo/darknet.prototxt."""
    path = tmp_path / "yolo.prototxt"
    path.write_text(
        DATA % "" + 'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"'
        " convolution_param { num_output: 2 kernel_size: 3 pad: 1 stride: 32 } }"
        + 'layer { name: "grid" type: "Reshape" bottom: "conv" top: "grid"'
        " reshape_param { shape { dim: -1 dim: 13 dim: 13 } } }"
    )
    net = fcnkit.load(path)
    assert (net.shapes["data"], net.shapes["grid"]) == ((1, 3, 416, 416), (2, 13, 13))
    assert net.remarks == ["the input size 416 x 416 is a guess; the net does not run at 500 x 500"]


UNSTATED = """
layer { name: "data" type: "HDF5Data" top: "small" top: "large" top: "depth" }
layer { name: "up" type: "Deconvolution" bottom: "small" top: "up"
  convolution_param { num_output: 2 kernel_size: 2 stride: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "large" bottom: "up" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "sum" bottom: "depth" top: "cat" }
"""


def test_inputs_take_the_shape_of_the_blobs_beside_them(tmp_path: Path) -> None:
    """A picture that is added to an enlarged one has its shape, one that is joined to it has its size."""
    path = tmp_path / "net.prototxt"
    path.write_text(UNSTATED)
    net = fcnkit.load(path)
    assert net.shapes["large"] == net.shapes["sum"] == (1, 2, 1000, 1000)
    assert net.shapes["depth"] == (1, 1, 1000, 1000)
    assert net.remarks == [
        "input 'large' has the shape (1, 2, 1000, 1000), which layer 'sum' needs",
        "input 'depth' has the shape (1, 1, 1000, 1000), which layer 'cat' needs",
    ]
    shapes = {"small": (1, 3, 6, 5), "large": (1, 2, 12, 10), "depth": (1, 1, 12, 10)}
    assert fcnkit.load(path, input_shape=shapes).remarks == []
    with pytest.raises(FcnkitError, match=r"layer 'sum' .*: the bottoms must have equal shapes"):
        fcnkit.load(path, input_shape=shapes | {"large": (1, 2, 12, 11)})


def test_a_net_whose_upsampling_adds_a_row_runs_at_the_images_that_need_it(tmp_path: Path) -> None:
    """alexgkendall/SegNet-Tutorial Models/segnet_basic_train.prototxt: 360 / 8 rows are odd, 480 / 8 columns even."""
    path = tmp_path / "net.prototxt"
    path.write_text(
        DATA % ""
        + JOINED.splitlines()[1]
        + FOUR_POOLS
        + 'layer { name: "up" type: "Upsample" bottom: "p3" bottom: "m3" top: "up"'
        " upsample_param { scale: 2 pad_out_h: true } }"
        + 'layer { name: "sum" type: "Eltwise" bottom: "up" bottom: "p2" top: "sum" }'
    )
    net = fcnkit.load(path)
    assert (net.shapes["data"], net.shapes["sum"]) == ((1, 3, 360, 480), (1, 2, 45, 60))
