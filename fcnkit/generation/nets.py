"""Whole nets and solvers from the templates, the crop offsets derived from what the templates wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from jinja2.sandbox import SandboxedEnvironment

from fcnkit.aliases import AnyPath
from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError, PrototxtError
from fcnkit.generation import published as zoo
from fcnkit.generation.options import Net, NetOptions
from fcnkit.generation.rendering import SUFFIX, TemplateError, environment, render
from fcnkit.generation.upsampling import deconvolution, upsampling
from fcnkit.geometry.coordinates import Coordinates

__all__ = ["deconvolution", "describe", "generate", "generate_solver", "smallest_input"]


def generate(
    net: str | Net = "fcn", phase: str = "train", templates: AnyPath | None = None, **options: Unpack[NetOptions]
) -> str:
    """A whole net as prototxt.

    Args:
        net: a published one by name, "fcn" for one's own, or its description.
        phase: train, val or deploy, or what the net's own files are called, such as trainval.
        templates: a folder of templates that go before fcnkit's own.
        options: of fcnkit.generation.options.Net, for "fcn"; `classes` is short for heads={"": classes}.

    Raises:
        DefinitionError: a choice that cannot be, a crop without an offset, or templates that give no valid net.
    """
    described = describe(net, **options)
    lookup = environment(templates)
    values = {
        "net": described,
        "phase": described.phase(phase),
        "upsampling": upsampling,
        "offsets": {},
    }
    _check_choices(lookup, described)
    # Rendered once to learn where the blobs lie, and again with the offsets that follow.
    values["offsets"] = _offsets(render(lookup, "fcn.prototxt.j2", values))
    return render(lookup, "fcn.prototxt.j2", values)


def generate_solver(
    net: str | Net = "fcn",
    changes: Mapping[str, Any] | None = None,
    templates: AnyPath | None = None,
    **options: Unpack[NetOptions],
) -> str:
    """The solver that a net was published with, or one to start from, as prototxt.

    Args:
        changes: settings of fcnkit.generation.options.Solver to replace; the other arguments are those of generate.

    Raises:
        DefinitionError: a net, a change or templates that cannot be.
    """
    described = describe(net, **options)
    solver = zoo.PUBLISHED[net].solver if isinstance(net, str) and net != "fcn" else zoo.own_solver(described)
    return render(environment(templates), "solver.prototxt.j2", {"solver": solver.changed(changes or {})})


def smallest_input(text: str) -> int:
    """The least height and width of inputs from which on all windows and crops of a net find a place in them."""
    return Coordinates(prototxt.parse(text)).smallest_input()


def describe(net: str | Net = "fcn", **options: Unpack[NetOptions]) -> Net:
    """The description of a net: of a published one by name, or of one's own by its options.

    Raises:
        DefinitionError: no net has the name, or the options are not those of a Net or contradict each other.
    """
    if net == "fcn":
        fields: dict[str, Any] = {**options}
        if "classes" in fields:
            fields["heads"] = {"": fields.pop("classes")}
        try:
            return Net(**fields)
        except TypeError as error:
            raise DefinitionError(f"unknown option: {error}") from None
    if options:
        raise DefinitionError(f"{', '.join(options)} cannot be changed in a published net; use 'fcn'")
    if isinstance(net, Net):
        return net
    if net not in zoo.PUBLISHED:
        raise DefinitionError(f"no net is called {net!r}; there are fcn, {', '.join(zoo.PUBLISHED)}")
    return zoo.PUBLISHED[net].net


def _check_choices(lookup: SandboxedEnvironment, net: Net) -> None:
    """Backbones and data layers are templates, so the templates say which there are."""
    templates = [name.removesuffix(SUFFIX) for name in lookup.list_templates()]
    chosen = {"backbone": ("backbone_", f"backbone_{net.backbone}"), "data layer": ("data_", net.data_template)}
    for what, (prefix, template) in chosen.items():
        if template not in templates:
            there = ", ".join(name.removeprefix(prefix) for name in templates if name.startswith(prefix))
            raise DefinitionError(
                f"no {what} is called {template.removeprefix(prefix)!r}; there are {there}, "
                f"or write {prefix}NAME{SUFFIX} in a template folder of your own"
            )


def _offsets(text: str) -> Mapping[str, Sequence[int]]:
    """The offset of each Crop of a net, by its name.

    Raises:
        CropError: a crop has none or leaves its blob.
        TemplateError: the text is no net.
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
    """No two layers may have one name, nor may two write one blob unless in place: a head's name can cause either."""
    layers: set[str] = set()
    blobs: set[str] = set()
    for layer in coordinates.layers:
        made = [top for top in layer.tops if top not in layer.bottoms]
        for what, names, known in (("layers are", [layer.name], layers), ("layers make a blob", made, blobs)):
            for name in names:
                if name in known:
                    raise DefinitionError(f"two {what} called {name!r}; name the heads otherwise")
                known.add(name)
