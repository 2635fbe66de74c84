"""Describes the content of a ``.tflite`` file and matches its operators with layers."""
