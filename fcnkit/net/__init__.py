"""Caffe nets as PyTorch modules, and how they are made of Caffe's files."""

from fcnkit.net.caffe_net import CaffeNet, Shape, Step, blob_shapes

__all__ = ["CaffeNet", "Shape", "Step", "blob_shapes"]
