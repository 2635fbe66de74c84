"""The files of a run: history, model card, environment, checkpoint, the data it was trained on."""
