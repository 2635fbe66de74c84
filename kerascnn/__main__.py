"""``python -m kerascnn`` is the command ``kerascnn``."""

from kerascnn.cli.main import main

main()
