"""The settings of a solver's prototxt, checked: the nets, the test schedule and the files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import TEST, TRAIN, NetParameter, NetState, SolverParameter
from fcnkit.caffe.phase import filter_net
from fcnkit.caffe.upgrade import upgrade_net, upgrade_solver
from fcnkit.errors import DefinitionError, InputError, naming, nearest
from fcnkit.geometry.unstated import settle_crops
from fcnkit.train.rates import POLICIES, check_policy
from fcnkit.train.solvers import REGULARIZATIONS, SOLVERS


class Tested(NamedTuple):
    """A test net and its number of batches."""

    net: NetParameter
    batches: int


class Solver(NamedTuple):
    """A solver, its train net and its test nets, each with only the layers of its phase."""

    settings: SolverParameter
    train: NetParameter
    tests: list[Tested]
    prefix: str


def read(path: AnyPath, crop: str | None = None) -> Solver:
    """Read a solver and the nets that it names; relative paths in it start at the working folder, as in Caffe.

    Args:
        path: the solver's prototxt.
        crop: the offset of Crop layers without crop_param (see fcnkit.geometry.unstated).

    Raises:
        FcnkitError: a file cannot be read, or the solver contradicts itself or uses a setting that is not
            supported.

    Source: BVLC/caffe src/caffe/solver.cpp, Solver::InitTrainNet and InitTestNets.
    """
    message = prototxt.read(path, "SolverParameter")
    with naming(path):
        settings = upgrade_solver(message)
        _check(settings)
        _split_weights(settings)
        solver = Solver(settings, _train_net(settings), _test_nets(settings), _prefix(settings, Path(path)))
        for net in (solver.train, *(test.net for test in solver.tests)):
            settle_crops(net, crop)
        return solver


def _check(s: SolverParameter) -> None:
    """Reject settings that Caffe rejects, and settings that fcnkit does not support."""
    if s.type not in SOLVERS:
        hint = nearest(s.type, SOLVERS)
        raise DefinitionError(f"unknown solver type {s.type!r}{hint}; the types are {', '.join(SOLVERS)}")
    if not s.lr_policy:
        raise DefinitionError(f"the solver has no lr_policy; give one of {', '.join(POLICIES)}")
    if s.regularization_type not in REGULARIZATIONS:
        raise DefinitionError(f"there is no regularization_type {s.regularization_type!r}; there are L2, L1")
    if s.snapshot_diff:
        raise DefinitionError("snapshot_diff is not supported: snapshots contain no gradients; remove it")
    if s.type in ("AdaGrad", "RMSProp") and s.momentum:
        raise DefinitionError(f"momentum cannot be used with {s.type}; remove it")
    if not 0 <= s.rms_decay < 1:
        raise DefinitionError(f"rms_decay is {s.rms_decay:g}; it must be 0 or more, and less than 1")
    if not s.HasField("base_lr"):
        raise DefinitionError("the solver has no base_lr")
    for field, least in (("max_iter", 0), ("iter_size", 1), ("average_loss", 1), ("display", 0), ("snapshot", 0)):
        if getattr(s, field) < least:
            raise DefinitionError(f"{field} is {getattr(s, field)}; it must be {least} or more")
    try:
        check_policy(s.lr_policy, s.gamma, s.stepsize, s.max_iter)
    except ValueError as error:
        raise DefinitionError(str(error)) from None


def _split_weights(settings: SolverParameter) -> None:
    """Split `weights` at commas into several files, as Caffe does with those of the command line."""
    files = [file.strip() for each in settings.weights for file in each.split(",") if file.strip()]
    settings.ClearField("weights")
    settings.weights.extend(files)


def _net(path: str) -> NetParameter:
    net = prototxt.read(path)
    with naming(path):
        return upgrade_net(net)


def _in_state(net: NetParameter, phase: int, state: NetState | None) -> NetParameter:
    """A net with only the layers of its state; its own state and the solver's are merged as in Caffe."""
    own = net.state
    level = state.level if state is not None and state.HasField("level") else own.level
    filtered = filter_net(net, phase, level, [] if state is None else state.stage)
    for layer in filtered.layer:
        if not layer.HasField("phase"):
            layer.phase = phase
    return filtered


def _train_net(s: SolverParameter) -> NetParameter:
    fields: tuple[Literal["net", "net_param", "train_net", "train_net_param"], ...]
    fields = ("net", "net_param", "train_net", "train_net_param")
    given = [field for field in fields if s.HasField(field)]
    if len(given) != 1:
        found = f"it has {' and '.join(given)}" if given else "it has none"
        raise DefinitionError(f"a solver needs one train net, by {', '.join(fields[:-1])} or {fields[-1]}; {found}")
    value = getattr(s, given[0])
    net = _net(value) if isinstance(value, str) else upgrade_net(value)
    with naming(value if isinstance(value, str) else ""):
        return _in_state(net, TRAIN, s.train_state)


def _test_nets(s: SolverParameter) -> list[Tested]:
    generic = s.HasField("net") or s.HasField("net_param")
    named = len(s.test_net) + len(s.test_net_param)
    if len(s.test_iter) < named if generic else len(s.test_iter) != named:
        raise DefinitionError(f"test_iter is given {len(s.test_iter)} times, for {named} test nets; give it for each")
    instances = len(s.test_iter)
    if s.test_state and len(s.test_state) != instances:
        raise DefinitionError(f"test_state is given {len(s.test_state)} times, for {instances} test nets")
    if not instances:
        return []
    if s.test_interval <= 0:
        raise DefinitionError("test_interval must be 1 or more where a net is tested")
    nets = [upgrade_net(net) for net in s.test_net_param] + [_net(path) for path in s.test_net]
    if len(nets) < instances:
        # A net that is defined inside the solver is not a file.
        both = _net(s.net) if s.HasField("net") else upgrade_net(s.net_param)
        nets += [both] * (instances - len(nets))
    states: list[NetState | None] = list(s.test_state) or [None] * instances
    for count in s.test_iter:
        if count < 1:
            raise DefinitionError(f"test_iter is {count}; it must be 1 or more")
    return [
        Tested(_in_state(net, TEST, state), count) for net, state, count in zip(nets, states, s.test_iter, strict=True)
    ]


def _prefix(s: SolverParameter, path: Path) -> str:
    """Source: BVLC/caffe src/caffe/util/upgrade_proto.cpp, UpgradeSnapshotPrefixProperty."""
    if not s.snapshot_prefix:
        return str(path.with_suffix(""))
    if Path(s.snapshot_prefix).is_dir():
        return str(Path(s.snapshot_prefix) / path.stem)
    return str(s.snapshot_prefix)


def check_folder(prefix: str) -> None:
    """Check, before training starts, that the folder of a snapshot prefix exists.

    Raises:
        InputError: the folder does not exist.
    """
    folder = Path(prefix).parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"no snapshot can be written to {prefix!r}: there is no writable folder {str(folder)!r}")


def as_written(net: NetParameter) -> NetParameter:
    """A net's definition as Caffe writes it into a snapshot: only the name and the layers."""
    return NetParameter(name=net.name, layer=net.layer) if net.HasField("name") else NetParameter(layer=net.layer)
