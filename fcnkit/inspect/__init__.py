"""Looking into nets: summaries, pictures, comparisons with each other and with other runtimes."""
