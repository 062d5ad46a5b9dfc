"""HDF5 weights: against what Caffe wrote, the layouts of other tools, and files that mean harm."""

import re

import h5py
import numpy as np
import pytest

from fcnkit.caffe import hdf5
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FileFormatError, OutputError
from tests.paths import LEGACY

CASES = ["v0", "v1", "v2_input_fields"]
LAYOUTS = "expected /data/<layer>/<index>, /<layer>/<index> or /<layer>.weight and .bias"

WEIGHT, BIAS = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([0.5, -1], np.float32)


def make(path, datasets):
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file[name] = array
    return path


def contents(path):
    """Path to array of all datasets, and to None of all groups."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[...] if isinstance(item, h5py.Dataset) else None}))
    return found


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, blobs in expected.items():
        assert [blob.shape for blob in found[name]] == [blob.shape for blob in blobs]
        assert all(blob.dtype == np.float32 for blob in found[name])
        for blob, other in zip(found[name], blobs, strict=True):
            np.testing.assert_array_equal(blob, other)


def read_error(path):
    with pytest.raises(FileFormatError) as error:
        hdf5.read(path)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


# Caffe's own files


@pytest.mark.parametrize("case", CASES)
def test_weights_that_caffe_wrote_equal_those_of_its_binary_file(case):
    weights = hdf5.read(LEGACY / case / "net.caffemodel.h5")
    net = upgrade_net(NetParameter.FromString((LEGACY / case / "net.caffemodel").read_bytes()))
    stored = {layer.name: layer.blobs for layer in net.layer if layer.blobs}
    assert weights.keys() == stored.keys()
    for name, blobs in stored.items():
        for array, blob in zip(weights[name], blobs, strict=True):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array.ravel(), np.array(blob.data, np.float32))


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_what_caffe_wrote(case, tmp_path):
    theirs = contents(LEGACY / case / "net.caffemodel.h5")
    layers = [name.removeprefix("data/") for name, array in theirs.items() if array is None and name != "data"]
    weights = hdf5.read(LEGACY / case / "net.caffemodel.h5")
    hdf5.write(tmp_path / "a.caffemodel.h5", {layer: weights.get(layer, []) for layer in layers})
    ours = contents(tmp_path / "a.caffemodel.h5")
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)
        assert array is None or ours[name].dtype == array.dtype


def test_differences_beside_the_data_are_left_alone(tmp_path):
    path = make(tmp_path / "a.h5", {"data/fc/0": WEIGHT, "diff/fc/0": WEIGHT + 1, "diff/fc/1": BIAS})
    assert_equal(hdf5.read(path), {"fc": [WEIGHT]})


def test_a_net_without_weights(tmp_path):
    hdf5.write(tmp_path / "a.h5", {"pool1": []})
    assert hdf5.read(tmp_path / "a.h5") == {}


# Round trips


def test_round_trip(tmp_path):
    weights = {
        "conv1": [np.ones((2, 1, 3, 2), np.float32), BIAS],
        "prelu": [np.array(0.25, np.float32)],
        "many": [np.array([i], np.float32) for i in range(12)],
        "nan": [np.array([np.nan, np.inf, -0.0], np.float32)],
        "conv1/7x7_s2": [WEIGHT],
        "inception_3a/1x1": [WEIGHT, BIAS],
        "a layer, \u00fcber 1.5": [BIAS],
        "empty": [np.zeros((0, 3), np.float32)],
    }
    hdf5.write(tmp_path / "a.h5", weights)
    assert_equal(hdf5.read(tmp_path / "a.h5"), weights)


def test_other_numbers_become_float32(tmp_path):
    arrays = [np.array([1, 2]), np.array([0.1]), np.array([1.5], np.float16), np.array([3], ">f4"), WEIGHT.T]
    hdf5.write(tmp_path / "a.h5", {"a": arrays})
    expected = {"a": [array.astype(np.float32) for array in arrays]}
    assert {array.dtype for array in contents(tmp_path / "a.h5").values() if array is not None} == {np.dtype("<f4")}
    assert_equal(hdf5.read(tmp_path / "a.h5"), expected)
    path = make(tmp_path / "b.h5", {f"data/a/{i}": array for i, array in enumerate(arrays)})
    assert_equal(hdf5.read(path), expected)


def test_the_same_weights_give_the_same_file(tmp_path):
    for name in "ab":
        hdf5.write(tmp_path / name, {"fc": [WEIGHT, BIAS]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_compressed_blobs(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data/a/0", data=np.zeros((2000, 1000), np.float32), compression="gzip", shuffle=True)
    assert_equal(hdf5.read(tmp_path / "a.h5"), {"a": [np.zeros((2000, 1000))]})


# The layouts of other tools


@pytest.mark.parametrize(
    "names",
    [
        ("fc/0", "fc/1"),
        ("fc/000", "fc/001"),
        ("fc/weights", "fc/bias"),
        ("fc/weight", "fc/bias"),
        ("fc.weight", "fc.bias"),
        ("data/fc/0", "data/fc/1"),
    ],
)
@pytest.mark.parametrize("layer", ["fc", "conv1/7x7_s2", "scale1.5", "data"])
def test_layouts(tmp_path, names, layer):
    weight, bias = (name.replace("fc", layer) for name in names)
    # With a second layer, /data is not taken for Caffe's group where it is the first one's.
    path = make(tmp_path / "a.h5", {weight: WEIGHT, bias: BIAS, names[0].replace("fc", "other"): BIAS})
    assert_equal(hdf5.read(path), {layer: [WEIGHT, BIAS], "other": [BIAS]})


def test_layers_inside_a_layer_s_group(tmp_path):
    """Caffe writes `bn1` and then `bn1/scale` into one group, and does not find the latter again; read does."""
    path = make(tmp_path / "a.h5", {"data/bn1/0": WEIGHT, "data/bn1/1": BIAS, "data/bn1/scale/0": BIAS})
    assert_equal(hdf5.read(path), {"bn1": [WEIGHT, BIAS], "bn1/scale": [BIAS]})


# Files that are none of these


def test_a_solver_state(tmp_path):
    path = make(tmp_path / "a.solverstate.h5", {"iter": 4000, "current_step": 0, "history/0": BIAS})
    assert read_error(path) == "is a Caffe solver state; the weights are in the .caffemodel.h5 saved with it"


@pytest.mark.parametrize("name", ["data", "dense_1/dense_1/kernel:0", "label", "fc.running_mean"])
def test_foreign_datasets(tmp_path, name):
    assert (
        read_error(make(tmp_path / "a.h5", {name: BIAS})) == f"dataset '/{name}' is not the blob of a layer; {LAYOUTS}"
    )


def test_no_weights_at_all(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("model_weights")
    assert read_error(tmp_path / "a.h5") == f"contains no weights; {LAYOUTS}"


def test_files_that_are_no_hdf5(tmp_path):
    (tmp_path / "a.h5").write_bytes((LEGACY / "v1" / "net.caffemodel").read_bytes())
    assert read_error(tmp_path / "a.h5") == "is a Caffe net (.caffemodel), not an HDF5 file"
    assert read_error(tmp_path) == "is a folder, not an HDF5 file"
    assert read_error(tmp_path / "none.h5") == "cannot be read: No such file or directory"


@pytest.mark.parametrize("array", [np.array([b"text"]), np.array([True]), h5py.Empty("f"), np.array([1j])])
def test_datasets_without_numbers(tmp_path, array):
    message = read_error(make(tmp_path / "a.h5", {"data/fc/0": array}))
    assert re.fullmatch(r"dataset '/data/fc/0' contains no numbers, but \S+", message)


def test_missing_and_doubled_blobs(tmp_path):
    assert read_error(make(tmp_path / "a.h5", {"data/fc/0": BIAS, "data/fc/3": BIAS, "data/fc/1": BIAS})) == (
        "layer 'fc': blob 2 is missing (blob 3 is stored); Caffe leaves out blobs that are shared with another layer"
    )
    assert read_error(make(tmp_path / "b.h5", {"fc/bias": BIAS})) == (
        "layer 'fc': blob 0 is missing (blob 1 is stored); Caffe leaves out blobs that are shared with another layer"
    )
    assert read_error(make(tmp_path / "c.h5", {"fc/0": BIAS, "fc/00": BIAS})) == "layer 'fc': blob 0 is stored twice"


def test_truncated_files(tmp_path):
    whole = (LEGACY / "v0" / "net.caffemodel.h5").read_bytes()
    for length in (9, 100, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "a.h5").write_bytes(whole[:length])
        assert read_error(tmp_path / "a.h5").startswith("is a damaged HDF5 file: Unable to")


def test_damaged_files(tmp_path):
    """Any byte may be wrong: the file is read (weights may be anything) or refused, in one line."""
    whole = (LEGACY / "v2_input_fields" / "net.caffemodel.h5").read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] = random.integers(256)
        damaged[random.integers(2000)] = random.choice([0, 255])
        (tmp_path / "a.h5").write_bytes(damaged)
        try:
            hdf5.read(tmp_path / "a.h5")
        except FileFormatError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 30


# Files that reach outside, or never end


@pytest.mark.parametrize("link", [h5py.SoftLink("/data/fc/0"), h5py.ExternalLink("other.h5", "/data/fc/0")])
@pytest.mark.parametrize("place", ["data/fc/1", "data/conv", "diff"])
def test_links_are_not_followed(tmp_path, link, place):
    make(tmp_path / "other.h5", {"data/fc/0": BIAS})
    path = make(tmp_path / "a.h5", {"data/fc/0": BIAS, place: link})
    assert read_error(path) == f"'/{place}' is a link to elsewhere, which is not followed"


def test_a_root_that_is_all_links(tmp_path):
    make(tmp_path / "other.h5", {"data/fc/0": BIAS})
    path = make(tmp_path / "a.h5", {"data": h5py.ExternalLink("other.h5", "/data")})
    assert read_error(path) == "'/data' is a link to elsewhere, which is not followed"


def test_object_references_are_not_followed(tmp_path):
    with h5py.File(make(tmp_path / "a.h5", {"data/fc/0": BIAS}), "a") as file:
        file["data/fc/1"] = np.array([file["data/fc/0"].ref], dtype=h5py.ref_dtype)
    assert read_error(tmp_path / "a.h5") == "dataset '/data/fc/1' contains no numbers, but object"


def test_data_in_other_files_is_not_read(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(8))
    make(tmp_path / "other.h5", {"x": BIAS})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data/fc/0", (2,), "f4", external=[(tmp_path / "raw", 0, 8)])
    with h5py.File(tmp_path / "b.h5", "w") as file:
        layout = h5py.VirtualLayout((2,), "f4")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (2,))
        file.create_virtual_dataset("data/fc/0", layout)
    for name in ("a.h5", "b.h5"):
        assert read_error(tmp_path / name) == "dataset '/data/fc/0' is in another file, which is not read"


def test_a_group_that_holds_itself(tmp_path):
    with h5py.File(make(tmp_path / "a.h5", {"data/fc/0": BIAS}), "a") as file:
        file["data/fc/again"] = file["data"]
    assert read_error(tmp_path / "a.h5") == "group '/data/fc/again/' is linked twice"


def test_a_claim_larger_than_the_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data/fc/0", (10**6, 10**6), "f4", chunks=(1000, 1000))
    assert read_error(tmp_path / "a.h5") == (
        "dataset '/data/fc/0' states 4000000000000 bytes, more than the file can contain"
    )


# Writing


@pytest.mark.parametrize("name", ["", "/", "a//b", "/a", "a/", ".", "a/./b", "a\0b"])
def test_names_that_hdf5_cannot_hold(tmp_path, name):
    with pytest.raises(OutputError) as error:
        hdf5.write(tmp_path / "a.h5", {name: [BIAS]})
    assert str(error.value) == f"layer {name!r} has a name that HDF5 files cannot store"


@pytest.mark.parametrize(("names", "blamed"), [(("a", "a/0"), "a/0"), (("a/0", "a"), "a"), (("a", "a/0/b"), "a/0/b")])
def test_names_that_are_in_each_others_way(tmp_path, names, blamed):
    with pytest.raises(OutputError) as error:
        hdf5.write(tmp_path / "a.h5", {name: [BIAS] for name in names})
    assert str(error.value) == f"layer {blamed!r} is named like a blob of another layer in HDF5 files"
