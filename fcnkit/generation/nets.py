"""Generate whole nets and solvers; the crop offsets are derived from the generated net."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from jinja2.sandbox import SandboxedEnvironment

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError, PrototxtError, nearest
from fcnkit.generation import published as zoo
from fcnkit.generation.classifiers import CLASSIFIERS, generate_classifier
from fcnkit.generation.options import Net, NetOptions
from fcnkit.generation.rendering import SUFFIX, TemplateError, environment, render
from fcnkit.generation.solver_fields import changed
from fcnkit.generation.upsampling import deconvolution, upsampling
from fcnkit.geometry.coordinates import Coordinates

__all__ = ["deconvolution", "describe", "generate", "generate_solver", "smallest_input"]


def generate(
    net: str | Net = "fcn", phase: str = "train", templates: AnyPath | None = None, **options: Unpack[NetOptions]
) -> str:
    """A whole net as prototxt.

    Args:
        net: name of a published net, "fcn" for a net described by options, or a description; or the name of a
            classifier in generation.classifiers, whose definition is for inference in every phase.
        phase: train, val or deploy, or the name of one of the net's own files, such as trainval.
        templates: a folder of templates that override fcnkit's own.
        options: as in `describe`.

    Raises:
        DefinitionError: an option is invalid, a crop has no offset, or the templates give no valid net.
    """
    if isinstance(net, str) and net in CLASSIFIERS and not options:
        return generate_classifier(net, templates)
    described = describe(net, **options)
    lookup = environment(templates)
    values = {
        "net": described,
        "phase": described.phase(phase),
        "upsampling": upsampling,
        "offsets": {},
    }
    _check_choices(lookup, described)
    # The first rendering gives the coordinate maps; the second has the offsets derived from them.
    values["offsets"] = _offsets(render(lookup, "fcn.prototxt.j2", values))
    return render(lookup, "fcn.prototxt.j2", values)


def generate_solver(
    net: str | Net = "fcn",
    changes: Mapping[str, Any] | None = None,
    templates: AnyPath | None = None,
    **options: Unpack[NetOptions],
) -> str:
    """The solver that a net was published with, or a starting point for an own net, as prototxt.

    Args:
        net, templates, options: as in `generate`.
        changes: fields of the solver to replace, such as base_lr or lr_policy.

    Raises:
        DefinitionError: the net, a change or a template is invalid.
    """
    described = describe(net, **options)
    solver = zoo.PUBLISHED[net].solver if isinstance(net, str) and net != "fcn" else zoo.own_solver(described)
    given = dict(changes or {})
    own = {name: given.pop(name) for name in solver.names() & given.keys()}
    text = render(environment(templates), "solver.prototxt.j2", {"solver": solver.changed(own)})
    return changed(text, {name: str(value) for name, value in given.items()})


def smallest_input(text: str) -> int:
    """The smallest height and width of inputs from which on all windows and crops of a net fit."""
    return Coordinates(prototxt.parse(text)).smallest_input()


def describe(net: str | Net = "fcn", **options: Unpack[NetOptions]) -> Net:
    """The description of a net: of a published net by name, or of a net described by options.

    Args:
        net: as in `generate`.
        options: fields of fcnkit.generation.options.Net, for "fcn"; `classes` is short for heads={"": classes}, and
            `data_layer` is another name of `data`. By
            default such a net can be trained from nothing: `fillers` is "msra", and `upsampling` is "bilinear" unless
            `fillers` is "none".

    Raises:
        DefinitionError: the name is unknown, or an option is unknown or contradicts another.
    """
    if net == "fcn":
        fields: dict[str, Any] = {"fillers": "msra", **options}
        if "data_layer" in fields:
            fields.setdefault("data", fields.pop("data_layer"))
        if fields["fillers"] != "none":
            # Zero kernels between zero scores and the loss would keep all gradients at zero.
            fields.setdefault("upsampling", "bilinear")
        if "classes" in fields:
            fields["heads"] = {"": fields.pop("classes")}
        known = {"classes", *(each.name for each in dataclasses.fields(Net))}
        unknown = [name for name in fields if name not in known]
        if unknown:
            hint = nearest(unknown[0], known)
            raise DefinitionError(f"unknown option {unknown[0]!r}{hint}; the options are {', '.join(sorted(known))}")
        return Net(**fields)
    if options:
        raise DefinitionError(f"{', '.join(options)} cannot be changed in a published net; use 'fcn'")
    if isinstance(net, Net):
        return net
    if net not in zoo.PUBLISHED:
        if net in CLASSIFIERS:
            raise DefinitionError(f"{net!r} is a classifier; the FCNs are fcn, {', '.join(zoo.PUBLISHED)}")
        names = ["fcn", *zoo.PUBLISHED, *CLASSIFIERS]
        raise DefinitionError(f"unknown net {net!r}{nearest(net, names)}; the nets are {', '.join(names)}")
    return zoo.PUBLISHED[net].net


def _check_choices(lookup: SandboxedEnvironment, net: Net) -> None:
    """Check that the templates of the backbone and of the data layer exist."""
    templates = [name.removesuffix(SUFFIX) for name in lookup.list_templates()]
    chosen = {"backbone": ("backbone_", f"backbone_{net.backbone}"), "data layer": ("data_", net.data_template)}
    for what, (prefix, template) in chosen.items():
        if template not in templates:
            there = [name.removeprefix(prefix) for name in templates if name.startswith(prefix)]
            word = template.removeprefix(prefix)
            raise DefinitionError(
                f"unknown {what} {word!r}{nearest(word, there)}; choose from {', '.join(there)}, "
                f"or write {prefix}NAME{SUFFIX} in a template folder of your own"
            )


def _offsets(text: str) -> Mapping[str, Sequence[int]]:
    """The offset of each Crop of a net, by its name.

    Raises:
        CropError: a crop has no offset or leaves its blob.
        TemplateError: the text is not a valid net.
    """
    try:
        coordinates = Coordinates(prototxt.parse(text))
    except PrototxtError as error:
        raise TemplateError(f"the templates do not give a valid prototxt: {error}") from None
    _check_names(coordinates)
    offsets = {crop.layer: crop.offsets() for crop in coordinates.crops}
    coordinates.smallest_input()
    return offsets


def _check_names(coordinates: Coordinates) -> None:
    """Refuse equal names of layers, and of tops that are not in place; the name of a head can cause either."""
    layers: set[str] = set()
    blobs: set[str] = set()
    for layer in coordinates.layers:
        made = [top for top in layer.tops if top not in layer.bottoms]
        for what, names, known in (("layers are", [layer.name], layers), ("layers make a blob", made, blobs)):
            for name in names:
                if name in known:
                    raise DefinitionError(f"two {what} called {name!r}; name the heads otherwise")
                known.add(name)
