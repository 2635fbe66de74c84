"""The epochs of a training: fit, callbacks, optimizer, status."""
