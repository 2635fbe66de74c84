"""What a study shows about a pair of heads, or about a head and its int8 file, in words and in numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.analysis.evaluation.power import Prospect
from kerascnn.analysis.evaluation.significance import PairedDifference
from kerascnn.foundation.text.wording import counted

if TYPE_CHECKING:
    from kerascnn.studies.results.study import HeadResult

ADJUSTMENT = "bonferroni"  # of intervals and p-values, for the pairs that answer one question
MOST_PERCENT = 100  # more of something; beyond it, the sentence gives the multiple
CONCLUSIONS = {
    "better": "{b} is better",
    "worse": "{a} is better",
    "equivalent": "equivalent within ±{margin:g} points",
    "negligible": "a real difference, smaller than the margin of ±{margin:g} points",
    "inconclusive": "inconclusive",
}


@dataclass(frozen=True)
class Verdict:
    """What the study shows about head b against head a.

    Attributes:
        a: The one; ``b``: the other.
        floating: Accuracy of b minus accuracy of a, of the Keras models; ``int8`` of the int8 files.
    """

    a: "HeadResult"
    b: "HeadResult"
    floating: PairedDifference
    int8: PairedDifference

    @property
    def precisions(self) -> dict[str, PairedDifference]:
        """Both differences by the name of their precision: ``float``, ``int8``."""
        return {"float": self.floating, "int8": self.int8}

    @property
    def sentence(self) -> str:
        """One sentence that is no stronger than its numbers."""
        costs = [
            _relative("parameters", self.a.parameters, self.b.parameters),
            _relative("multiply-adds", self.a.multiply_adds, self.b.multiply_adds),
        ]
        found = [
            f"{name} accuracy {difference_in_words(each, self.a.name, self.b.name)}"
            for name, each in self.precisions.items()
        ]
        told = [", ".join(cost for cost in costs if cost), *found]
        return (
            f"{self.b.name} against {self.a.name} ({self.a.accuracy.basis}): {'; '.join(filter(None, told))}."
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Where the uncertainty comes from, and what would decide what is inconclusive, a sentence each."""
        pair = f"{self.b.name} against {self.a.name}"
        spread = spread_in_words(self.floating)
        told = [f"{pair}, float: {spread}."] if spread else []
        for name, found in self.precisions.items():
            if prospect := prospect_in_words(found):
                told.append(f"{pair}, {name}: {prospect}.")
        return tuple(told)

    def to_dict(self) -> dict[str, Any]:
        """Return a, b, the float difference as :func:`difference_to_dict` has it, int8 likewise, sentence."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            **difference_to_dict(self.floating),
            "int8": difference_to_dict(self.int8),
            "sentence": self.sentence,
            "remarks": list(self.remarks),
        }


def conclusion(found: PairedDifference, a: str, b: str) -> str:
    """Return the outcome in words.

    Args:
        found: Accuracy of b minus accuracy of a.
        a: What the one is called; ``b``: the other.
    """
    if found.outcome == "inconclusive" and not found.discordant:
        return f"too few images to show equivalence within ±{found.margin:g} points"
    return CONCLUSIONS[found.outcome].format(a=a, b=b, margin=found.margin)


def difference_in_words(found: PairedDifference, a: str, b: str) -> str:
    """Return a difference, its interval and what follows from it; arguments as of :func:`conclusion`."""
    if not found.discordant:
        return f"equal on every image, {ruled_out(found)}, {conclusion(found, a, b)}"
    interval = f"95 % {signed(found.low)} to {signed(found.high)}"
    return f"{signed(found.points)} points ({interval}), {conclusion(found, a, b)}"


def ruled_out(found: PairedDifference) -> str:
    """Return what an interval without an image that tells the two apart still says."""
    return f"a difference beyond ±{max(abs(found.low), abs(found.high)):.2f} points ruled out (95 %)"


def spread_in_words(found: PairedDifference) -> str:
    """Return which part of the uncertainty is luck of the seed; empty where one seed cannot tell."""
    share = found.seed_share
    if share is None or not found.discordant:
        return ""
    shares = f"{100 * share:.0f} % luck of the seed, {100 * (1 - share):.0f} % of the test images"
    return f"the uncertainty is {shares}"


def prospect_in_words(found: PairedDifference) -> str:
    """Return what would decide an inconclusive difference; empty where nothing can be said."""
    prospect = Prospect.of(found)
    if prospect is None:
        return ""
    seeds, images = prospect.more_seeds, prospect.more_images
    ways = [
        counted(seeds, "more seed") if seeds else "",
        counted(images, "more test image") if images else "",
    ]
    impossible = [
        "" if seeds else f"no number of seeds decides this on {found.images:,} images",
        "" if images else f"no number of test images decides this with {found.seeds} seeds",
    ]
    likely = f"would decide it with probability {100 * prospect.power:.0f} %, if the difference is as seen"
    possible = f"{', or '.join(filter(None, ways))} {likely}" if any(ways) else ""
    return "; ".join(filter(None, [*impossible, possible]))


def difference_to_dict(found: PairedDifference) -> dict[str, Any]:
    """Return a difference as numbers and codes, in points.

    ``outcome`` is ``better``, ``worse``, ``equivalent``, ``negligible`` (real, but smaller than the margin)
    or ``inconclusive``, each of b; ``p_value`` is McNemar's for a single seed, with several there is one for
    each in ``p_values``.
    """
    prospect = Prospect.of(found)
    return {
        "outcome": found.outcome,
        "difference_points": found.points,
        "low": found.low,
        "high": found.high,
        "margin_points": found.margin,
        "level": found.level,
        "comparisons": found.comparisons,
        "adjustment": ADJUSTMENT if found.comparisons > 1 else None,
        "p_value": found.p_values[0] if len(found.p_values) == 1 else None,
        "p_values": list(found.p_values),
        "p_values_adjusted": list(found.adjusted),
        "discordant_answers": found.discordant,
        "sd_points": found.components.to_dict(),
        "seed_share": found.seed_share,
        "image_share": None if found.seed_share is None else 1 - found.seed_share,
        "prospect": prospect.to_dict() if prospect else None,
    }


def signed(points: float) -> str:
    """Return points with their sign, two decimals and a real minus."""
    return f"{points:+.2f}".replace("-", "−")


def _relative(what: str, a: int | None, b: int | None) -> str | None:
    if not a or b is None:
        return None
    change = 100 * (b - a) / a
    if change > MOST_PERCENT:
        return f"{b / a:.1f} times as many {what}"
    return f"{abs(change):.1f} % {'fewer' if change < 0 else 'more'} {what}" if change else f"as many {what}"
