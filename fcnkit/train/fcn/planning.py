"""The plan of a run from folders of images: the pairs, the names of the classes, and what follows from the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypedDict, Unpack

from fcnkit.aliases import AnyPath
from fcnkit.errors import DefinitionError, nearest, printable
from fcnkit.generation.nets import describe
from fcnkit.generation.options import Net
from fcnkit.segment import classes as class_names
from fcnkit.segment.images import read_palette
from fcnkit.train.data import balance
from fcnkit.train.data.balance import ClassCounts
from fcnkit.train.data.pairing import pairs, split
from fcnkit.train.data.segmentation import Truth
from fcnkit.train.data.voc import voc as voc_pairs
from fcnkit.train.fcn.preparing import Plan

# The share of the images that a run is scored on by default.
SHARE = 0.1
# Three classes are too few to identify a data set: the names of a published net's head, by its data and the head.
_NAMES = {("siftflow", "geo"): "siftflow-geo"}
# Is given the number of files, and gives a function to be called after each.
Progress = Callable[[int], AbstractContextManager[Callable[[], object]]]


def _silent(files: int) -> AbstractContextManager[Callable[[], object]]:
    return nullcontext(int)


class Kept(TypedDict, total=False):
    """What a plan takes as it is given; see `Plan`."""

    templates: AnyPath | None
    weights: Path | None
    recipe: str | None
    staged: bool
    settings: Mapping[str, str]
    batch: int
    score_every: int | None
    seed: int


def plan(
    net: str | Net,
    images: AnyPath | None = None,
    labels: AnyPath | Mapping[str, AnyPath] | None = None,
    *,
    val_images: AnyPath | None = None,
    val_labels: AnyPath | Mapping[str, AnyPath] | None = None,
    val_share: float | None = None,
    voc: AnyPath | None = None,
    sbd: AnyPath | None = None,
    classes: str | Mapping[str, str] | None = None,
    palette: AnyPath | Mapping[str, AnyPath] | None = None,
    class_weights: str | Mapping[str, str] | None = None,
    augment: str | None = None,
    patches: tuple[int, int] | None = None,
    rare: bool = False,
    note: Callable[[str], object] = str,
    progress: Progress | None = None,
    **kept: Unpack[Kept],
) -> Plan:
    """Plan a run: pair the images with their label maps, and read all label maps once, to check and to count them.

    For a net with several heads a mapping gives `labels`, `val_labels`, `classes`, `palette` and `class_weights` by
    head. One palette, and one way of computing weights, is that of all heads.

    Args:
        net: the name of a published net, or a description of an own net as `generation.nets.describe` returns it.
        images, labels: what to train on; folders, patterns or .txt lists.
        val_images, val_labels: what to score on, in place of a share of the images.
        val_share: the share of the images to score on, 0.1 by default.
        voc, sbd: the folders of PASCAL VOC and SBD, in place of images and labels.
        classes: the names of the classes, see `segment.classes.resolve`; by default those for their number.
        palette: a file with the colours of colour masks.
        class_weights: "median", "inverse" or a file, see `train.data.balance`.
        augment: see `Augmentation.parse`.
        patches: (height, width) of random patches to train on.
        rare: half of the patches contain a rare class.
        note: receives remarks on the labels.
        progress: is given the number of label maps, and gives a context with a function to call after each.
        kept: attributes of the plan.

    Raises:
        FcnkitError: an argument does not fit the net, a file cannot be read, or a label is no class.
    """
    described, name = (net, "fcn") if isinstance(net, Net) else (describe(net), net)
    if len(described.inputs) > 1:
        raise DefinitionError(f"{name} reads {', '.join(described.inputs)}, and a folder of images is one input")
    heads = described.heads
    names = _names(described, classes)
    if voc is None:
        if images is None or labels is None:
            raise DefinitionError("give `images` and `labels`, or `voc`")
        train = pairs(images, *_folders("labels", labels, heads))
        if val_images is not None and val_labels is not None:
            val = pairs(val_images, *_folders("val_labels", val_labels, heads))
        else:
            train, val = split(train, val_share or SHARE, kept.get("seed", 1337))
    elif len(heads) > 1:
        raise DefinitionError(f"`voc` has one label map for each image; {name} has the heads {', '.join(heads)}")
    else:
        train, val = voc_pairs(voc, sbd)
    palettes = {head: Path(path) for head, path in _by_head("palette", palette, heads).items()}
    truths = {
        head: Truth(count, palette=read_palette(palettes[head]) if head in palettes else None)
        for head, count in heads.items()
    }
    counts = {}
    with (progress or _silent)(len(heads) * (len(train) + len(val))) as advance:
        for place, head in enumerate(heads):
            own, others = (
                balance.count((pair.labels[place] for pair in each), truths[head], advance, workers=2)
                for each in (train, val)
            )
            counts[head] = own
            for remark in _remarks(head, own, own.unknown + others.unknown, names[head]):
                note(remark)
    facts: dict[str, str] = {}
    weights = {}
    for head, how in _by_head("class_weights", class_weights, heads).items():
        weights[head] = _weights(how, counts[head], names[head])
        words = ", ".join(f"{label} {weight:.3g}" for label, weight in zip(names[head], weights[head], strict=True))
        facts[f"class weights{_of(head)}"] = f"{how}: {words}"
        note(f"class weights{_of(head)} ({how}): {words}")
    sampling: dict[str, Any] = {}
    if augment is not None:
        sampling["augment"] = facts["augmented by"] = augment
    if patches is not None:
        sampling["patch"], facts["patches"] = list(patches), f"{patches[0]} x {patches[1]} pixels"
        if rare:
            each = [balance.rare(counts[head]) for head in heads]
            sampling["rare"] = each if len(heads) > 1 else each[0]
            for head, labels_of in zip(heads, each, strict=True):
                facts[f"rare classes{_of(head)}"] = ", ".join(names[head][label] for label in labels_of) or "none"
    return Plan(
        described,
        name,
        train,
        val,
        names,
        palettes=palettes,
        class_weights=weights,
        sampling=sampling,
        facts=facts,
        **kept,
    )


def _names(net: Net, classes: str | Mapping[str, str] | None) -> dict[str, Sequence[str]]:
    """The names of the classes of each head."""
    if len(net.heads) > 1 and isinstance(classes, str):
        raise DefinitionError(f"`classes` has names for one head; give them for each of {', '.join(net.heads)}")
    texts = _by_head("classes", classes, net.heads)
    return {
        head: class_names.names_for(count, texts.get(head, _NAMES.get((net.data, head))))
        for head, count in net.heads.items()
    }


def _by_head(what: str, given: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    """What is given by head; a single value is that of all heads."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return dict.fromkeys(heads, given)
    for head in given:
        if head not in heads:
            raise DefinitionError(f"`{what}` has {head!r}, which is not a head{nearest(head, heads)}; {_there(heads)}")
    return dict(given)


def _there(heads: Mapping[str, int]) -> str:
    return "the net has one head without a name" if "" in heads else f"the heads are {', '.join(heads)}"


def _folders(what: str, given: AnyPath | Mapping[str, AnyPath], heads: Mapping[str, int]) -> list[AnyPath]:
    """The label maps of each head, in the order of the heads."""
    if len(heads) > 1 and not isinstance(given, Mapping):
        raise DefinitionError(f"`{what}` is {str(given)!r} for all heads; give one for each of {', '.join(heads)}")
    found = _by_head(what, given, heads)
    for head in heads:
        if head not in found:
            raise DefinitionError(f"`{what}` has no label maps for head {head!r}; {_there(heads)}")
    return [found[head] for head in heads]


def _remarks(head: str, counts: ClassCounts, unknown: int, names: Sequence[str]) -> list[str]:
    """Classes that cannot be learnt, and colours without a class."""
    remarks = []
    if counts.absent:
        absent = ", ".join(names[label] for label in counts.absent)
        remarks.append(f"no training image has a pixel of {absent}{_of(head)}")
    if unknown:
        remarks.append(f"{unknown} pixels{_of(head)} have colours that are not in the palette; they are ignored")
    return remarks


def _weights(how: str, counts: ClassCounts, names: Sequence[str]) -> list[float]:
    computed = {"median": balance.median_weights, "inverse": balance.inverse_weights}
    return computed[how](counts) if how in computed else balance.read_weights(how, names)


def _of(head: str) -> str:
    return f" of {printable(head)}" if head else ""
