"""The Coral Edge TPU: its operators and limits, its cost, its compiler."""
