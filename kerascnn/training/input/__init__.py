"""The input pipeline: images in memory or from files, in batches that depend on seed and epoch alone."""
