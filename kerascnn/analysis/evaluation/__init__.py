"""Evaluation of classifiers: accuracy with intervals, calibration, paired significance."""
