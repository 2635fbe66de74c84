"""The int8 error of each layer, measured against the float network."""
