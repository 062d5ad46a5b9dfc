"""Dropouts that differ from PyTorch's in eval mode."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SampledDropout(nn.Dropout):
    """Dropout that drops in eval mode too, so that several runs sample the net's weights.

    Source: alexgkendall/caffe-segnet src/caffe/layers/dropout_layer.cpp, sample_weights_test.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return F.dropout(bottom, self.p)


class UnscaledDropout(nn.Dropout):
    """Dropout that does not scale the kept values; in eval mode all values are multiplied by the kept fraction.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/dropout_layer.cpp, scale_train.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom) * (1 - self.p)


class SpatialDropout(nn.Dropout2d):
    """Dropout of whole channels; in eval mode it drops none, but still divides by the kept fraction.

    Source: TimoSaemann/caffe-enet python/spatial_dropout.py.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom) if self.training else bottom / (1 - self.p)
