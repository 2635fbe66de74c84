"""Converts a run to `.tflite` files, checks and measures them, and packs them for devices."""
