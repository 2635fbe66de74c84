"""What training needs of TensorFlow and JAX themselves; only ``tflite/`` imports them besides."""
