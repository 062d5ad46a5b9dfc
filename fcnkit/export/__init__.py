"""PyTorch modules as Caffe nets."""

from fcnkit.export.convert import from_program, from_torch
from fcnkit.export.problems import UnsupportedOperationsError
from fcnkit.export.proof import DifferenceError

__all__ = ["DifferenceError", "UnsupportedOperationsError", "from_program", "from_torch"]
