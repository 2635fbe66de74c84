"""Serves one page that shows a training while it runs and takes a person's changes."""
