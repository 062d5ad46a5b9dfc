"""Losses and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import (
    LOSS,
    PLAIN,
    SINK,
    THREE,
    TWO,
    TWO_OR_THREE,
    Count,
    LayerType,
    Origin,
    Role,
    bvlc,
    every,
)

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_OPTIONAL, _WITH_PROBABILITIES = Count(0, 1), Count(0, 2)


def _compares(
    name: str, v1: str | None, origin: Origin, *, bottoms: Count = TWO, tops: Count = _OPTIONAL, role: Role = LOSS
) -> LayerType:
    return LayerType(name, v1, origin, bottoms, tops, every(WHOLE), LOST, role, moves=False, drawn=PLAIN)


CONTRASTIVE_LOSS = _compares("ContrastiveLoss", "CONTRASTIVE_LOSS", bvlc("contrastive_loss"), bottoms=THREE)
HINGE_LOSS = _compares("HingeLoss", "HINGE_LOSS", bvlc("hinge_loss"))
INFOGAIN_LOSS = _compares(
    "InfogainLoss", "INFOGAIN_LOSS", bvlc("infogain_loss"), bottoms=TWO_OR_THREE, tops=_WITH_PROBABILITIES
)
MULTINOMIAL_LOGISTIC_LOSS = _compares(
    "MultinomialLogisticLoss", "MULTINOMIAL_LOGISTIC_LOSS", bvlc("multinomial_logistic_loss")
)
SIGMOID_CROSS_ENTROPY_LOSS = _compares(
    "SigmoidCrossEntropyLoss", "SIGMOID_CROSS_ENTROPY_LOSS", bvlc("sigmoid_cross_entropy_loss")
)
SIGMOID_CROSS_ENTROPY_BALANCE_LOSS = _compares(
    "SigmoidCrossEntropyBalanceLoss",
    None,
    Origin("kmaninis/OSVOS-caffe", "caffe-osvos/src/caffe/layers/sigmoid_cross_entropy_balance_loss_layer.cpp"),
)
SOFTMAX_WITH_LOSS = _compares("SoftmaxWithLoss", "SOFTMAX_LOSS", bvlc("softmax_loss"), tops=_WITH_PROBABILITIES)
SOFTMAX_WITH_LOSS_OHEM = _compares(
    "SoftmaxWithLossOHEM",
    None,
    Origin("intel/caffe", "src/caffe/layers/softmax_loss_ohem_layer.cpp"),
    tops=Count(0, 3),
)
ACCURACY = _compares("Accuracy", "ACCURACY", bvlc("accuracy"), tops=Count(0, 2), role=SINK)
SEG_ACCURACY = _compares(
    "SegAccuracy",
    None,
    Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/seg_accuracy_layer.cpp"),
    role=SINK,
)
MAT_WRITE = _compares(
    "MatWrite",
    None,
    Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/mat_write_layer.cpp"),
    bottoms=Count(1, 2),
    tops=Count(0, 0),
    role=SINK,
)
ELTWISE_ACCURACY = _compares(
    "EltwiseAccuracy",
    None,
    Origin("HyeonwooNoh/caffe", "src/caffe/layers/eltwise_accuracy_layer.cpp"),
    role=SINK,
)
SEGMENTATION_EVALUATE = _compares(
    "SegmentationEvaluate",
    None,
    Origin("eric612/MobileNet-YOLO", "src/caffe/layers/segmentation_evaluate_layer.cpp"),
    role=SINK,
)


POSE_DISTANCE = _compares(
    "PoseDistance",
    None,
    Origin("xinghaochen/caffe-pose", "src/caffe/layers/pose_distance_layer.cpp"),
    bottoms=Count(3, 4),
    tops=Count(1, 2),
    role=SINK,
)


@dataclass(frozen=True)
class ClassLabels:
    """The second bottom of a layer as class labels, and which fields of the layer tell about them.

    Attributes:
        of_axis: the message whose `axis` is that of the classes in the first bottom; "" where it is axis 1.
        of_ignored: the message with `ignore_label`; "" where no label is ignored.
    """

    of_axis: str
    of_ignored: str

    def axis(self, layer: LayerParameter) -> int:
        """The axis of the classes in the first bottom."""
        return int(getattr(layer, self.of_axis).axis) if self.of_axis else 1

    def ignored(self, layer: LayerParameter) -> int | None:
        """The label that a layer ignores; None for none."""
        message = getattr(layer, self.of_ignored) if self.of_ignored else None
        return int(message.ignore_label) if message is not None and message.HasField("ignore_label") else None


# By type: the layers that take labels as indices of classes.
CLASS_LABELS = {
    SOFTMAX_WITH_LOSS.name: ClassLabels("softmax_param", "loss_param"),
    INFOGAIN_LOSS.name: ClassLabels("infogain_loss_param", "loss_param"),
    ACCURACY.name: ClassLabels("accuracy_param", "accuracy_param"),
    MULTINOMIAL_LOGISTIC_LOSS.name: ClassLabels("", ""),
    HINGE_LOSS.name: ClassLabels("", ""),
}
