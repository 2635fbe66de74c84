"""Reads any ``.tflite`` file, damaged and hostile ones included."""
