"""Summary of a net: shapes, parameters, work and receptive fields, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Unpack

from fcnkit.aliases import AnyPath, Shape
from fcnkit.caffe import caffemodel
from fcnkit.caffe.messages import TRAIN, LayerParameter, NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.caffe.upgrade import generation, upgrade_net
from fcnkit.formats.format import CAFFEMODEL, PROTOTXT, recognize
from fcnkit.formats.loading import load
from fcnkit.geometry.coordinates import Coordinates, Traced
from fcnkit.geometry.report import pair
from fcnkit.layers import kind_of, rule_for
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, NetOptions, Reading

HEADER = ["layer", "type", "output shape", "parameters", "multiply-adds", "receptive field", "stride"]
# The number of layers of a type that a remark names.
_NAMED = 3


@dataclass(frozen=True)
class LayerSummary:
    """A layer. receptive_field and stride are (height, width) in pixels of the input, None where the grid is lost.

    A weight that several layers share counts for the first of them.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: dict[str, Shape]
    parameters: int
    multiply_adds: int
    receptive_field: tuple[Fraction, Fraction] | None
    stride: tuple[Fraction, Fraction] | None


@dataclass(frozen=True)
class Summary:
    """A net's layers in order, and the properties of the whole net.

    statistics counts the values in the weights that training does not learn, such as BatchNorm's means.
    """

    name: str
    rows: list[LayerSummary]
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    preprocessing: Mapping[str, Preprocessing]
    statistics: int
    remarks: list[str]

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        return sum(row.multiply_adds for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data that can be written as JSON."""
        plain = asdict(self)
        layers = plain.pop("rows")
        for layer in layers:
            for field in ("receptive_field", "stride"):
                layer[field] = layer[field] and [_number(value) for value in layer[field]]
        totals = {"layers": len(layers), "parameters": self.parameters, "multiply_adds": self.multiply_adds}
        return {**plain, "layers": layers, "totals": {**totals, "statistics": plain.pop("statistics")}}

    def table(self) -> list[list[str]]:
        """HEADER and a row of text for each layer."""
        return [HEADER, *(_words(row) for row in self.rows)]


def summarize_file(
    path: AnyPath,
    prototxt: AnyPath | None = None,
    input_shape: InputShape | None = None,
    *,
    phase: str = "test",
    **reading: Unpack[Reading],
) -> Summary:
    """The summary of the net in a file, with remarks on the file.

    Args:
        path, prototxt, input_shape, phase, reading: as in `fcnkit.load`.

    Raises:
        FcnkitError: see `fcnkit.load`.
    """
    net = load(path, prototxt, input_shape=input_shape, phase=phase, mapped=True, untrained="leave", **reading)
    how = NetOptions(input_shape=input_shape, **reading)
    return summarize(net, remarks(net, path, prototxt, how))


def layered(net: CaffeNet) -> NetParameter:
    """The definition of a net in which every input is a layer, also those of the form of Caffe's first years."""
    definition = net.definition()
    return upgrade_net(definition) if definition.input else definition


def summarize(net: CaffeNet, remarks: list[str] | None = None) -> Summary:
    """The summary of a net at its own input shapes."""
    definition = layered(net)
    parameters = _parameters(net)
    paths = iter(step.module for step in net.steps)
    rows = []
    for layer, traced in zip(definition.layer, Coordinates(definition).layers, strict=True):
        bottoms, tops = ({name: net.shapes[name] for name in names} for names in (layer.bottom, layer.top))
        rule, learned, work = rule_for(layer), 0, 0
        if rule is not None and layer.type != "Input":  # an Input layer is not a step of the net
            path = next(paths)
            learned = parameters[path]
            shapes = [bottoms[name] for name in layer.bottom], [tops[name] for name in layer.top]
            work = rule.multiply_adds(net.get_submodule(path), *shapes)
        lengths = _field(traced, net.inputs)
        rows.append(LayerSummary(layer.name, kind_of(layer), tuple(layer.bottom), tops, learned, work, *lengths))
    names = {name for name, _ in net.named_parameters(remove_duplicate=False)}
    names.update(user.path for _, user, _ in net.ties)
    return Summary(
        definition.name,
        rows,
        {name: net.shapes[name] for name in net.inputs},
        {name: net.shapes[name] for name in net.outputs},
        net.preprocessing,
        sum(tensor.numel() for name, tensor in net.state_dict().items() if name not in names),
        remarks or [],
    )


def remarks(
    net: CaffeNet, path: AnyPath, definition: AnyPath | None = None, options: NetOptions | None = None
) -> list[str]:
    """Properties of Caffe's files that the running net does not show: generation, phase, and omitted layers.

    Args:
        net: the net that was built from the files.
        path: the file of the net or its weights.
        definition: the prototxt that was given with it.
        options: how it was read.
    """
    found = recognize(path)
    if definition is not None or found is PROTOTXT:
        stored, _ = (options or NetOptions()).read(definition or path)
    elif found is CAFFEMODEL:
        stored = caffemodel.read(path).net
    else:
        return []
    told = [f"layers in the form {generation(stored)}", *net.remarks]
    stored = upgrade_net(stored)
    phases = {"TRAIN" if layer.phase == TRAIN else "TEST" for layer in stored.layer if layer.HasField("phase")}
    if phases:
        told.append(f"saved in phase {' and '.join(sorted(phases))}")
    ruled = [layer for layer in stored.layer if layer.include or layer.exclude]
    if ruled:
        told.append(f"in some phases only: {_listed(ruled)}")
    kept = {layer.name for layer in net.definition().layer}
    cut = [layer for layer in stored.layer if layer.name not in kept]
    if cut:
        told.append(f"left out of the net that runs: {_listed(cut)}")
    if net.unused:
        told.append(f"unused weights: {', '.join(map(repr, net.unused))}")
    return told


def _listed(layers: list[LayerParameter]) -> str:
    """Layers by type, the first few of each by name."""
    words = []
    for kind in dict.fromkeys(layer.type for layer in layers):
        names = [repr(layer.name) for layer in layers if layer.type == kind]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        words.append(f"{kind} {', '.join(names[:_NAMED])}{more}")
    return "; ".join(words)


def _parameters(net: CaffeNet) -> Counter[str]:
    """The number of values each layer learns, by its module's path; a shared weight counts for its owner."""
    layers = {step.module for step in net.steps}
    counts: Counter[str] = Counter()
    for name, parameter in net.named_parameters():
        path = name.rpartition(".")[0]
        while path not in layers:
            path = path.rpartition(".")[0]
        counts[path] += parameter.numel()
    return counts


def _field(traced: Traced, inputs: tuple[str, ...]) -> tuple[Any, Any]:
    """Receptive field and stride of a layer's first top in pixels of an input; the first, if there are several."""
    for grids in traced.grids:
        for source, (height, width) in grids.items():
            if source in inputs:
                return (height.field, width.field), (height.stride, width.stride)
    return None, None


def _words(row: LayerSummary) -> list[str]:
    shapes = ", ".join(in_words(shape) for shape in row.tops.values())
    lengths = ["-" if lengths is None else pair(lengths) for lengths in (row.receptive_field, row.stride)]
    return [row.name, row.type, shapes, f"{row.parameters:,}", f"{row.multiply_adds:,}", *lengths]


def in_words(shape: Shape) -> str:
    """A shape as text, such as 1 x 3 x 500 x 500."""
    return " x ".join(map(str, shape)) or "one value"


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)
