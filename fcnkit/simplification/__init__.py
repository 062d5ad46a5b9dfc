"""Nets made smaller and faster that compute the same."""

from fcnkit.simplification.rewrites import Simplified, fold_batchnorm, simplify, with_legacy_inputs

__all__ = ["Simplified", "fold_batchnorm", "simplify", "with_legacy_inputs"]
