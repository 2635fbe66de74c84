"""What training needs of TensorFlow and JAX themselves."""
