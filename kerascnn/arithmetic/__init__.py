"""The lecture's formulas as numbers and as text, in plain Python."""
