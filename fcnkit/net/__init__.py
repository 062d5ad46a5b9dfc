"""Caffe nets as PyTorch modules, and how they are built from Caffe's files."""

from fcnkit.net.building import Step, blob_shapes
from fcnkit.net.caffe_net import CaffeNet

__all__ = ["CaffeNet", "Step", "blob_shapes"]
