"""``card.md``: the model card of a run."""

from kerascnn.analysis.evaluation.metrics import Accuracy, beside_accuracy, percent
from kerascnn.foundation.files import write_text
from kerascnn.foundation.text.escapes import in_markdown
from kerascnn.models.architecture import Architecture
from kerascnn.training.run import Run


def write_card(run: Run) -> None:
    """Write the card from the run's other files, including the quantized ones.

    A training that was interrupted before its test has nothing to put on a card.
    """
    if not run.has_metrics:
        return
    metrics, environment = run.metrics(), run.read("environment.json")
    preprocessing = run.read("model.json")["preprocessing"]
    data = metrics["data"]
    lines = [
        f"# {run.path.resolve().name}",
        "",
        f"{Architecture.among(metrics)}, trained on `{data['source']}` with seed {run.record.seed} on "
        f"{run.record.created.date()}; {metrics['parameters']:,} trainable parameters.",
        "",
        "| what | figure |",
        "|---|---|",
        f"| test accuracy | {Accuracy.from_dict(metrics['test'])} |",
        *(f"| {what} | {in_markdown(words)} |" for what, words in beside_accuracy(metrics).items()),
        f"| images | {data['train']:,} training, {data['validation']:,} validation, {data['test']:,} test |",
        f"| training | {metrics['epochs']} epochs, {metrics['seconds']:.1f} s, {run.record.state}; "
        f"the weights are those of epoch {metrics['kept_epoch']} |",
        f"| input | raw pixels 0 to 255, {preprocessing['height']}×{preprocessing['width']}"
        f"×{preprocessing['channels']}, {preprocessing['margin']} pixels of black margin |",
        f"| made with | Python {environment['python']}, "
        + ", ".join(f"{name} {number}" for name, number in environment["versions"].items() if number)
        + " |",
        *_quantized(run),
        "",
        "All settings are in `config.toml`, the epochs in `history.csv`, the figures in `plots/`.",
    ]
    write_text(run.path / "card.md", "\n".join(lines) + "\n")


def _quantized(run: Run) -> list[str]:
    rows = []
    for name in run.results:
        result = run.read(name)
        latency = result["latency_us"]
        rows.append(
            f"| `tflite/{result['file']}` | {percent(result['accuracy'])} on the same test images, "
            f"{percent(result['agreement'])} the same predictions, {result['bytes']:,} bytes"
            + (f", {latency['median']:.1f} µs median |" if latency else " |")
        )
    return rows
