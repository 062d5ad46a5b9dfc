"""Where the blobs of a net lie: windows, coordinate maps, receptive fields, crop offsets, tiles."""
