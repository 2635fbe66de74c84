"""The environment of a run: versions, machine, data, git commit."""

import logging
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.files import write_json
from kerascnn.foundation.machine import system
from kerascnn.training.backend.distribution import ALONE, Team
from kerascnn.training.run import Run

if TYPE_CHECKING:
    from kerascnn.training.backend.machine import Device

log = logging.getLogger(__name__)

PACKAGES = ("kerascnn", "keras", "tensorflow", "jax", "ai-edge-litert", "numpy", "pillow")


def environment(dataset: Dataset, device: "Device | None" = None, team: Team = ALONE) -> dict[str, Any]:
    """Return the content of ``environment.json``, without host or user names.

    Args:
        dataset: The training data; the hash of each split is recorded.
        device: The device of the training.
        team: The processes that trained together.
    """
    import keras

    return {
        "python": platform.python_version(),
        "platform": f"{system()}, {platform.machine()}",
        "processors": os.cpu_count(),
        "backend": keras.backend.backend(),
        "devices": keras.distribution.list_devices(),
        **({"device": asdict(device)} if device else {}),
        **(
            {"processes_together": team.processes, "devices_together": team.devices}
            if team.devices > 1
            else {}
        ),
        "versions": {package: _version(package) for package in PACKAGES},
        "data_sha256": dataset.digests(),
        "skipped_files": [file.to_dict() for file in dataset.left_out],
        "git": _git_commit(),
    }


def warn_of_other_versions(run: Run) -> None:
    """Warn if a resumed run meets other package versions."""
    for package, began in run.read("environment.json")["versions"].items():
        if package in PACKAGES and began != _version(package):
            log.warning(
                "%s began with %s %s and resumes with %s: its weights will differ from those of an "
                "uninterrupted run.",
                *(run.path, package, began, _version(package)),
            )


def record_resumption(run: Run, device: "Device") -> None:
    """Add the time and versions of a resumption to ``environment.json``."""
    stored = run.read("environment.json")
    now = {
        "resumed": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "device": asdict(device),
        "versions": {package: _version(package) for package in PACKAGES},
    }
    stored["resumed"] = [*stored.get("resumed", []), now]
    write_json(run.path / "environment.json", stored)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """Return the commit of the current directory, ``None`` outside a repository or without git."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
