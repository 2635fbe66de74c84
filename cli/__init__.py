"""Reads options, calls one library function, shows its result."""
