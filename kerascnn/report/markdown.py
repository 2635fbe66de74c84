"""``report.md`` of a study."""

from typing import Any

from kerascnn.study import EdgeTpu, HeadResult, SeedAccuracies, Study


def markdown(study: Study) -> str:
    """Return the study as Markdown: verdict, table, how it was made."""
    settings, environment = study.settings, study.environment
    n, seeds = study.heads[0].accuracy.correct.shape[1], len(settings["seeds"])
    lines = [
        f"# {settings['model']} on {settings['data']}: {' against '.join(head.head for head in study.heads)}",
        "",
        *[f"**{verdict.sentence}**\n" for verdict in study.verdicts],
        *[f"{note}\n" for note in study.notes],
        "| head | parameters | multiply-adds | float accuracy | int8 accuracy | int8 bytes | int8 latency "
        "| Edge TPU |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *["| " + " | ".join([f"`{head.head}`", *figures(head)]) + " |" for head in study.heads],
        "",
        f"Accuracies are means over {seeds} seed{'s' if seeds > 1 else ''} on the same {n:,} test images, "
        "with the 95 % Wilson interval for that number of images; ± is the standard deviation over seeds. "
        "The verdict's interval is a paired bootstrap over seeds and images. Latency is the median of one "
        "inference on one thread, the files in turns. One multiply-add is 2 FLOPs.",
        "",
        "## How it was made",
        "",
        *_conditions(settings),
        f"- seeds {', '.join(map(str, settings['seeds']))}",
        f"- Python {environment['python']}, "
        + ", ".join(f"{name} {number}" for name, number in environment["versions"].items() if number),
        f"- {environment['platform']}, {environment['processors']} processors",
        f"- SHA-256 of the test images and labels: `{environment['data_sha256']['test']}`",
        f"- again: `{settings['command']}`",
    ]
    return "\n".join(lines) + "\n"


def _conditions(settings: dict[str, Any]) -> list[str]:
    if settings.get("differing"):
        return ["- not under equal conditions, see above"]
    return [
        f"- the network: {settings['variant']}, normalization {settings['norm']}, "
        f"{settings['image_size']}×{settings['image_size']} pixels",
        f"- every head: {settings['epochs']} epochs, batch {settings['batch_size']}, peak learning rate "
        f"{settings['learning_rate']}, weight decay {settings['weight_decay']}, the same order of images",
    ]


def figures(head: HeadResult) -> list[str]:
    """Return what the table says of a head behind its name, cell by cell."""
    return [
        f"{head.parameters:,}",
        "–" if head.multiply_adds is None else f"{head.multiply_adds:,}",
        _accuracy(head.accuracy),
        _accuracy(head.int8),
        f"{head.bytes:,}",
        f"{head.latency.median:.1f} µs",
        _on_edgetpu(head.edgetpu),
    ]


def _on_edgetpu(found: EdgeTpu) -> str:
    if found.verdict != "maps":
        return {"partly": "in part", "cpu": "not at all"}.get(found.verdict, found.verdict)
    return f"all, {found.streamed_bytes / 2**20:.1f} MiB streamed" if found.streamed_bytes else "all"


def _accuracy(found: SeedAccuracies) -> str:
    low, high = found.interval
    spread = f" ± {100 * found.sd:.2f}" if found.sd is not None else ""
    return f"{100 * found.mean:.2f}{spread} % ({100 * low:.2f} to {100 * high:.2f})"
