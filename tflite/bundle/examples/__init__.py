"""Programs that act on predictions: copied into every bundle, to be changed there."""
