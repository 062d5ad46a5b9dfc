"""Dense conditional random fields in plain torch: label maps refined by the image itself."""

from fcnkit.crf.convolution import LatticeConvolution
from fcnkit.crf.crf_rnn import CRFRNN
from fcnkit.crf.dense_crf import DenseCRF, PaddedDenseCRF
from fcnkit.crf.lattice import Lattice

__all__ = ["CRFRNN", "DenseCRF", "Lattice", "LatticeConvolution", "PaddedDenseCRF"]
