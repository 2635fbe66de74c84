"""Where images come from, and how they are brought to a model's input."""
