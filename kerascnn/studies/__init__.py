"""Trains heads × seeds under equal conditions and reports which differences the data support."""
