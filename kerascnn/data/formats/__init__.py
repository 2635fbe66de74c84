"""File formats of published data sets, read without executing anything."""
