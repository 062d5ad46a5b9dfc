"""Caffe's own world: its messages, its files and its rules. Nothing here needs torch."""
