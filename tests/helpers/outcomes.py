"""What a training has made, as far as it may depend on nothing but its settings and its data."""

import csv
import json
import zipfile
from pathlib import Path

import h5py


def outcome(run: Path):
    """Everything that must not depend on whether a training was stopped."""
    weights = []

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            weights.append((name, item[()].tobytes()))

    with zipfile.ZipFile(run / "model.keras") as archive:
        h5py.File(archive.open("model.weights.h5")).visititems(collect)
    with (run / "history.csv").open() as rows:
        history = [row | {"seconds": None} for row in csv.DictReader(rows)]
    metrics = json.loads((run / "metrics.json").read_text()) | {"seconds": None}
    state = json.loads((run / "run.json").read_text())["state"]
    return weights, history, metrics, state
