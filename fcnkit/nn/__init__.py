"""The few modules that PyTorch lacks, in plain torch, independent of Caffe's files."""
