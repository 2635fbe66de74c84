"""What can be said of any Keras model: what its layers cost, how well it answers, what it has learned."""
