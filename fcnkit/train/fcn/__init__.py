"""Training FCNs on images in folders: the recipes, the stages, and the scores of each."""
