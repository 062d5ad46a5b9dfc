"""Bottoms of detectors whose shape does not depend on the image: the numbers that describe it."""

from __future__ import annotations

from fcnkit.aliases import Shape
from fcnkit.types import cascade, proposals, rings

# By type, and by the bottom's index: height, width and scale of an image, or its height and width alone.
FIXED_BOTTOMS: dict[str, dict[int, Shape]] = {
    proposals.PROPOSAL.name: {2: (1, 4)},
    proposals.RPN_PROPOSAL.name: {2: (1, 3)},
    proposals.SSH_PROPOSAL.name: {2: (1, 3)},
    cascade.FRCNN_OUTPUT.name: {3: (1, 2)},
    # An image, and the corners of an outer and of an inner rectangle.
    rings.REGION_POOLING.name: {1: (1, 9)},
}
