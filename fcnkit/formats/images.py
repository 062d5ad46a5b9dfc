"""The images that the filters of a net expect, which go where the filters go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.preprocessing import Preprocessing, state_in_input
from fcnkit.formats.torchvision import ConversionError
from fcnkit.types import is_input


def stated_images(definition: NetParameter) -> dict[str, Preprocessing]:
    """The preprocessing of the image that a layer reads, by layer, where the image's Input layer states a mean."""
    stated = {
        layer.top[0]: Preprocessing.of_input([layer], layer.top[0], len(layer.transform_param.mean_value))
        for layer in definition.layer
        if is_input(layer) and len(layer.top) == 1 and len(layer.transform_param.mean_value) == 3
    }
    read = ((layer.name, _image(definition, layer)) for layer in definition.layer) if stated else ()
    return {name: stated[image] for name, image in read if image in stated}


def adopt_images(
    definition: NetParameter, preprocessing: dict[str, Preprocessing], expected: Mapping[str, Preprocessing]
) -> dict[str, str]:
    """Give the images that layers read the mean that their filters expect, in place.

    Args:
        definition: a net; its Input layers then state the mean, so that Caffe's files keep it.
        preprocessing: of the net's inputs by name. A scale is kept: the filters are to be divided by it.
        expected: the preprocessing that the filters of a layer expect, by layer.

    Returns:
        The input that each of these layers reads.

    Raises:
        ConversionError: a layer does not read the pixels of an image.
    """
    images = {}
    for layer in [layer for layer in definition.layer if layer.name in expected]:
        image = _image(definition, layer)
        if image not in preprocessing or preprocessing[image].channel_order != "BGR":
            read = ", ".join(map(repr, layer.bottom))
            raise ConversionError(
                f"layer {layer.name!r} reads {read}, which is not an image of 3 channels, and cannot have filters for"
                " images of another mean; start it anew with `new`"
            )
        wanted = expected[layer.name]
        preprocessing[image] = replace(preprocessing[image], mean=wanted.mean, source=wanted.source, known=True)
        images[layer.name] = image
    for image in images.values():
        state_in_input(definition, image, preprocessing[image])
    return images


def _image(definition: NetParameter, layer: LayerParameter) -> str:
    """The input whose channels a layer reads first, directly or stacked on others; "" for none."""
    makers: dict[str, LayerParameter] = {}
    for earlier in definition.layer:
        if earlier.name == layer.name:
            break
        makers.update(dict.fromkeys(earlier.top, earlier))
    blob = next(iter(layer.bottom), "")
    if blob in makers and makers[blob].type == "Concat":
        blob = makers[blob].bottom[0]
    return blob if blob in makers and is_input(makers[blob]) else ""
