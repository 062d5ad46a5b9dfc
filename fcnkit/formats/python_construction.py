"""The expression that rebuilds a module: its class and arguments."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn


class UnwritableError(Exception):
    """A module that no short expression builds; the message states the reason."""


class Expression(NamedTuple):
    """A call: the class as named in the source, and the arguments that differ from the defaults."""

    name: str
    arguments: list[str]


def _shape(tensor: Tensor | None) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)


def _streams(module: Any) -> int:
    """The number of sequences whose state a recurrent module stores; 1 if the state is an input."""
    return 1 if module.expose_hidden else len(module.get_buffer(module.states[0]))


# Arguments that a module does not store under their own name, by class, for its subclasses as well, and argument.
_KEPT: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("BatchNorm", "channels"): lambda module: len(module.mean),
    ("BatchStatisticsNorm", "channels"): lambda module: len(module.weight),
    ("Bias", "shape"): lambda module: _shape(module.bias),
    ("ConvLSTM", "cell"): lambda module: _shape(module.W_ci),
    ("Embed", "columns"): lambda module: module.embedding_dim,
    ("Embed", "rows"): lambda module: module.num_embeddings,
    ("FrozenBatchNorm2d", "channels"): lambda module: module.num_features,
    ("FrozenBatchNorm3d", "channels"): lambda module: module.num_features,
    ("L2Norm", "channels"): lambda module: module.weight.numel() if module.weight.dim() else None,
    ("LSTM", "inputs"): lambda module: module.W_xc.shape[1],
    ("LSTM", "streams"): _streams,
    ("LSTM", "static"): lambda module: None if module.W_xc_static is None else module.W_xc_static.shape[1],
    ("LSTMNode", "cells"): lambda module: len(module.weight) // 4,
    ("LSTMNode", "inputs"): lambda module: module.weight.shape[1],
    ("Parameter", "shape"): lambda module: _shape(module.weight),
    ("PriorBox", "boxes"): lambda module: module.stated().tolist(),
    ("PriorBox", "variances"): lambda module: module.variances.tolist(),
    ("RNN", "inputs"): lambda module: module.W_xh.shape[1],
    ("RNN", "streams"): _streams,
    ("RNN", "static"): lambda module: None if module.W_xh_static is None else module.W_xh_static.shape[1],
    ("Scale", "bias"): lambda module: _shape(module.bias),
    ("Scale", "shape"): lambda module: _shape(module.weight),
}


def construction(module: nn.Module) -> Expression:
    """The expression that builds a module of torch.nn or fcnkit.nn like this one.

    Raises:
        UnwritableError: no such expression exists.
    """
    kind = type(module)
    standard = kind.__module__.startswith("torch.nn.")
    if not standard and not kind.__module__.startswith("fcnkit.nn."):
        raise UnwritableError(f"its module is {kind.__module__}.{kind.__qualname__}")
    arguments = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in ("device", "dtype") or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = _argument(module, name)
        if standard and isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]  # the same value along every axis
        if value == parameter.default:
            continue
        required = parameter.default is parameter.empty
        arguments.append(_literal(value) if required else f"{name}={_literal(value)}")
    return Expression(f"nn.{kind.__name__}" if standard else kind.__name__, arguments)


def _argument(module: nn.Module, name: str) -> Any:
    for kind in type(module).__mro__:
        kept = _KEPT.get((kind.__name__, name))
        if kept is not None:
            return kept(module)
    if not hasattr(module, name):
        raise UnwritableError(f"it does not keep its argument {name!r}")
    value = getattr(module, name)
    if name == "bias":
        return value is not None
    return value


def _literal(value: Any) -> str:
    """A number, a string, None, a module of torch.nn, or a sequence of these as source.

    Floats come from Caffe's 32-bit fields; they are written with the digits that distinguish them at that precision.
    """
    if isinstance(value, bool | int | None):
        return repr(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        if not math.isfinite(value):
            return f'float("{value}")'
        short = float(str(np.float32(value)))
        return repr(short if np.float32(short) == np.float32(value) == value else value)
    if isinstance(value, list | tuple):
        inner = ", ".join(map(_literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, nn.Module) and type(value).__module__.startswith("torch.nn."):
        name, arguments = construction(value)
        return f"{name}({', '.join(arguments)})"
    raise UnwritableError(f"it contains a {type(value).__name__}")
