"""Runs ``.tflite`` files with LiteRT: predictions, every intermediate tensor, time, memory."""
