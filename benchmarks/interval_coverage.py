"""How often a study's 95 % interval holds the truth, and how often one that adds seeds decides wrongly.

Over simulated studies whose truth is known. The simulation is that of the tests: 1,000 images of different
difficulty, seeds that differ in luck. A study that adds seeds looks at 2 to 10 of them; beside it stands
what the same 10 seeds decide at once, with and without a true difference.

    python benchmarks/interval_coverage.py [--studies 1000] [--only coverage|decisions] [--json FILE]
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from contenders.measured import show

sys.path.append(str(Path(__file__).parent.parent / "tests" / "helpers"))
from simulated_studies import GAIN, covered, ended, simulated, truth, until_decided

from kerascnn.analysis.evaluation.significance import paired_difference

SETTINGS = [(seeds, of_seeds) for seeds in (5, 3, 2) for of_seeds in (0.0, 0.1, 0.3, 1.0)]
MOST = 10  # seeds
#: Gain of the second network's ability, deviation of the seeds' luck, margin in points.
PLANS = [
    (0.0, 0.1, 2.5),
    (0.0, 0.3, 2.5),
    (0.0, 1.0, 2.5),
    (2 * GAIN, 0.3, 0.2),
    (4 * GAIN, 0.3, 0.2),
    (4 * GAIN, 1.0, 0.2),
]


def coverage(studies: int) -> None:
    for seeds, of_seeds in SETTINGS:
        held = covered(np.random.default_rng(6), seeds, of_seeds, studies)
        yield {"seeds": seeds, "deviation of seeds' luck": of_seeds, "interval holds the truth": held}


def decisions(studies: int) -> None:
    for gain, of_seeds, margin in PLANS:
        rng = np.random.default_rng(7)
        true = truth(rng, 2, of_seeds, gain)
        drawn = [simulated(rng, MOST, of_seeds, gain) for _ in range(studies)]
        stepwise = [until_decided(*each, true, margin) for each in drawn]
        fixed = [ended(paired_difference(*each, margin=margin), true) for each in drawn]
        yield {
            "true difference in points": round(true, 2),
            "deviation of seeds' luck": of_seeds,
            "margin in points": margin,
            "decided": sum(each.decided for each in stepwise),
            "wrong": sum(each.wrong for each in stepwise),
            "seeds": round(float(np.mean([each.seeds for each in stepwise])), 2),
            f"decided by {MOST} seeds at once": sum(each.decided for each in fixed),
            "of these wrong": sum(each.wrong for each in fixed),
        }


MEASURED = {"coverage": coverage, "decisions": decisions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=1_000)
    parser.add_argument("--only", choices=MEASURED)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for name in [options.only] if options.only else MEASURED:
        for row in MEASURED[name](options.studies):
            rows.append({"measured": name} | row)
            print(rows[-1], file=sys.stderr)
    show(f"{options.studies:,} simulated studies each", rows, options.json)


if __name__ == "__main__":
    main()
