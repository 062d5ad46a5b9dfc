"""What is wrong with a solver, a net, its data or a snapshot is one line, before the first iteration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import Result

Run = Callable[[str], Result]
START = "solver.prototxt --weights init.caffemodel"


def refused(result: Result, message: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stderr == f"Error: {message}\n"
    assert not list(Path().glob("snap*"))


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "solver",
            "max_iter: 12",
            "max_iter: 12 foo: 3",
            'solver.prototxt: line 8, column 14: Message type "SolverParameter" has no field named "foo", in: max_iter: 12 foo: 3',  # noqa: E501
        ),
        (
            "solver",
            'lr_policy: "fixed"',
            "",
            "solver.prototxt: the solver has no lr_policy; give one of fixed, step, exp, inv, multistep, poly, sigmoid",
        ),
        (
            "solver",
            '"fixed"',
            '"cosine"',
            "solver.prototxt: unknown lr_policy 'cosine'; the policies are fixed, step, exp, inv, multistep, poly, sigmoid",  # noqa: E501
        ),
        ("solver", '"fixed"', '"inv" gamma: -1', "solver.prototxt: gamma is -1; lr_policy 'inv' needs 0 or more"),
        ("solver", '"fixed"', '"step" gamma: 1', "solver.prototxt: stepsize is 0; lr_policy 'step' needs 1 or more"),
        (
            "solver",
            "max_iter: 12",
            'max_iter: 12 type: "Lion"',
            "solver.prototxt: unknown solver type 'Lion'; the types are SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam",  # noqa: E501
        ),
        (
            "solver",
            "max_iter: 12",
            'max_iter: 12 type: "AdaGrad"',
            "solver.prototxt: momentum cannot be used with AdaGrad; remove it",
        ),
        (
            "solver",
            "max_iter: 12",
            "max_iter: 12 rms_decay: 1",
            "solver.prototxt: rms_decay is 1; it must be 0 or more, and less than 1",
        ),
        (
            "solver",
            "max_iter: 12",
            "max_iter: 12 iter_size: 0",
            "solver.prototxt: iter_size is 0; it must be 1 or more",
        ),
        (
            "solver",
            "max_iter: 12",
            'max_iter: 12 regularization_type: "L3"',
            "solver.prototxt: there is no regularization_type 'L3'; there are L2, L1",
        ),
        (
            "solver",
            "max_iter: 12",
            "max_iter: 12 snapshot_diff: true",
            "solver.prototxt: snapshot_diff is not supported: snapshots contain no gradients; remove it",
        ),
        ("solver", "base_lr: 0.05", "", "solver.prototxt: the solver has no base_lr"),
        (
            "solver",
            'net: "net.prototxt"',
            "",
            "solver.prototxt: a solver needs one train net, by net, net_param, train_net or train_net_param; it has none",  # noqa: E501
        ),
        (
            "solver",
            "max_iter: 12",
            'max_iter: 12 train_net: "x"',
            "solver.prototxt: a solver needs one train net, by net, net_param, train_net or train_net_param; it has net and train_net",  # noqa: E501
        ),
        (
            "solver",
            'net: "net.prototxt"',
            'net: "nope.prototxt"',
            "nope.prototxt: cannot be read: No such file or directory",
        ),
        ("solver", "test_interval: 4", "", "solver.prototxt: test_interval must be 1 or more where a net is tested"),
        ("solver", "test_iter: 2", "test_iter: 0", "solver.prototxt: test_iter is 0; it must be 1 or more"),
        (
            "solver",
            "max_iter: 12",
            'max_iter: 12 test_net: "a" test_net: "b"',
            "solver.prototxt: test_iter is given 1 times, for 2 test nets; give it for each",
        ),
        (
            "solver",
            "max_iter: 12",
            "max_iter: 12 test_state { } test_state { }",
            "solver.prototxt: test_state is given 2 times, for 1 test nets",
        ),
        ("solver", '"snap"', '"no/snap"', "no snapshot can be written to 'no/snap': there is no writable folder 'no'"),
        (
            "net",
            'top: "label" include { phase: TRAIN',
            'top: "lable" include { phase: TRAIN',
            "train.h5: has no dataset 'lable'; it has data, label",
        ),
        ("net", "train.txt", "none.txt", "none.txt: cannot be read: No such file or directory"),
        (
            "net",
            "batch_size: 4",
            "batch_size: 0",
            "solver.prototxt: data layer 'data': batch_size is 0; it must be 1 or more",
        ),
        ("net", '"HDF5Data"', '"WindowData"', "solver.prototxt: 1 unsupported layer: 'data' (WindowData)"),
        (
            "net",
            '"HDF5Data"',
            '"Input" input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 } }',
            "layer 'data': Input takes its data from a program; give it with --data LAYER=MODULE:FACTORY",
        ),
        (
            "net",
            'type: "SoftmaxWithLoss"',
            'type: "SoftmaxWithLoss" loss_weight: 0',
            "solver.prototxt: the train net has no loss: add a loss layer, or a loss_weight to a layer",
        ),
    ],
)
def test_a_wrong_definition(
    case: Callable[[str], Path], train: Run, file: str, old: str, new: str, message: str
) -> None:
    case("sgd_fixed")
    edit(f"{file}.prototxt", old, new)
    refused(train(START), message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("Data", "nowhere: is not there; the layer's source is the folder of an LMDB's data.mdb"),
        ("ImageData", "nowhere: cannot be read: No such file or directory"),
    ],
)
def test_missing_data(case: Callable[[str], Path], train: Run, source: str, message: str) -> None:
    case("sgd_fixed")
    param = {"Data": "data_param", "ImageData": "image_data_param"}[source]
    edit("net.prototxt", '"HDF5Data"', f'"{source}"')
    edit("net.prototxt", 'hdf5_data_param { source: "train.txt"', f'{param} {{ source: "nowhere"')
    edit("net.prototxt", 'hdf5_data_param { source: "test.txt"', f'{param} {{ source: "nowhere"')
    refused(train(START), message)


def test_a_listed_file_that_is_missing(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    Path("train.h5").unlink()
    refused(train(START), "train.txt: lists 'train.h5', and there is no such file")


def test_labels_out_of_range(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    with h5py.File("train.h5", "a") as file:
        file["label"][1] = 5
    edit("solver.prototxt", "display: 1", "test_initialization: false")
    message = "layer 'loss': blob 'label' has the label 5, but 'ip' has 5 classes, 0 to 4, and no label is ignored"
    refused(train(START), message)


def test_a_label_that_is_ignored_is_no_mistake(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    with h5py.File("train.h5", "a") as file:
        file["label"][1] = 255
    edit("net.prototxt", "loss_param {  }", "loss_param { ignore_label: 255 }")
    assert train(START).exit_code == 0


def test_weights_of_another_net(case: Callable[[str], Path], train: Run) -> None:
    golden = case("sgd_fixed")
    shutil.copy(golden.parent / "sgd_shared_weights" / "init.caffemodel", ".")
    refused(train(START), "init.caffemodel: has weights for none of the net's layers: they have other names")
    edit("net.prototxt", "num_output: 5", "num_output: 6")
    shutil.copy(golden / "init.caffemodel", ".")
    refused(train(START), "init.caffemodel: layer 'ip': blob 0 has shape (5, 54), expected (6, 54)")


def test_snapshots_of_others(case: Callable[[str], Path], train: Run) -> None:
    golden = case("sgd_fixed").parent
    for name, message in {
        "adam": "has the history of 8 blobs; SGD on this net needs 4: it is of another net or solver",
        "sgd_inv": "has the history of 7 blobs; SGD on this net needs 4: it is of another net or solver",
    }.items():
        shutil.copy(golden / name / "snap_iter_6.solverstate", "other.solverstate")
        shutil.copy("init.caffemodel", "snap_iter_6.caffemodel")
        result = train("solver.prototxt --snapshot other.solverstate")
        assert (result.exit_code, result.stderr) == (1, f"Error: other.solverstate: {message}\n")
    Path("snap_iter_6.caffemodel").unlink()
    message = "names the weights 'snap_iter_6.caffemodel', which exist neither at that path nor beside it"
    refused(train("solver.prototxt --snapshot other.solverstate"), f"other.solverstate: {message}")
    refused(train("solver.prototxt --snapshot nope"), "nope: cannot be read: there is no such file")
    problem = "is a Caffe net (.caffemodel), not a solver state: it states no iteration"
    refused(train("solver.prototxt --snapshot init.caffemodel"), f"init.caffemodel: {problem}")
    Path("cut").write_bytes(Path("other.solverstate").read_bytes()[:500])
    problem = "is a Caffe solver state (.solverstate), cut short or damaged, not a whole solver state: the field at"
    result = train("solver.prototxt --snapshot cut")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: cut: {problem} byte")


def test_snapshot_and_weights_are_a_usage_error(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    result = train(f"{START} --snapshot x.solverstate")
    assert result.exit_code == 2
    assert "give --snapshot or --weights, not both" in result.stderr


def test_a_loss_that_is_not_finite_stops(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    with h5py.File("train.h5", "a") as file:
        file["data"][17] = np.nan
    edit("solver.prototxt", "snapshot: 6", "snapshot: 1")
    result = train(START)
    words = "iteration 4: the loss is nan; the first blob that is not finite is 'data', which the data gives"
    assert (result.exit_code, result.stderr) == (1, f"Error: {words}; try a lower base_lr\n")
    assert sorted(path.name for path in Path().glob("*.caffemodel")) == [
        "init.caffemodel", *(f"snap_iter_{number}.caffemodel" for number in (1, 2, 3, 4)),
    ]  # fmt: skip


def test_a_rate_that_is_too_high_is_found_where_it_shows(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    edit("solver.prototxt", "base_lr: 0.05", "base_lr: 1e30")
    result = train(START)
    words = "iteration 1: the loss is nan; the first blob that is not finite is 'ip', of layer 'ip' (InnerProduct)"
    assert (result.exit_code, result.stderr) == (1, f"Error: {words}; try a lower base_lr\n")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("data=nowhere:f", "--data: nowhere:f cannot be imported: No module named 'nowhere'"),
        ("data=os:nowhere", "--data: os:nowhere cannot be imported: module 'os' has no attribute 'nowhere'"),
        (
            "date=builtins:list",
            "solver.prototxt: data is given for 'date', but no data layer has that name (did you mean 'data'?)",
        ),
        ("data=builtins:list", "solver.prototxt: the data of layer 'data' has no sample"),
        (
            "data=builtins:object",
            "solver.prototxt: the data of layer 'data' is of type object, neither a data set nor an iterable",
        ),
    ],
)
def test_data_of_ones_own_that_is_none(case: Callable[[str], Path], train: Run, given: str, message: str) -> None:
    case("sgd_fixed")
    refused(train(f"{START} --data {given}"), message)


def test_a_mistake_leaves_the_old_log(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    Path("train.jsonl").write_text("old\n")
    result = train("solver.prototxt --weights nope --log train.jsonl --force")
    refused(result, "nope: cannot be read: No such file or directory")
    assert Path("train.jsonl").read_text() == "old\n"


def test_a_log_that_exists(case: Callable[[str], Path], train: Run) -> None:
    case("sgd_fixed")
    Path("train.jsonl").write_text("{}\n")
    message = "train.jsonl: exists; replace it with --force or choose another output"
    refused(train(f"{START} --log train.jsonl"), message)
