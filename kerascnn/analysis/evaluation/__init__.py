"""How well a classifier answers: accuracy with intervals, calibration, paired significance."""
