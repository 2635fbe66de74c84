"""Writes and reads TFLite metadata, class names and a file's own description."""
