"""Trains a model from a configuration into a run folder, resumable at any moment."""
