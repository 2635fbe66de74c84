"""``compare --plan``: what a study could decide, said before anything is trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.power import POWER, Expected
from kerascnn.analysis.evaluation.significance import LEVEL, MARGIN, require_margin
from kerascnn.analysis.evaluation.variance import VarianceComponents
from kerascnn.data.bad_files import load_checked
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import read_json
from kerascnn.foundation.progress import Telling, teller
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.foundation.text.tables import Table
from kerascnn.studies.grid.plan import HEADS, plan

SEEDS = (2, 3, 5, 10, 20)
MANY = 10**5  # seeds
MOST = 100  # points: no difference is larger
SEED_SD, DISAGREEMENT = 0.3, 2.0  # points; percent of the images
SHARED = 0.5  # of the images on which only one head is right, how much all seeds share


@dataclass(frozen=True)
class SeedForecast:
    """What so many seeds could show.

    Attributes:
        seeds: Of each head.
        interval_points: Half of the expected interval's width.
        smallest_points: The smallest difference that is shown with probability 80 %.
        equivalence: How likely two heads that are equal are found equivalent.
    """

    seeds: int
    interval_points: float
    smallest_points: float
    equivalence: float


@dataclass(frozen=True)
class Forecast(Shown):
    """What a study of a pair of heads could decide.

    Attributes:
        basis: Where the variance comes from, in words.
        images: Test images.
        margin: Points within which two accuracies count as equivalent.
        level: Of each pair's interval: 95 % are those of all pairs together.
        components: Of the variance of the difference.
        rows: For each number of seeds.
    """

    basis: str
    images: int
    margin: float
    level: float
    components: VarianceComponents
    rows: tuple[SeedForecast, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What follows, a sentence each."""
        deviations = self.components.to_dict()
        enough = [row.seeds for row in self.rows if row.equivalence >= POWER]
        least = forecast_of(self.components, MANY, self.images, self.margin, self.level).smallest_points
        pairs = round((1 - LEVEL) / (1 - self.level))
        together = (
            f"The intervals hold for the {pairs} pairs of heads at once: each alone has "
            f"{100 * self.level:.2f} %."
        )
        return (
            f"{self.basis}; between seeds the difference varies by {deviations['seeds']:.2f} points.",
            *([together] if pairs > 1 else []),
            f"On {self.images:,} test images no number of seeds shows a difference below {least:.2f} points "
            f"with probability {100 * POWER:.0f} %.",
            f"Two equal heads are found equivalent within ±{self.margin:g} points with {enough[0]} seeds."
            if enough
            else f"No number of seeds up to {self.rows[-1].seeds} shows that two equal heads are equivalent "
            f"within ±{self.margin:g} points: take more test images or a wider --margin.",
        )

    def blocks(self) -> list[Block]:
        """Return a row for each number of seeds, and what follows."""
        header = ("seeds", "95 % interval", "smallest difference shown", "equal heads found equivalent")
        rows = [
            [
                str(row.seeds),
                f"±{row.interval_points:.2f} points",
                f"{row.smallest_points:.2f} points" if row.smallest_points < MOST else "none",
                f"{100 * row.equivalence:.0f} %",
            ]
            for row in self.rows
        ]
        return [Table(header, rows), "\n".join(self.sentences)]

    def to_dict(self) -> dict[str, Any]:
        """Return basis, images, margin_points, power, sd_points, seeds, sentences."""
        return {
            "basis": self.basis,
            "images": self.images,
            "margin_points": self.margin,
            "level": self.level,
            "power": POWER,
            "sd_points": self.components.to_dict(),
            "seeds": [asdict(row) for row in self.rows],
            "sentences": list(self.sentences),
        }


def forecast(
    model: str = "lenet5",
    *,
    heads: Sequence[str] = HEADS,
    data: str = "digits",
    data_dir: Path | str | None = None,
    skip_bad_files: bool = False,
    seeds: int | None = None,
    pilot: Path | str | None = None,
    seed_sd: float | None = None,
    disagreement: float | None = None,
    margin: float = MARGIN,
    progress: Telling = None,
) -> Forecast:
    """Say what a study of these heads could decide with how many seeds; nothing is trained.

    Args:
        model: A family or its alias.
        heads: At least two; the more pairs, the wider their simultaneous intervals.
        data: The source; ``data_dir`` the folder with its files.
        skip_bad_files: Whether image files that cannot be decoded are left out.
        seeds: Another number of seeds that is looked at; ``None``: no other.
        pilot: A finished study with two seeds or more whose variance is taken, of the pair of these heads
            that varies most.
        seed_sd: Without one, how much the difference varies between seeds, in points; ``None``: 0.3.
        disagreement: Likewise on how many percent of the images only one head is right; ``None``: 2.
        margin: Points within which two accuracies count as equivalent.
        progress: Told about the data.

    Raises:
        UsageError: A number makes no sense, or there are both a pilot and assumptions.
        KerasCnnError: The pilot is no finished study of several heads and seeds, or the data cannot be read.
    """
    require_margin(margin)
    where = None if data_dir is None else Path(data_dir)
    grid = plan(
        model, heads, 1 if seeds is None else seeds, data=data, data_dir=where, skip_bad_files=skip_bad_files
    )
    if pilot is None:
        basis, components = _assumed(seed_sd, disagreement)
    elif seed_sd is None and disagreement is None:
        basis, components = _of_pilot(Path(pilot), {config.head for config in grid.configs})
    else:
        raise UsageError("--pilot has its own spread: leave out --seed-sd and --disagreement.")
    source = grid.configs[0].data
    dataset = load_checked(source, where, skip_bad_files=skip_bad_files, progress=teller(progress))
    images, level = len(dataset.test.labels), 1 - (1 - LEVEL) / comb(len(heads), 2)
    counts = sorted({*SEEDS, *([seeds] if seeds else [])} - {1})
    rows = tuple(forecast_of(components, count, images, margin, level) for count in counts)
    return Forecast(basis, images, margin, level, components, rows)


def forecast_of(
    components: VarianceComponents, seeds: int, images: int, margin: float, level: float
) -> SeedForecast:
    """Return what so many seeds on so many images could show of one pair."""
    expected = Expected.of(components, seeds, images, level)
    return SeedForecast(
        seeds, min(expected.reach, MOST), expected.smallest_shown(), expected.equivalent(margin)
    )


def _assumed(seed_sd: float | None, disagreement: float | None) -> tuple[str, VarianceComponents]:
    """Return the variance of assumptions, and what was assumed in words."""
    deviation = SEED_SD if seed_sd is None else seed_sd
    apart = DISAGREEMENT if disagreement is None else disagreement
    if not 0 <= deviation <= 100:
        raise UsageError(f"seed_sd must be 0 to 100 points. Received: seed_sd={deviation:g}")
    if not 0 < apart <= 100:
        raise UsageError(
            f"disagreement must be above 0 and at most 100 percent. Received: disagreement={apart:g}"
        )
    share = apart / 100
    components = VarianceComponents((deviation / 100) ** 2, SHARED * share, (1 - SHARED) * share)
    basis = (
        "Assumed (see --seed-sd, --disagreement and --pilot): only one head is right "
        f"on {apart:g} % of the images, half of which all seeds share"
    )
    return basis, components


def _of_pilot(study: Path, heads: set[str]) -> tuple[str, VarianceComponents]:
    """Return the variance of the difference between two of some heads that varies most in a study's report.

    Raises:
        KerasCnnError: It has no report, that of an older version, or too few heads and seeds.
    """
    report = study / "report.json"
    document = read_json(report)
    try:
        found = [
            (_components(each["sd_points"]), f"{verdict['b']} against {verdict['a']}, {precision}")
            for verdict in document["verdicts"]
            for precision, each in (("float", verdict), ("int8", verdict["int8"]))
            if each["sd_points"]["seeds"] is not None and {verdict["a"], verdict["b"]} <= heads
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise KerasCnnError(
            f"{report} does not say how much seeds vary: another version wrote it. "
            f"`kerascnn report {study}` writes it again."
        ) from error
    if not found:
        raise KerasCnnError(
            f"{study} cannot be a pilot: it has no two of the heads {', '.join(sorted(heads))} with two "
            "seeds or more."
        )
    components, pair = max(found, key=lambda each: each[0].variance(1, 1))
    return f"From {study}, {pair}", components


def _components(deviations: dict[str, float]) -> VarianceComponents:
    return VarianceComponents(*((float(deviations[name]) / 100) ** 2 for name in ("seeds", "images", "rest")))
