"""The lecture's formulas as numbers and as text, plain Python."""
