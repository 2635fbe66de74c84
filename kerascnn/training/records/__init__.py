"""Writes and reads the files of a run: history, model card, environment, checkpoints."""
