"""Layers that choose or score boxes in the training of detectors: none has a rule, only a record."""
