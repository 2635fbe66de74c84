"""Converts a Keras model to quantized ``.tflite`` files, verifies and evaluates them."""
