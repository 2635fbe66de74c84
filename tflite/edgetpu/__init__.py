"""The Coral Edge TPU: what its compiler takes, what that costs, and the compiler itself."""
