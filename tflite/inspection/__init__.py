"""What is in a ``.tflite`` file, in words, and which of its operators stands for which layer."""
