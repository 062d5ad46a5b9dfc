"""The settings of Python layers: a mapping as text."""

from __future__ import annotations

import ast
import re
from typing import Any

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError

_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*)\s*:")
_CONSTANT = re.compile(r"\b(true|false|null)\b")
_CONSTANTS = {"true": "True", "false": "False", "null": "None"}


def settings_of(layer: LayerParameter) -> dict[str, Any]:
    """The mapping in a Python layer's param_str: a literal of Python or JSON, or YAML in braces or with a key a line.

    Tags of YAML such as !!python/tuple are not read: a sequence is a list.

    Raises:
        DefinitionError: the text is nothing of that.
    """
    text = str(layer.python_param.param_str).strip()
    lines = [line.strip().removesuffix(",") for line in text.splitlines() if line.strip()]
    flow = text if text.startswith("{") else f"{{{', '.join(lines)}}}"
    flow = re.sub(r"!!\S+", "", flow)
    flow = _CONSTANT.sub(lambda match: _CONSTANTS[match[1]], _KEY.sub(r"\1'\2':", flow))
    try:
        settings = ast.literal_eval(flow)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise DefinitionError(
            f"layer {layer.name!r}: param_str {text!r} must be a mapping, such as {{'feat_stride': 16}}"
        )
    return settings
