"""Segmentation of images, pictures of the results, and their scores."""

from fcnkit.segment.batches import segment_files
from fcnkit.segment.segmenter import Prediction, Segmenter, input_from_image, label_map

__all__ = ["Prediction", "Segmenter", "input_from_image", "label_map", "segment_files"]
