"""Packs a run as a folder that runs on a device without this package and tests itself there."""
