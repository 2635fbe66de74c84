"""Turns a run into files that are checked, measured and shipped, with TensorFlow and LiteRT."""
