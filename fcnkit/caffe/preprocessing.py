"""How the pixels of an image become the values that a net reads."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fcnkit.caffe.data import is_data_layer
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.errors import printable
from fcnkit.types import is_input

# BGR mean of the published FCN nets (shelhamer/fcn.berkeleyvision.org infer.py and voc_layers.py).
FCN_MEAN = (104.00698793, 116.66876762, 122.67891434)

# How long a source may be that is read, and how long a name in one becomes that is written.
_LONGEST_SOURCE, _LONGEST_NAME = 1000, 200
# What a 32-bit float can be.
_LARGEST = 3.4028234663852886e38


@dataclass(frozen=True)
class Preprocessing:
    """How the pixels of an image become the values of an input blob: scaled into a range, less a mean, times a scale.

    Attributes:
        channel_order: "BGR" or "RGB", or "" unless there are 3 channels.
        range: the pixel values of black and white before the mean is taken off.
        mean: for each channel, or one for all; empty for none.
        scale: applied after the mean.
        source: where this is stated, in words.
    """

    channel_order: str
    range: tuple[float, float] = (0, 255)
    mean: tuple[float, ...] = ()
    scale: float = 1.0
    source: str = ""

    @classmethod
    def of_input(cls, layers: Sequence[LayerParameter], blob: str, channels: int) -> Preprocessing:
        """What the data layer or the Input layer of an input states, else what the published FCN nets use.

        Args:
            layers: the layers of the net before its data layers were cut off.
            blob: name of the input.
            channels: its number of channels.
        """
        mean: tuple[float, ...] = FCN_MEAN if channels == 3 else ()
        scale = 1.0
        source = "assumed: the mean of the published FCN nets" if channels == 3 else "assumed: no mean"
        for layer in layers:
            if (is_data_layer(layer) or is_input(layer)) and blob in layer.top:
                stated = _mean(layer)
                stating = f"{'input' if is_input(layer) else 'data layer'} {_shown(repr(layer.name))}"
                # Layers with several tops state the image's mean; it is none of a depth map's, say.
                if len(stated) in (1, channels):
                    mean, source = stated, stating
                if layer.transform_param.HasField("scale") and _is_number(layer.transform_param.scale):
                    scale = layer.transform_param.scale
                if layer.transform_param.mean_file:
                    file = _shown(layer.transform_param.mean_file)
                    source = f"assumed: {stating} reads its mean from {file}"
                break
        return cls("BGR" if channels == 3 else "", mean=mean, scale=scale, source=source)

    @classmethod
    def from_plain(cls, found: Any, channels: int) -> Preprocessing | None:
        """What `to_plain` gave for an input of that many channels; None where found is nothing of the kind.

        Numbers must be finite, and the source one printable line of up to 1000 characters.
        """
        match found:
            case {"channel_order": str(order), "range": [low, high], "mean": list(mean), "scale": scale,
                  "source": str(source)}:  # fmt: skip
                fits = (
                    order in (("BGR", "RGB") if channels == 3 else ("",))
                    and len(mean) in (0, 1, channels)
                    and all(map(_is_number, (*mean, scale, low, high)))
                    and source.isprintable()
                    and len(source) <= _LONGEST_SOURCE
                )
                return cls(order, (low, high), tuple(mean), scale, source) if fits else None
        return None

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data that fits into JSON."""
        return asdict(self) | {"range": list(self.range), "mean": list(self.mean)}

    def in_words(self) -> str:
        low, high = self.range
        mean = ", ".join(f"{value:.6g}" for value in self.mean)
        words = [self.channel_order, f"{low:g}..{high:g}", mean and f"minus {mean}"]
        if self.scale != 1:
            words.append(f"times {self.scale:.6g}")
        return f"{', '.join(filter(None, words))}; {self.source}"


def pixels_in_words(preprocessing: Preprocessing | None) -> str:
    """How an input's values are made of pixels, in brackets; nothing where that is unknown."""
    return f" ({preprocessing.in_words()})" if preprocessing else ""


def to_json(inputs: Mapping[str, Preprocessing]) -> str:
    """The preprocessing of a net's inputs by name, as files of other formats keep it among their metadata."""
    return json.dumps({name: each.to_plain() for name, each in inputs.items()})


def state_in_input(net: NetParameter, blob: str, preprocessing: Preprocessing) -> None:
    """State the mean and the scale of an input in its Input layer, in place, where `Preprocessing.of_input` finds them.

    Caffe's Input layer has no use for them, but keeps them in prototxts and caffemodels. An Input layer with several
    tops is replaced by one for each.
    """
    layers: list[LayerParameter] = []
    for layer in net.layer:
        if not is_input(layer) or blob not in layer.top or len(layer.top) == 1:
            layers.append(layer)
            continue
        shapes = list(layer.input_param.shape)
        for index, top in enumerate(layer.top):
            layers.append(LayerParameter(name=top, type=layer.type, top=[top]))
            layers[-1].input_param.shape.add().CopyFrom(shapes[min(index, len(shapes) - 1)])
    for layer in layers:
        if is_input(layer) and blob in layer.top:
            layer.transform_param.mean_value[:] = preprocessing.mean
            if preprocessing.scale != 1:
                layer.transform_param.scale = preprocessing.scale
    copied = [LayerParameter.FromString(layer.SerializeToString()) for layer in layers]
    del net.layer[:]
    net.layer.extend(copied)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _shown(name: str) -> str:
    """A name of any kind as one line that is not endless."""
    return printable(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def _mean(layer: LayerParameter) -> tuple[float, ...]:
    if layer.transform_param.mean_value:
        mean = tuple(layer.transform_param.mean_value)
    else:
        try:
            # FCN's Python layers keep their settings as the text of a dict.
            mean = tuple(float(value) for value in ast.literal_eval(layer.python_param.param_str)["mean"])
        except (SyntaxError, ValueError, TypeError, KeyError, OverflowError, MemoryError, RecursionError):
            return ()
    return mean if all(map(_is_number, mean)) else ()
