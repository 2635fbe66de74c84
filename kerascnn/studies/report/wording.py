"""What every report of a study says around its figures."""

from kerascnn.foundation.text.wording import counted
from kerascnn.models.family import family
from kerascnn.studies.results.settings import StudySettings
from kerascnn.studies.results.study import Study


def title(study: Study) -> str:
    """Return the question of a study, in one line."""
    names = study.settings.differing.get("model", {}).values() or [study.settings.model]
    models = " and ".join(dict.fromkeys(family(name).title for name in names))
    *others, last = (head.name for head in study.heads)
    asked = f"{', '.join(others)} or {last}?" if others else last
    return f"{models} on {study.settings.data}: {asked}"


def basis(study: Study) -> str:
    """Return on how many images and seeds the figures rest."""
    return study.heads[0].accuracy.basis


def how_to_read(study: Study) -> str:
    """Explain what the figures in the table mean."""
    seeds, images = study.heads[0].accuracy.correct.shape
    means, draws = "", "images"
    if seeds > 1:
        means, draws = f" means over {seeds} seeds, ± is their standard deviation,", "seeds and images"
    turns = ", the files in turns" if study.verdicts else ""
    return (
        f"Accuracies are{means} on the same {images:,} test images, with the 95 % Wilson interval for that "
        f"number of images. The verdict goes by its interval alone, a paired bootstrap over {draws}. "
        f"Latency is the median of {study.heads[0].latency.runs:,} inferences on one thread{turns}. One "
        "multiply-add is 2 FLOPs. The head's share is that of the network's parameters."
    )


def conditions(settings: StudySettings) -> list[str]:
    """Return what was equal for all heads, a line each."""
    if settings.differing:
        return ["not under equal conditions, see above"]
    seeds = f"seeds {', '.join(map(str, settings.seeds))}"
    epochs = counted(settings.epochs, "epoch")
    return [
        f"the network: {settings.variant}, normalization {settings.norm}, "
        f"{settings.image_size}×{settings.image_size} pixels",
        f"every head: {epochs}, batch {settings.batch_size}, peak learning rate "
        f"{settings.learning_rate}, weight decay {settings.weight_decay}, the same order of images",
        seeds,
    ]
