"""How the pixels of an image become the values that a net reads."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fcnkit.caffe.data import is_data_layer, reads_images
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
        known: whether it is stated at all; if not, the mean and the scale are none, and whoever feeds an image to the
            net must know them.
    """

    channel_order: str
    range: tuple[float, float] = (0, 255)
    mean: tuple[float, ...] = ()
    scale: float = 1.0
    source: str = ""
    known: bool = True

    @classmethod
    def of_input(cls, layers: Sequence[LayerParameter], blob: str, channels: int) -> Preprocessing:
        """What the data layer or the Input layer of an input states.

        A layer that reads images from files feeds their pixels as they are unless it states otherwise. Any other layer
        gets its values from elsewhere, and they are unknown unless it states a mean or a scale.

        Args:
            layers: the layers of the net before its data layers were cut off.
            blob: name of the input.
            channels: its number of channels.
        """
        order = "BGR" if channels == 3 else ""
        layer = next((each for each in layers if (is_data_layer(each) or is_input(each)) and blob in each.top), None)
        if layer is None:
            return cls(order, source="the mean and the scale are not stated", known=False)
        stating = f"{'input' if is_input(layer) else 'data layer'} {_shown(repr(layer.name))}"
        transform = layer.transform_param
        scaled = transform.HasField("scale") and _is_number(transform.scale)
        scale = transform.scale if scaled else 1.0
        mean = _mean(layer)
        if transform.mean_file:
            file = _shown(transform.mean_file)
            return cls(order, scale=scale, source=f"{stating} reads its mean from {file}", known=False)
        # Layers with several tops state the image's mean; it is none of a depth map's, say.
        if mean is not None and len(mean) in (0, 1, channels):
            return cls(order, mean=mean, scale=scale, source=stating)
        if scaled or reads_images(layer):
            return cls(order, scale=scale, source=stating)
        return cls(order, source="the mean and the scale are not stated", known=False)

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
                known = found.get("known", True) is not False
                return cls(order, (low, high), tuple(mean), scale, source, known) if fits else None
        return None

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data that fits into JSON."""
        return asdict(self) | {"range": list(self.range), "mean": list(self.mean)}

    @property
    def in_caffe(self) -> bool:
        """Whether Caffe's fields can state it: BGR or grey, 0..255."""
        return self.known and self.channel_order != "RGB" and tuple(self.range) == (0, 255)

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
            if preprocessing.scale != 1 or not preprocessing.mean:
                layer.transform_param.scale = preprocessing.scale
    copied = [LayerParameter.FromString(layer.SerializeToString()) for layer in layers]
    del net.layer[:]
    net.layer.extend(copied)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _shown(name: str) -> str:
    """A name of any kind as one line that is not endless."""
    return printable(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def _mean(layer: LayerParameter) -> tuple[float, ...] | None:
    """The mean that a layer states, which may be none; None where it states nothing of it."""
    if layer.transform_param.mean_value:
        mean = tuple(layer.transform_param.mean_value)
    else:
        try:
            # FCN's Python layers keep their settings as the text of a dict.
            mean = tuple(float(value) for value in ast.literal_eval(layer.python_param.param_str)["mean"])
        except (SyntaxError, ValueError, TypeError, KeyError, OverflowError, MemoryError, RecursionError):
            return None
    return mean if all(map(_is_number, mean)) else None
