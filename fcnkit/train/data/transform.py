"""The transform that a data layer applies to pixels: all of `transform_param`.

Source: BVLC/caffe src/caffe/data_transformer.cpp.
"""

from __future__ import annotations

import numpy as np

from fcnkit.caffe import binaryproto
from fcnkit.caffe.messages import TRAIN, TransformationParameter
from fcnkit.errors import DefinitionError, InputError


class Transform:
    """Crops, mirrors, subtracts the mean and scales: value = (pixel - mean) * scale.

    Args:
        settings: a TransformationParameter.
        phase: the crop is at a random place in training, and at the centre in testing.

    Raises:
        DefinitionError, FileFormatError: the mean is given twice, or its file cannot be read.
    """

    def __init__(self, settings: TransformationParameter, phase: int):
        self.crop, self.mirror, self.scale = settings.crop_size, settings.mirror, np.float32(settings.scale)
        self.random_place = phase == TRAIN
        self.mean: np.ndarray | None = None
        self.mean_file = settings.mean_file
        if settings.mean_file:
            if settings.mean_value:
                raise DefinitionError("transform_param has mean_file and mean_value; give one of them")
            found = binaryproto.read(settings.mean_file)
            self.mean = found.reshape(found.shape[-3:])
        elif settings.mean_value:
            self.mean = np.array(settings.mean_value, np.float32).reshape(-1, 1, 1)

    def __call__(self, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Transform an image.

        Args:
            pixels: (channels, height, width).
            random: the generator for the place of the crop and the choice to mirror.

        Returns:
            float32, of the size of the crop if there is one.

        Raises:
            InputError: the image is smaller than the crop, or the mean does not match it.
        """
        channels, height, width = pixels.shape
        mean = self.mean
        if mean is not None and mean.shape[0] not in (1, channels):
            raise InputError(f"the image has {channels} channels, the mean {mean.shape[0]}")
        if self.mean_file and mean is not None and mean.shape != pixels.shape:
            raise InputError(f"the image has the shape {pixels.shape}, the mean in {self.mean_file} {mean.shape}")
        if self.crop:
            if min(height, width) < self.crop:
                raise InputError(f"the image has {height} x {width} pixels, fewer than its crop_size {self.crop}")
            slack = height - self.crop, width - self.crop
            top, left = (int(random.integers(n + 1)) if self.random_place else n // 2 for n in slack)
            place = np.s_[:, top : top + self.crop, left : left + self.crop]
            pixels = pixels[place]
            if self.mean_file and mean is not None:
                mean = mean[place]
        values = pixels.astype(np.float32)
        if mean is not None:
            values -= mean
        if self.scale != 1:
            values *= self.scale
        if self.mirror and random.integers(2):
            values = values[:, :, ::-1]
        return np.ascontiguousarray(values)
