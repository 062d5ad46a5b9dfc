"""Bottoms whose shape does not depend on an image's: the numbers that describe it, and sequences of words."""

from __future__ import annotations

from fcnkit.aliases import Shape
from fcnkit.types import cascade, convlstm, crf, instances, linear, multibox, proposals, recurrent, rings, rotated

# Steps and streams: one sentence of the usual length, in words (linjieyangsc/densecap
# examples/coco_caption/coco_to_hdf5_data.py, MAX_WORDS).
SENTENCE = (20, 1)

# By type, and by the bottom's index: height, width and scale of an image, or its height and width alone; words, and
# marks of where sequences begin (BVLC/caffe src/caffe/layers/recurrent_layer.cpp, LayerSetUp).
FIXED_BOTTOMS: dict[str, dict[int, Shape]] = {
    proposals.PROPOSAL.name: {2: (1, 4)},
    proposals.RPN_PROPOSAL.name: {2: (1, 3)},
    proposals.RPN.name: {2: (1, 3)},
    proposals.FRCNN_PROPOSAL.name: {2: (1, 3)},
    proposals.SSH_PROPOSAL.name: {2: (1, 3)},
    proposals.MNC_PROPOSAL.name: {2: (1, 3)},
    cascade.FRCNN_OUTPUT.name: {3: (1, 2)},
    # An image, and the corners of an outer and of an inner rectangle.
    rings.REGION_POOLING.name: {1: (1, 9)},
    # One object (weiliu89/caffe, branch ssd, src/caffe/layers/multibox_loss_layer.cpp, Forward_cpu).
    multibox.MULTI_BOX_LOSS.name: {3: (1, 1, 1, 8)},
    rotated.ROTATED_PROPOSAL.name: {2: (1, 3)},
    # An image, and a middle, a height, a width and an angle.
    rotated.ROTATE_ROI_POOLING.name: {1: (1, 6), 2: (1, 3)},
    # Masks of objects in their regions (daijifeng001/MNC lib/mnc_config.py, CFM_INPUT_MASK_SIZE).
    instances.MASK_POOLING.name: {1: (1, 1, 14, 14)},
    crf.DENSE_CRF.name: {1: (1, 2)},
    linear.EMBED.name: {0: SENTENCE},
    recurrent.LSTM.name: {1: SENTENCE},
    recurrent.RNN.name: {1: SENTENCE},
    # One step of one stream (agethen/ConvLSTM-for-Caffe src/caffe/layers/conv_lstm_layer.cpp).
    convlstm.CONV_LSTM.name: {1: (1, 1)},
}
