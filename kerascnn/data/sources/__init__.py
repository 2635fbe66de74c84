"""Named data sets and folders of photos, one module a source."""
