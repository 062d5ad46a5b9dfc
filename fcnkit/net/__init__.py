"""Caffe nets as PyTorch modules, and how they are made of Caffe's files."""

from fcnkit.net.building import Shape, Step, blob_shapes
from fcnkit.net.caffe_net import CaffeNet

__all__ = ["CaffeNet", "Shape", "Step", "blob_shapes"]
