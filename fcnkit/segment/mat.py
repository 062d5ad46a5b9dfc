"""Label maps in MATLAB files, in the layouts of SBD, SIFT Flow and NYUDv2."""

from __future__ import annotations

from typing import Any

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, InputError
from fcnkit.palette import IGNORE

MAT = ".mat"
# The variable of a layout in which labels start at 1: SIFT Flow's, and that of NYUDv2 as the FCNs' authors store it
# (shelhamer/fcn.berkeleyvision.org siftflow_layers.py and nyud_layers.py).
_FROM_ONE = ("S", "segmentation")


def read_mat_labels(path: AnyPath, ignore: int = IGNORE) -> np.ndarray:
    """The label map in a .mat file: GTcls.Segmentation (SBD), S (SIFT Flow) or segmentation (NYUDv2).

    Args:
        path: the file.
        ignore: the label for pixels without one in SIFT Flow and NYUDv2, where classes are counted from 1.

    Returns:
        Labels from 0, (height, width) where the file is as it should be.

    Raises:
        FileFormatError: the file cannot be read, or has none of these variables.
        InputError: scipy is not installed.

    Source: Hariharan et al., Semantic Contours, ICCV 2011, for SBD.
    """
    variables = _variables(path)
    try:
        for name in _FROM_ONE:
            if name in variables:
                return from_one(variables[name], ignore)
        return np.asarray(variables["GTcls"]["Segmentation"][0, 0])
    except (LookupError, ValueError, TypeError):
        layouts = "GTcls.Segmentation (SBD), no S (SIFT Flow) and no segmentation (NYUDv2)"
        raise FileFormatError(f"cannot be read as labels: it has no {layouts}, or is damaged").in_file(path) from None


def read_mat(path: AnyPath, name: str) -> np.ndarray:
    """A variable of a .mat file.

    Raises:
        FileFormatError: the file cannot be read, or lacks the variable.
        InputError: scipy is not installed.
    """
    found = _variables(path).get(name)
    if found is None:
        raise FileFormatError(f"cannot be read as labels: it has no {name}, or is damaged").in_file(path)
    return np.asarray(found)


def from_one(labels: np.ndarray, ignore: int = IGNORE) -> np.ndarray:
    """Labels that start at 1, shifted to start at 0; 0 and -1, which mean no label, become the ignored label."""
    whole = labels.astype(np.int64)
    return np.where(whole > 0, whole - 1, ignore)


def _variables(path: AnyPath) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise InputError("reading .mat files needs scipy: pip install 'fcnkit[mat]'").in_file(path) from None
    try:
        return dict(loadmat(path))
    except Exception as error:  # damaged files raise almost any exception
        problem = getattr(error, "strerror", None) or "it is damaged"
        raise FileFormatError(f"cannot be read as labels: {problem}").in_file(path) from None
