"""Inspection of nets: summaries, pictures, and comparisons with other nets and other runtimes."""
