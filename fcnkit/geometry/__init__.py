"""Geometry of a net's blobs: windows, coordinate maps, receptive fields, crop offsets, tiles."""
