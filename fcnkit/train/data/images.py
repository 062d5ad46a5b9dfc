"""ImageData: image files and labels in a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fcnkit.errors import FileFormatError, InputError
from fcnkit.segment.images import read_lines
from fcnkit.train.data.feeding import Samples, Tops
from fcnkit.train.data.pixels import read
from fcnkit.train.data.transform import Transform


class ImageSamples(Samples):
    """The images of a list. Each line of the list is a path and a label.

    Args:
        source: the list.
        root: prepended to each path unchanged, so a folder must end in a slash.
        size: (height, width) that images are resized to; 0 and 0 keeps their size.
        colour: three channels (BGR), or one.
        transform: the transform of the images.
        labelled: whether a sample has its label as a second array.

    Raises:
        FileFormatError, InputError: the list cannot be read, or names a file that does not exist.

    Source: BVLC/caffe src/caffe/layers/image_data_layer.cpp.
    """

    def __init__(
        self,
        source: str,
        transform: Transform,
        root: str = "",
        size: tuple[int, int] = (0, 0),
        colour: bool = True,
        labelled: bool = True,
    ):
        if bool(size[0]) != bool(size[1]):
            raise InputError("new_height and new_width belong together: give both, or none")
        self.transform, self.size, self.colour, self.labelled = transform, size, colour, labelled
        self.entries: list[tuple[str, int]] = []
        for number, line in enumerate(read_lines(source), 1):
            # A path may contain spaces; the label follows the last space.
            path, _, label = line.rpartition(" ")
            if not path or not label.lstrip("-").isdecimal():
                raise FileFormatError(f"line {number} is not a path and a label: {line[:120]!r}").in_file(source)
            if not Path(root + path).is_file():
                raise InputError(f"line {number} lists {root + path!r}, and there is no such file").in_file(source)
            self.entries.append((root + path, int(label)))
        if not self.entries:
            raise InputError("lists no image").in_file(source)

    def __len__(self) -> int:
        return len(self.entries)

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """The image at an index."""
        path, label = self.entries[index]
        try:
            image = self.transform(read(path, self.size, self.colour), random)
        except InputError as error:
            raise error.in_file(path) from None
        return (image, np.array(label, np.float32)) if self.labelled else (image,)
