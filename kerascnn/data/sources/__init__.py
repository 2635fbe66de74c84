"""Named data sets and folders of photos, one module per source."""
