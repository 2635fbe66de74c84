"""A folder that runs on a device without this package and checks there that it computes what was trained."""
