"""Layers that feed data from outside the net; in the net for inference an Input replaces each."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import NONE, SOME, Data, Drawn, LayerType, Origin, bvlc, every, no_words

_IMAGES_AND_LABELS = "feeds images, and one class label for each"
_BLOBS = "feeds images, label maps or other blobs"
_SSD, _SEGNET = "weiliu89/caffe", "alexgkendall/caffe-segnet"


def _data(
    name: str, v1: str | None, origin: Origin, *, label_per_image: bool, reads_images: bool, old_transform: str
) -> LayerType:
    words = _IMAGES_AND_LABELS if label_per_image else _BLOBS
    role = Data(words, label_per_image, reads_images, old_transform)
    drawn = Drawn("input", no_words)
    return LayerType(name, v1, origin, NONE, SOME, every(WHOLE), LOST, role, moves=True, drawn=drawn)


DATA = _data("Data", "DATA", bvlc("data"), label_per_image=True, reads_images=True, old_transform="data_param")
IMAGE_DATA = _data(
    "ImageData",
    "IMAGE_DATA",
    bvlc("image_data"),
    label_per_image=True,
    reads_images=True,
    old_transform="image_data_param",
)
WINDOW_DATA = _data(
    "WindowData",
    "WINDOW_DATA",
    bvlc("window_data"),
    label_per_image=True,
    reads_images=True,
    old_transform="window_data_param",
)
MEMORY_DATA = _data(
    "MemoryData", "MEMORY_DATA", bvlc("memory_data"), label_per_image=True, reads_images=False, old_transform=""
)
HDF5_DATA = _data(
    "HDF5Data", "HDF5_DATA", bvlc("hdf5_data"), label_per_image=False, reads_images=False, old_transform=""
)
ANNOTATED_DATA = _data(
    "AnnotatedData",
    None,
    Origin(_SSD, "src/caffe/layers/annotated_data_layer.cpp"),
    label_per_image=False,
    reads_images=True,
    old_transform="",
)
DENSE_IMAGE_DATA = _data(
    "DenseImageData",
    None,
    Origin(_SEGNET, "src/caffe/layers/dense_image_data_layer.cpp"),
    label_per_image=False,
    reads_images=True,
    old_transform="",
)
IMAGE_SEG_DATA = _data(
    "ImageSegData",
    None,
    Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/image_seg_data_layer.cpp"),
    label_per_image=False,
    reads_images=True,
    old_transform="",
)
MAT_READ = _data(
    "MatRead",
    None,
    Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/mat_read_layer.cpp"),
    label_per_image=False,
    reads_images=False,
    old_transform="",
)
VIDEO_DATA = _data(
    "VideoData",
    None,
    Origin("chuckcho/video-caffe", "src/caffe/layers/video_data_layer.cpp"),
    label_per_image=True,
    reads_images=False,
    old_transform="",
)
