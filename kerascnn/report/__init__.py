"""A study in forms that can be handed over."""
