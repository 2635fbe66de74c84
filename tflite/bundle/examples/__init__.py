"""Programs that act on what the model says: copied into every bundle, to be changed there."""
