"""What runs that exist have in common, and in what they differ beside the head."""

from collections.abc import Sequence
from typing import Any

from kerascnn.comparison.record import DECISIVE, HASHED
from kerascnn.report.evidence import Group
from kerascnn.run import Run
from kerascnn.training.config import CONDITIONS, ResolvedConfig

UNEQUAL = ("head_units", "weights")  # told where they differ
CONDITIONS_TOLD = ("model", "variant", "norm", "image_size", "channels", "epochs", *CONDITIONS)


def settings_of(runs: Sequence[Run], groups: Sequence[Group], command: str) -> dict[str, Any]:
    """Return what the runs have in common, in what they differ beside the head, and what repeats this."""
    configs = {
        str(run.path): ResolvedConfig.read(run.path / "config.toml").model_dump(
            mode="json", include={*CONDITIONS_TOLD, *UNEQUAL}
        )
        for run in runs
    }
    first, *_ = configs.values()
    conditions = {
        **{name: {run: config[name] for run, config in configs.items()} for name in CONDITIONS_TOLD},
        **_further_conditions(runs, groups, configs),
    }
    return {name: first[name] for name in CONDITIONS_TOLD} | {
        "data": runs[0].record.source,
        "heads": [group.name for group in groups],
        "seeds": [run.record.seed for run in groups[0].runs],
        "differing": {
            name: found for name, found in conditions.items() if len(set(map(str, found.values()))) > 1
        },
        "interrupted": {
            str(run.path): "its training did not end: it has "
            f"{run.metrics()['epochs']} of {configs[str(run.path)]['epochs']} epochs"
            for run in runs
            if run.record.state != "done"
        },
        "command": command,
    }


def _further_conditions(
    runs: Sequence[Run], groups: Sequence[Group], configs: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return by run what else should be equal: start, seeds of the groups, training images, versions."""
    environments = {str(run.path): run.read("environment.json", *HASHED) for run in runs}
    hidden: dict[str, set[str]] = {}
    for run in runs:
        hidden.setdefault(run.record.head, set()).add(str(configs[str(run.path)]["head_units"]))
    found = {name: {run: config[name] for run, config in configs.items()} for name in UNEQUAL}
    if all(len(units) == 1 for units in hidden.values()):  # heads may have what others lack
        del found["head_units"]
    if len({tuple(run.record.seed for run in group.runs) for group in groups}) > 1:
        found["seed"] = {str(run.path): run.record.seed for run in runs}
    found["training images, SHA-256"] = {
        run: str(made["data_sha256"].get("train"))[:8] for run, made in environments.items()
    }
    for package in DECISIVE:
        found[f"{package}'s version"] = {
            run: made["versions"].get(package) for run, made in environments.items()
        }
    return found
