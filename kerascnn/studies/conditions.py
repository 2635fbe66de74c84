"""What runs that exist have in common, and in what they differ beside the head."""

from collections.abc import Sequence
from typing import Any

from kerascnn.studies.grid.record import DECISIVE
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.settings import StudySettings
from kerascnn.training.config import CONDITIONS, ResolvedConfig
from kerascnn.training.run import Run

TOLD = ("model", "variant", "norm", "image_size", "channels", "epochs", *CONDITIONS)  # also where equal


def settings_of(runs: Sequence[Run], groups: Sequence[Group], command: str) -> StudySettings:
    """Return what the runs have in common, in what they differ beside the head, and what repeats this."""
    made = {str(run.path): _conditions(run) for run in runs}
    first, *_ = made.values()
    found = {name: {run: conditions[name] for run, conditions in made.items()} for name in first}
    differing = {name: of_run for name, of_run in found.items() if len(set(map(str, of_run.values()))) > 1}
    if len({group.seeds for group in groups}) == 1:
        differing.pop("seed", None)  # several, but the same of each group
    heads = [run.record.architecture.head for run in runs]
    if len(set(zip(heads, map(str, found["head_units"].values()), strict=True))) == len(set(heads)):
        differing.pop("head_units", None)  # those of the head
    return StudySettings(
        **{name: first[name] for name in TOLD},
        data=runs[0].record.source,
        heads=tuple(group.name for group in groups),
        seeds=groups[0].seeds,
        differing=differing,
        interrupted={
            str(run.path): "its training is incomplete: it has "
            f"{run.metrics()['epochs']} of {found['epochs'][str(run.path)]} epochs"
            for run in runs
            if run.record.state != "done"
        },
        command=command,
    )


def _conditions(run: Run) -> dict[str, Any]:
    """Return what should be equal of runs that are compared: settings, start, seed, images, versions."""
    config = ResolvedConfig.read(run.path / "config.toml")
    environment = run.read("environment.json")
    return {
        **config.model_dump(mode="json", include={*TOLD, "head_units", "weights", "seed", "interventions"}),
        "training_images_sha256": str(environment["data_sha256"].get("train"))[:8],
        **{f"{package}_version": environment["versions"].get(package) for package in DECISIVE},
    }
