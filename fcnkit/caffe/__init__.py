"""Caffe's messages, file formats and conventions. Nothing here needs torch."""
