"""Which of a study's trainings a conclusion is about, and how it came to their number."""

from typing import Annotated, Literal

from pydantic import Field

from kerascnn.foundation.settings import Settings

Stopped = Literal["decided", "max_seeds", "max_hours"]
REASONS: dict[Stopped, str] = {
    "decided": "every pair is decided",
    "max_seeds": "no more are allowed",
    "max_hours": "another one would take longer than the hours allowed",
}


class Scope(Settings):
    """What a conclusion is about.

    Attributes:
        looks: With how many seeds the study was concluded, this time included, in order.
        stopped: Why a study that adds seeds until it decides has no more; ``None``: it is no such one.
        left_out: Finished trainings in its folder that this conclusion is not about.
    """

    looks: tuple[Annotated[int, Field(ge=1)], ...] = ()
    stopped: Stopped | None = None
    left_out: tuple[str, ...] = ()

    def notes(self, seeds: int) -> list[str]:
        """Return what a reader has to know, a sentence each.

        Args:
            seeds: Of the conclusion.
        """
        told = []
        if self.stopped:
            told.append(f"Concluded with {seeds} seeds: {REASONS[self.stopped]}.")
        *others, last = map(str, self.looks or (seeds,))
        if self.stopped and others:
            told.append(
                f"Concluded before (number of seeds: {', '.join(others)}): the intervals hold for all looks "
                "only if --max-seeds was chosen before the first."
            )
        elif others:
            told.append(
                f"Concluded with {', '.join(others)} and {last} seeds: each interval is for one look alone. "
                "Who adds seeds until one decides is wrong more often; `--until-decided` accounts for that."
            )
        if self.left_out:
            told.append(f"A part of this study: {', '.join(self.left_out)} are left out.")
        return told
