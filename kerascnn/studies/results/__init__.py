"""The results of a study: predictions of every test image, rows, verdicts."""
