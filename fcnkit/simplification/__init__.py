"""Rewrites that make nets smaller and faster without changing their outputs."""

from fcnkit.simplification.rewrites import Simplified, fold_batchnorm, simplify, with_legacy_inputs

__all__ = ["Simplified", "fold_batchnorm", "simplify", "with_legacy_inputs"]
