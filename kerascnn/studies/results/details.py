"""What a report has beyond the figures of a head, as numbers: seeds, classes, confusions, calibration."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.analysis.evaluation.reliability import Reliability
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.training.records.history import read_history
from kerascnn.training.run import Run

if TYPE_CHECKING:
    from kerascnn.studies.results.study import HeadResult


def head_details(head: "HeadResult", evidence: Evidence) -> dict[str, Any]:
    """Return by_seed, by_class, confusions, calibration and runs of a head; accuracies are shares of 1."""
    group, labels = head.group, evidence.test.labels
    return {
        "by_seed": [
            {
                "seed": seed,
                "float": float(head.accuracy.correct[number].mean()),
                "int8": float(head.int8.correct[number].mean()),
                "agreement": answers.agreement,
            }
            for number, (seed, answers) in enumerate(zip(head.seeds, group.answers, strict=True))
        ],
        "by_class": [
            {
                "class": name,
                "test_images": int(mine.sum()),
                "float": float(head.accuracy.correct[:, mine].mean()) if mine.any() else None,
                "int8": float(head.int8.correct[:, mine].mean()) if mine.any() else None,
            }
            for label, name in enumerate(evidence.classes)
            for mine in (labels == label,)
        ],
        "confusions": _confusions(group, evidence),
        "calibration": {
            name: _calibration(Reliability.of(answers, labels))
            for name, answers in (("float", group.floating), ("int8", group.int8))
        },
        "runs": [_run(run) for run in group.runs],
    }


def _confusions(group: Group, evidence: Evidence) -> list[dict[str, Any]]:
    """Return which class was taken for which by the Keras models; images are means over the seeds."""
    counts = group.confusion(evidence.test.labels)
    np.fill_diagonal(counts, 0)
    return [
        {
            "truth": evidence.classes[truth],
            "taken_for": evidence.classes[answer],
            "images": float(counts[truth, answer]),
        }
        for truth, answer in np.argwhere(counts)
    ]


def _calibration(found: Reliability) -> dict[str, Any]:
    return {
        "expected_error": found.error,
        "answers": found.n,
        "bins": [asdict(each) for each in found.bins],
    }


def _run(run: Run) -> dict[str, Any]:
    """Return a training with its epochs; what is not known of it is left out."""
    known = run.metrics() if run.has_metrics else {}
    return {
        "run": run.path.name,
        "seed": run.record.seed,
        "begun": run.record.created.isoformat(),
        **{name: known[name] for name in ("epochs", "kept_epoch", "seconds") if name in known},
        "history": [dict(epoch) for epoch in read_history(run)],
    }
