"""Turns a fully int8 ``.tflite`` file into steps of whole numbers, and has the kernels in C that run them."""
