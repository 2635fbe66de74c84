"""Plots of arrays, and one HTML page of plots; independent of networks."""
