"""Net surgery: casting weights to an equivalent form, and starting nets from the weights of others."""

from fcnkit.formats.names import NamesError, rename
from fcnkit.surgery.fc2conv_files import fc2conv
from fcnkit.surgery.kernels import Cast, CastError, conv_weight_from_fc, fc_weight_from_conv
from fcnkit.surgery.net_casting import cast_net, cast_net_back
from fcnkit.surgery.state_casting import cast_state, cast_state_back

__all__ = [
    "Cast",
    "CastError",
    "NamesError",
    "cast_net",
    "cast_net_back",
    "cast_state",
    "cast_state_back",
    "conv_weight_from_fc",
    "fc2conv",
    "fc_weight_from_conv",
    "rename",
]
