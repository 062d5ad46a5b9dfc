"""PyTorch modules as Caffe nets, and the check of nets against the tools that read them."""

from fcnkit.export.checking import LayerProblem, OutsideTargetError, Verdict, check, require
from fcnkit.export.convert import from_program, from_torch
from fcnkit.export.problems import UnsupportedOperationsError
from fcnkit.export.proof import DifferenceError
from fcnkit.export.targets.spelling import spelled

__all__ = [
    "DifferenceError",
    "LayerProblem",
    "OutsideTargetError",
    "UnsupportedOperationsError",
    "Verdict",
    "check",
    "from_program",
    "from_torch",
    "require",
    "spelled",
]
