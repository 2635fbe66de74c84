"""TFLite metadata, class names and a file's own description: written and read."""
