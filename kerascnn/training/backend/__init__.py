"""The parts of training that use TensorFlow and JAX directly."""
