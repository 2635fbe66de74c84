"""What each layer of a Keras model costs, and the formula behind each number."""
