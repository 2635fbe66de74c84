"""The cost of each layer of a Keras model, and the formula behind each number."""
