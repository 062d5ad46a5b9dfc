"""The few modules that PyTorch lacks: plain torch, knowing nothing of Caffe's files."""
