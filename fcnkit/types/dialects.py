"""Types whose settings mean the same in every fork that has the type, so that a binary file's numbers can be read.

A fork numbers the message of settings in its LayerParameter as it likes, but copies the message itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fcnkit.types import detection, normalization, priors, regions, resizing, shape
from fcnkit.types.record import Count, LayerType


@dataclass(frozen=True)
class Dialect:
    """The settings of a type in the binary files of forks.

    Attributes:
        record: the type; its origin is the fork whose message this is (src/caffe/proto/caffe.proto).
        settings: the field of LayerParameter that has them here.
        bottoms: the number of bottoms of the type in this dialect; others have other settings under the same name.
        numbers: the number here of each field of the message whose number in the fork differs.
    """

    record: LayerType
    settings: str
    bottoms: Count
    numbers: Mapping[int, int] = field(default_factory=dict)


DIALECTS = {
    dialect.record.name: dialect
    for dialect in (
        Dialect(shape.PERMUTE, "permute_param", shape.PERMUTE.bottoms),
        Dialect(normalization.NORMALIZE, "norm_param", normalization.NORMALIZE.bottoms),
        Dialect(priors.PRIOR_BOX, "prior_box_param", priors.PRIOR_BOX.bottoms),
        # width is 14 and height 15 there.
        Dialect(
            priors.PRIOR_BOX_CLUSTERED, "prior_box_param", priors.PRIOR_BOX_CLUSTERED.bottoms, {14: 30600, 15: 30601}
        ),
        # keep_top_k is 7 and variance_encoded_in_target 8 in SSD.
        Dialect(detection.DETECTION_OUTPUT, "detection_output_param", Count(3, 3), {7: 8, 8: 7}),
        Dialect(regions.ROI_POOLING, "roi_pooling_param", regions.ROI_POOLING.bottoms),
        Dialect(regions.PSROI_POOLING, "psroi_pooling_param", regions.PSROI_POOLING.bottoms),
        Dialect(resizing.UPSAMPLE, "upsample_param", Count(2, 2)),
        Dialect(resizing.INTERP, "interp_param", Count(1, 1)),
    )
}
