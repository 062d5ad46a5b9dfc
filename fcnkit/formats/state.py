"""What the formats that hold a state dict share."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from fcnkit.errors import BlobShapeError, MissingBlobsError
from fcnkit.net import CaffeNet


def load_state(net: CaffeNet, state: Mapping[str, Tensor]) -> None:
    """Make the tensors of a state dict the net's own.

    Raises:
        MissingBlobsError: tensors are missing, or there are more than the net has.
        BlobShapeError: one has another shape.
    """
    own = net.state_dict()
    for title, names in (("lacks", own.keys() - state.keys()), ("has beside the net's own", state.keys() - own.keys())):
        if names:
            some = ", ".join(map(repr, sorted(names)[:5]))
            raise MissingBlobsError(f"the state dict {title} {some}" + (", ..." if len(names) > 5 else ""))
    for name, tensor in own.items():
        if state[name].shape != tensor.shape:
            layer, _, part = name.rpartition(".")
            raise BlobShapeError(layer, ["weight", "bias"].index(part) if part in ("weight", "bias") else 0,
                                 state[name].shape, tensor.shape)
    net.load_state_dict(dict(state), assign=True)
