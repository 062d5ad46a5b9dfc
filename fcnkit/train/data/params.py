"""The settings of a Python layer: a dict of plain values in its param_str."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError

Params = Mapping[str, Any]


def params_of(layer: LayerParameter) -> dict[str, Any]:
    """The settings of a Python layer.

    Raises:
        DefinitionError: its param_str is not a dict of plain values.
    """
    text = layer.python_param.param_str
    try:
        params = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise DefinitionError(f"param_str is not a dict of plain values: {text[:120]!r}")
    return params


def require(params: Params, *names: str) -> None:
    """Check that settings are given.

    Raises:
        DefinitionError: some are missing.
    """
    lacking = [name for name in names if name not in params]
    if lacking:
        raise DefinitionError(f"param_str has no {' and no '.join(map(repr, lacking))}")


def mean_of(params: Params) -> list[float]:
    """The BGR mean among the settings.

    Raises:
        DefinitionError: it is not three numbers.
    """
    found = params["mean"]
    numbers = found if isinstance(found, tuple | list) else []
    if len(numbers) != 3 or not all(isinstance(value, int | float) for value in numbers):
        raise DefinitionError(f"param_str: mean must be three numbers, not {found!r}")
    return [float(value) for value in numbers]
