"""Reads any ``.tflite`` file, including damaged and malicious ones."""
