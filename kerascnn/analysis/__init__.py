"""Analysis of any Keras model: the cost of its layers, its accuracy, its learned features."""
