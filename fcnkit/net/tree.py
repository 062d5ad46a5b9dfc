"""The module tree of a net whose layers have names of any kind."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def place(net: nn.Module, modules: Sequence[tuple[str, nn.Module]]) -> list[str]:
    """Make the modules children of net under their layers' names, and return the path of each.

    A dot starts a level. Underscores are appended to a part that Python or PyTorch already uses ("forward", or
    an empty part) until it is free, and to a name that two layers share.
    """
    paths = [""] * len(modules)
    # Parents first, so that a layer "a" exists before "a.b" is added below it.
    for index in sorted(range(len(modules)), key=lambda i: modules[i][0].count(".")):
        name, module = modules[index]
        parent, path = net, []
        *levels, last = name.split(".")
        for level in levels:
            while not level or (level not in parent._modules and hasattr(parent, level)):
                level += "_"
            if level not in parent._modules:
                parent.add_module(level, nn.Module())
            parent = parent.get_submodule(level)
            path.append(level)
        while not last or hasattr(parent, last):
            last += "_"
        parent.add_module(last, module)
        paths[index] = ".".join([*path, last])
    return paths
