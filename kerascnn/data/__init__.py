"""Images, from a source to a model's input."""
