"""The data layers of training nets, as data sets of PyTorch."""
