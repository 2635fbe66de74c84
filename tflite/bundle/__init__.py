"""A folder that runs on a device without this package, and proves that it computes what was trained."""
