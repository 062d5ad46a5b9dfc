"""A net as a list of operations on values: each blob that a layer makes is a value of its own, in-place ones too.

Layers that only pass values on make no operation. A normalization, a Scale and a ReLU behind a convolution, which
nothing else reads, become part of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from torch import Tensor, nn

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import FcnkitError
from fcnkit.geometry.grids import AxisWindow
from fcnkit.geometry.tiles import TilingError, link
from fcnkit.layers import rule_for
from fcnkit.net import CaffeNet
from fcnkit.net.building import Step
from fcnkit.net.sharing import views
from fcnkit.nn.affine import Scale
from fcnkit.nn.combine import Crop, Eltwise, Split
from fcnkit.nn.dropout import SampledDropout
from fcnkit.nn.normalization import BatchNorm, FrozenBatchNorm2d
from fcnkit.types import is_input, type_of
from fcnkit.types.looks import Aside, Shifted
from fcnkit.types.record import SOURCE

# One along height and one along width.
Windows = tuple[AxisWindow, AxisWindow]

# Modules that pass their bottom on in eval mode.
_IDENTITIES = (nn.Dropout, nn.Identity, Split)
_RECTIFIERS = (nn.ReLU, nn.LeakyReLU)
_FOLDED = (BatchNorm, nn.BatchNorm2d, FrozenBatchNorm2d, Scale)
# Modules whose top is never their bottom or a view on it.
_FRESH = (nn.Conv2d, nn.ConvTranspose2d, Eltwise, *_FOLDED)


@dataclass(frozen=True)
class Operation:
    """One or several layers that run at once.

    Attributes:
        name: of the first layer.
        module: its module.
        shared: tensors that replace the module's own, because other layers own them.
        reads, makes: numbers of values.
        windows: for each value that is read, the windows through which the tops depend on it; None in place of
            windows for the bottom that gives a crop its size. None for an operation that takes whole blobs.
        folded: normalizations and Scales behind a convolution.
        slope: of the ReLU behind it below 0; None for no ReLU.
        crop: whether it only cuts its first bottom, and needs no other's values.
        moves: whether it only passes values on or rearranges them.
        known: whether the module is as the layer's definition builds it, for bottoms of four axes.
        consumes: whether its first bottom is fresh and nothing else reads it, so that it may be overwritten.
    """

    name: str
    module: nn.Module
    shared: dict[str, Tensor]
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    windows: tuple[Windows | None, ...] | None
    folded: tuple[nn.Module, ...] = ()
    slope: float | None = None
    crop: bool = False
    moves: bool = False
    known: bool = False
    consumes: bool = False


@dataclass
class Program:
    """The operations of a net in order.

    Attributes:
        operations: those that the outputs depend on are among them; others may be.
        inputs, outputs: numbers of values, in the order of the net's.
        channels: length of axis 1 of each value, 1 for values of one axis.
        mapped: values of four axes whose pixels depend on those of the inputs through windows alone.
        scales: of each mapped value, (height, width): its pixels for each pixel of the inputs.
        constant: whether the same input makes the same values in every run.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...] = ()
    operations: list[Operation] = field(default_factory=list)
    channels: dict[int, int] = field(default_factory=dict)
    scales: dict[int, tuple[Fraction, Fraction]] = field(default_factory=dict)
    constant: bool = True

    @property
    def stride(self) -> tuple[int, int]:
        """(height, width) in pixels of the inputs: a shift by it moves each mapped value by whole pixels."""
        height, width = (math.lcm(*(scale[axis].denominator for scale in self.scales.values())) for axis in (0, 1))
        return height, width


def compile_net(net: CaffeNet) -> Program:
    """The program of a net in eval mode, for its modules as they are now."""
    names = {name: number for number, name in enumerate(net.inputs)}
    program = Program(tuple(names.values()))
    for name, number in names.items():
        program.channels[number] = (*net.shapes[name], 1, 1)[1]
        if len(net.shapes[name]) == 4:
            program.scales[number] = (Fraction(1), Fraction(1))
    layers = [layer for layer in net.definition().layer if not is_input(layer)]
    count = len(names)
    for step, layer in zip(net.steps, layers, strict=True):
        module = net.get_submodule(step.module)
        reads = [names[bottom] for bottom in step.bottoms]
        if type(module) in _IDENTITIES:
            names.update(dict.fromkeys(step.tops, reads[0]))
            continue
        record = type_of(layer)
        if isinstance(module, SampledDropout) or record is None or record.role is SOURCE:
            program.constant = False
        makes = list(range(count, count + len(step.tops)))
        count += len(step.tops)
        names.update(zip(step.tops, makes, strict=True))
        program.channels.update(zip(makes, ((*net.shapes[top], 1, 1)[1] for top in step.tops), strict=True))
        known = _is_known(net, step, layer, module)
        windows = _windows(layer) if known else None
        crop = type(module) is Crop and windows is not None
        operation = Operation(
            step.name,
            module,
            views(net, net.ties, step.module),
            tuple(reads),
            tuple(makes),
            windows,
            crop=crop,
            moves=record is not None and record.moves,
            known=known,
        )
        if step.per_bottom:
            for number, (read, made) in enumerate(zip(reads, makes, strict=True)):
                seen = windows and windows[number : number + 1]
                program.operations.append(replace(operation, reads=(read,), makes=(made,), windows=seen))
        else:
            program.operations.append(operation)
    program.outputs = tuple(names[output] for output in net.outputs)
    program.operations = _fused(program.operations, program.outputs)
    _place(program)
    return program


def _is_known(net: CaffeNet, step: Step, layer: LayerParameter, module: nn.Module) -> bool:
    """Whether a layer has four axes everywhere and the module that its definition gives, not a caller's own."""
    rule = rule_for(layer)
    shapes = [net.shapes[bottom] for bottom in step.bottoms]
    if rule is None or not shapes or any(len(net.shapes[blob]) != 4 for blob in (*step.bottoms, *step.tops)):
        return False
    try:
        built = rule.build(layer, shapes)
    except FcnkitError:
        return False
    return type(built) is type(module) and built.extra_repr() == module.extra_repr()


def _windows(layer: LayerParameter) -> tuple[Windows | None, ...] | None:
    """The windows through which a layer looks into each bottom; None if it takes whole blobs."""
    record = type_of(layer)
    try:
        looks = record.looks(layer) if record is not None else ()
        crops = any(isinstance(look, Shifted) for look in looks)
        if (crops and layer.crop_param.axis % 4 < 2) or (not crops and any(isinstance(look, Aside) for look in looks)):
            return None
        return tuple(None if isinstance(look, Aside) else link(layer, look) for look in looks)
    except TilingError:
        return None


def _fused(operations: Sequence[Operation], outputs: Sequence[int]) -> list[Operation]:
    """The operations, with what follows a convolution made part of it."""
    readers: dict[int, int] = dict.fromkeys(outputs, 2)
    for operation in operations:
        for read in operation.reads:
            readers[read] = readers.get(read, 0) + 1
    result: list[Operation] = []
    makers: dict[int, int] = {}
    for operation in operations:
        place = makers.get(operation.reads[0]) if operation.reads else None
        before = None if place is None or readers[operation.reads[0]] != 1 else result[place]
        merged = None if before is None else _merged(before, operation)
        if merged is None or place is None:
            fresh = before is not None and before.known and type(before.module) in _FRESH
            place, merged = len(result), replace(operation, consumes=fresh)
            result.append(merged)
        else:
            result[place] = merged
        makers.update(dict.fromkeys(merged.makes, place))
    return result


def _merged(before: Operation, operation: Operation) -> Operation | None:
    """A convolution that also computes the operation behind it; None if it cannot."""
    if (
        type(before.module) is not nn.Conv2d
        or not before.known
        or before.slope is not None
        or len(operation.reads) != 1
    ):
        return None
    module, channels = operation.module, before.module.out_channels
    if type(module) in _RECTIFIERS:
        slope = module.negative_slope if isinstance(module, nn.LeakyReLU) else 0.0
        return replace(before, makes=operation.makes, slope=slope)
    if type(module) not in _FOLDED or operation.shared:
        return None
    if isinstance(module, BatchNorm) and module.use_stored is False:
        return None
    if isinstance(module, Scale) and (module.weight is None or module.axis != 1 or module.weight.shape != (channels,)):
        return None
    return replace(before, makes=operation.makes, folded=(*before.folded, module))


def _place(program: Program) -> None:
    """Find the scales of all mapped values; operations that join different scales take whole blobs from here on."""
    scales = program.scales
    for number, operation in enumerate(program.operations):
        found: set[tuple[Fraction, Fraction] | None] = set()
        for read, windows in zip(operation.reads, operation.windows or (), strict=False):
            if read not in scales:
                found.add(None)
            elif windows is None:
                found.add(scales[read])
            else:
                height, width = (w.map.scale * scale for w, scale in zip(windows, scales[read], strict=True))
                found.add((height, width))
        scale = found.pop() if len(found) == 1 else None
        if scale is None:
            program.operations[number] = replace(operation, windows=None)
        else:
            scales.update(dict.fromkeys(operation.makes, scale))
