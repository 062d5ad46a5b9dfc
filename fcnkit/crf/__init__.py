"""Dense conditional random fields in plain torch: label maps refined by the image itself."""

from fcnkit.crf.lattice import Lattice
from fcnkit.crf.mean_field import DenseCRF

__all__ = ["DenseCRF", "Lattice"]
