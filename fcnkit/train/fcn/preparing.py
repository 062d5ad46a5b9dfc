"""The folder of a new run: lists, nets, solvers and the weights to start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import SolverParameter
from fcnkit.caffe.preprocessing import FCN_MEAN, Preprocessing, state_in_input
from fcnkit.errors import DefinitionError, nearest
from fcnkit.files import writing
from fcnkit.formats import save
from fcnkit.generation.nets import generate, generate_solver
from fcnkit.generation.options import STRIDES, Net
from fcnkit.generation.solver_fields import change
from fcnkit.surgery.start import start
from fcnkit.train.data.pairing import Pair, write_list
from fcnkit.train.fcn import recipes
from fcnkit.train.fcn.folder import Run, Stage

# The number of validation images that the report shows.
_SHOWN = 8


@dataclass(frozen=True)
class Plan:
    """What to train, and how.

    Attributes:
        net: the net of the last stage: its data layer, class weights and loss are set by the run.
        name: the name of a published net, or "fcn".
        train, val: the images with their label maps.
        classes: by head the names of its classes.
        palettes: by head a file with the palette of its colour masks; other heads have VOC's.
        templates: a folder of templates that override fcnkit's own.
        weights: a file with the weights of a classifier or an FCN to start from; None to start from the fillers.
        recipe: one of `recipes.RECIPES`; None for a published net's own solver and loss, and "heavy" for "fcn".
        staged: train the strides 32, 16, ... down to the net's, each from the one before.
        settings: fields of the solvers as text, by name; with a stage's name before it, such as `16s.base_lr`, of
            that stage only.
        batch: images of a batch.
        class_weights: by head, for each class its weight in the training loss; other heads have equal weights.
        sampling: settings of the data layer for training: augment, patch, rare.
        score_every: iterations from one scoring to the next; None for a tenth of the stage, and 4000 at the most.
        seed: of fillers, of the order of the images, and of what is drawn in them.
        facts: rows of the report's first table.
    """

    net: Net
    name: str
    train: Sequence[Pair]
    val: Sequence[Pair]
    classes: Mapping[str, Sequence[str]]
    palettes: Mapping[str, Path] = field(default_factory=dict)
    templates: AnyPath | None = None
    weights: Path | None = None
    recipe: str | None = None
    staged: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    batch: int = 1
    class_weights: Mapping[str, Sequence[float]] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    score_every: int | None = None
    seed: int = 1337
    facts: Mapping[str, str] = field(default_factory=dict)


def prepare(plan: Plan, folder: Path, force: bool = False) -> Run:
    """Write everything that a run needs into its folder.

    Raises:
        FcnkitError: an option is invalid, a file cannot be read or written, or the weights do not fit.
    """
    strides = [s for s in STRIDES if s >= plan.net.stride] if plan.staged else [plan.net.stride]
    names = [f"{stride}s" for stride in strides] if len(strides) > 1 else [""]
    _check_heads(plan.net)
    nets = dict(zip(names, (_net(plan, stride) for stride in strides), strict=True))
    _check_settings(plan, names)
    shown = np.linspace(0, len(plan.val) - 1, min(_SHOWN, len(plan.val))).round().astype(int)
    heads = {head: list(plan.classes[head]) for head in plan.net.heads}
    run = Run(folder, _title(plan), names, heads, shown.tolist(), len(plan.val))
    solvers = {stage.name: _solver(plan, stage, nets[stage.name]) for stage in run.each}
    run.facts.update(_facts(plan, strides, solvers))
    run.create(force)
    try:
        write_list(run.train_list, plan.train)
        write_list(run.val_list, plan.val)
        for head, classes in heads.items():
            _write(run.classes(head), "".join(f"{name}\n" for name in classes))
        mean = FCN_MEAN if plan.weights is None else _start(plan, run.each[0], nets[names[0]])
        for stage in run.each:
            _write_nets(plan, run, stage, nets[stage.name], mean)
            _write(stage.solver, prototxt.to_text(solvers[stage.name]))
        run.save()
    except BaseException:
        run.remove()
        raise
    return run


def _net(plan: Plan, stride: int) -> Net:
    """The net of a stage."""
    net = replace(plan.net, stride=stride, data="images", settings={}, weights=plan.class_weights)
    return net if plan.recipe is None else recipes.with_loss(net, plan.recipe)


def _check_heads(net: Net) -> None:
    for head in net.heads:
        if "/" in head or "\0" in head:
            raise DefinitionError(f"head {head!r}: its name is part of the names of files; give one without a slash")


def _title(plan: Plan) -> str:
    heads = [f"{len(names)} classes{head and f' of {head}'}" for head, names in plan.classes.items()]
    return f"{plan.name} on {' and '.join(heads)}"


def _check_settings(plan: Plan, names: Sequence[str]) -> None:
    """Reject settings that no stage has, before anything is written."""
    for key in plan.settings:
        stage, dot, _ = key.rpartition(".")
        if dot and stage not in names:
            there = f"the stages are {', '.join(names)}" if names != [""] else "the run has one stage without a name"
            raise DefinitionError(f"{key}: there is no stage {stage!r}{nearest(stage, names)}; {there}")


def _own_settings(plan: Plan, stage: str) -> dict[str, str]:
    """The settings of a stage; its own override those of all."""
    every = {key: value for key, value in plan.settings.items() if "." not in key}
    own = {key.partition(".")[2]: value for key, value in plan.settings.items() if key.partition(".")[0] == stage}
    return every | own


def _start(plan: Plan, stage: Stage, net: Net) -> tuple[float, ...]:
    """Write the weights that the first stage starts from; returns the mean of the images that they were trained on."""
    assert plan.weights is not None
    _write(stage.deploy, generate(net, "deploy", plan.templates))
    started = start(stage.deploy, plan.weights)
    save(started.net, stage.start)
    image = started.net.preprocessing.get(next(iter(net.inputs)))
    return image.mean if image is not None and image.mean else FCN_MEAN


def _facts(plan: Plan, strides: Sequence[int], solvers: Mapping[str, SolverParameter]) -> dict[str, str]:
    """The run in words, for the report."""
    facts = {
        "net": f"{plan.name}, {plan.net.backbone}, stride{'s' * (len(strides) > 1)} {', '.join(map(str, strides))}",
        "images": f"{len(plan.train)} for training, {len(plan.val)} for validation",
        "started from": "its fillers" if plan.weights is None else str(plan.weights),
    }
    for name, solver in solvers.items():
        images = plan.batch * solver.iter_size
        facts[f"solver {name}".strip()] = (
            f"{solver.type}, base_lr {solver.base_lr:g}, momentum {solver.momentum:g}, {images} "
            f"image{'s' * (images > 1)} per step, {solver.max_iter:,} steps"
        )
    return {**facts, **plan.facts}


def _write_nets(plan: Plan, run: Run, stage: Stage, net: Net, mean: Sequence[float]) -> None:
    settings: dict[str, Any] = {
        "mean": tuple(mean),
        "seed": plan.seed,
        "train": {"list": str(run.train_list), "batch_size": plan.batch, **plan.sampling},
        "val": {"list": str(run.val_list)},
    }
    if plan.palettes:
        palettes = [str(plan.palettes[head].absolute()) if head in plan.palettes else None for head in run.heads]
        settings["palette"] = palettes if len(palettes) > 1 else palettes[0]
    net = replace(net, settings=settings)
    _write(stage.train, generate(net, "train", plan.templates))
    _write(stage.val, generate(net, "val", plan.templates))
    _write(stage.deploy, _with_mean(generate(net, "deploy", plan.templates), next(iter(net.inputs)), mean))


def _solver(plan: Plan, stage: Stage, net: Net) -> SolverParameter:
    """The solver of a stage."""
    if plan.recipe is None and not plan.staged and plan.name != "fcn":
        solver = prototxt.parse(generate_solver(plan.name), "SolverParameter")
    else:
        solver = recipes.solver(net, plan.staged)
    solver.train_net = str(stage.train)
    solver.test_net[:] = [str(stage.val)]
    solver.snapshot_prefix = str(stage.snapshots / "train")
    solver.random_seed = plan.seed
    change(solver, _own_settings(plan, stage.name))
    solver.test_iter[:] = [len(plan.val)]
    if plan.score_every is not None:
        solver.test_interval = plan.score_every
    elif "test_interval" not in _own_settings(plan, stage.name):
        solver.test_interval = max(1, min(4000, solver.max_iter // 10))
    if plan.weights is not None or stage.name not in ("", f"{STRIDES[0]}s"):
        solver.weights[:] = [str(stage.start)]
    return solver


def _with_mean(deploy: str, blob: str, mean: Sequence[float]) -> str:
    """A net for inference that states the mean of its images."""
    net = prototxt.parse(deploy)
    state_in_input(net, blob, Preprocessing("BGR", mean=tuple(mean)))
    return prototxt.to_text(net)


def _write(path: Path, text: str) -> None:
    with writing(path, force=True) as partial:
        partial.write_text(text, encoding="utf-8")
