"""Dense evaluation: a classifier becomes a net that scores every window of an image of any size in one pass."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, cast

from torch import nn

from fcnkit.aliases import Pair
from fcnkit.net import CaffeNet
from fcnkit.surgery.kernels import Cast, CastError, KernelFinder, Kernels
from fcnkit.surgery.net_casting import cast_net, cast_net_back


def dense(net: nn.Module, *, kernel: Kernels = None, order: str = "chw") -> nn.Module:
    """Return a new net without fully connected layers, with its own weights, that takes images of any size.

    At the classifier's input size, the output is the classifier's scores, (N, classes, 1, 1). On larger images, it is
    the scores of every window, (N, classes, h, w).

    Args:
        net: a CaffeNet; a Sequential with a Flatten; or a module that runs `features`, `avgpool` if present, a
            flattening and `classifier`, as torchvision's VGG and AlexNet do. The avgpool is removed: at the
            classifier's input size it changes nothing; where it pools to 1 x 1, the mean of the resulting scores is
            the classifier's score.
        kernel, order: as in `fc2conv`.

    Returns:
        A CaffeNet, or a Sequential of which the state dict has the names of the net's, as a file that fc2conv casts.

    Raises:
        CastError: the net has another structure, or there is nothing to cast.
    """
    if isinstance(net, CaffeNet):
        return dense_net(net, kernel=kernel, order=order)[0]
    finder = KernelFinder(kernel, order)
    if isinstance(net, nn.Sequential):
        layers = list(_flat(net, ""))
    elif {"features", "classifier"} <= (parts := dict(net.named_children())).keys():
        layers = [(name, parts[name]) for name in ("features", "avgpool") if name in parts]
        layers += [("", nn.Flatten()), *_flat(parts["classifier"], "classifier")]
    else:
        raise CastError(
            f"a {type(net).__name__} is neither a CaffeNet nor a Sequential, and has no features and classifier;"
            " cast its file of weights with fcnkit.fc2conv, and remove the flattening from its forward"
        )
    result = _nested(_convolutional(layers, finder))
    finder.check_used()
    return result.train(net.training)


def dense_net(net: CaffeNet, *, back: bool = False, **said: Any) -> tuple[CaffeNet, list[Cast]]:
    """Cast a CaffeNet with `cast_net`, or if back is set with `cast_net_back`; return it with the list of casts."""
    definition, blobs = copy.deepcopy(net.definition()), net.arrays()
    casts = (cast_net_back if back else cast_net)(definition, blobs, **said)
    return net.rebuilt(definition, blobs), casts


def _flat(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """The modules that a Sequential runs, including those of nested Sequentials, with their paths."""
    if not isinstance(module, nn.Sequential):
        yield name, module
        return
    for part, child in module.named_children():
        yield from _flat(child, f"{name}.{part}".removeprefix("."))


def _nested(layers: Iterable[tuple[str, nn.Module]]) -> nn.Sequential:
    """A Sequential of layers, each under its path."""
    result = nn.Sequential()
    for path, layer in layers:
        *groups, name = path.split(".")
        group = result
        for part in groups:
            if part not in group._modules:
                group.add_module(part, nn.Sequential())
            group = cast(nn.Sequential, group.get_submodule(part))
        group.add_module(name, layer)
    return result


def _convolutional(layers: list[tuple[str, nn.Module]], finder: KernelFinder) -> Iterator[tuple[str, nn.Module]]:
    """Copies of the layers with their paths: a Conv2d for each Linear, and no Flatten or adaptive pool before it."""
    flattened = next((i for i, (_, layer) in enumerate(layers) if isinstance(layer, nn.Flatten)), None)
    if flattened is None or not any(isinstance(layer, nn.Linear) for _, layer in layers[flattened:]):
        raise CastError("the net has no Flatten followed by a Linear to cast")
    channels = 0
    size: tuple[int, int] | None = None
    for index, (name, layer) in enumerate(layers):
        if index < flattened:
            if isinstance(layer, nn.AdaptiveAvgPool2d) and index == flattened - 1:
                pooled: Any = layer.output_size
                size = (pooled, pooled) if isinstance(pooled, int) else pooled
                continue
            channels = _channels(layer) or channels
        elif isinstance(layer, nn.Linear):
            yield name, _convolution(name, layer, finder, channels, size)
            channels, size = layer.out_features, None
            continue
        elif isinstance(layer, nn.Flatten):
            continue
        yield name, _spatial(copy.deepcopy(layer))


def _channels(module: nn.Module) -> int:
    """The number of output channels of a module, from its last layer that sets it; 0 if none does."""
    channels = 0
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            channels = layer.out_channels
        elif isinstance(layer, nn.BatchNorm2d):
            channels = layer.num_features
    return channels


def _convolution(name: str, layer: nn.Linear, finder: KernelFinder, channels: int, size: Pair | None) -> nn.Conv2d:
    filters = finder.filters(name, layer.weight.detach(), channels, size)
    convolution = nn.Conv2d(
        filters.shape[1], filters.shape[0], tuple(filters.shape[2:]), bias=layer.bias is not None, device="meta"
    )
    convolution.weight = nn.Parameter(filters.clone(), layer.weight.requires_grad)
    if layer.bias is not None:
        convolution.bias = copy.deepcopy(layer.bias)
    return convolution


def _spatial(layer: nn.Module) -> nn.Module:
    """The layer for maps that corresponds to a layer for vectors after a fully connected layer."""
    if isinstance(layer, nn.BatchNorm1d):
        norm = nn.BatchNorm2d(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
        norm.load_state_dict(layer.state_dict())
        return norm
    return layer
