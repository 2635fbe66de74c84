"""How often a study's 95 % interval holds the truth, over simulated studies whose truth is known.

The simulation is that of the tests: 1,000 images of different difficulty, seeds that differ in luck.

    python benchmarks/interval_coverage.py [--studies 1000] [--json FILE]
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from contenders.measured import show

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from simulated_studies import covered

SETTINGS = [(seeds, of_seeds) for seeds in (5, 3, 2) for of_seeds in (0.0, 0.1, 0.3, 1.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for seeds, of_seeds in SETTINGS:
        held = covered(np.random.default_rng(6), seeds, of_seeds, options.studies)
        rows.append({"seeds": seeds, "deviation of seeds' luck": of_seeds, "interval holds the truth": held})
        print(rows[-1], file=sys.stderr)
    show(f"{options.studies:,} simulated studies each", rows, options.json)


if __name__ == "__main__":
    main()
