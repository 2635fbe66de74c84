"""From a configuration to a run folder, resumable at any moment."""
