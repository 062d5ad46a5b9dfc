"""PyTorch modules as Caffe nets."""

from fcnkit.export.convert import from_program, from_torch
from fcnkit.export.proof import DifferenceError
from fcnkit.export.problems import UnsupportedOperationsError

__all__ = ["DifferenceError", "UnsupportedOperationsError", "from_program", "from_torch"]
