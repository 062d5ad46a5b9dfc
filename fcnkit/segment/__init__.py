"""Segmentation of images, pictures of the results, and their scores."""

from fcnkit.segment.segmenter import Prediction, Segmenter, input_from_image, label_map, segment_files

__all__ = ["Prediction", "Segmenter", "input_from_image", "label_map", "segment_files"]
