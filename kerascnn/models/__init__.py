"""Networks and their builders, and the description inside a model file."""
