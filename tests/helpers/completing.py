"""What a shell asks when Tab is pressed. No registry is read here before the packages are there."""

import os
import shlex
import sys


def complete(words: list[str]) -> None:
    """Answer as to bash, for a line that is typed where some folders with packages are."""
    line, *packages = words
    sys.path[:0] = packages
    last = len(shlex.split(line)) - (not line.endswith(" "))
    os.environ |= {"_KERASCNN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(last)}
    sys.argv = ["kerascnn"]
    from kerascnn.cli.main import main

    main()
