"""Which networks there are, how they are built, and how a model file describes itself."""
