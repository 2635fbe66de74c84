"""Which operators an accelerator runs, at what cost, and how a file is compiled for it."""
