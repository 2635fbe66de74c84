"""``summary``: the layer table of a named model, a run or a Keras file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.errors import UsageError
from kerascnn.model_file import load_model
from kerascnn.models.family import build, family, known_models
from kerascnn.models.heads import heads
from kerascnn.profile import Profile, profile
from kerascnn.run import Run


@dataclass(frozen=True)
class Summary:
    """A model's names and its layer table."""

    model: str
    variant: str
    head: str
    profile: Profile

    def to_dict(self) -> dict[str, Any]:
        """Return model, variant, head, parameters, multiply_adds, connections, layers."""
        names = {"model": self.model, "variant": self.variant, "head": self.head}
        return names | self.profile.to_dict()


def summary(model: Run | Path | str, *, head: str | None = None) -> Summary:
    """Measure a model layer by layer.

    Args:
        model: A run folder, a ``.keras`` file, or the name of a model in its usual form.
        head: For a model's name: ``fc`` (the default), ``conv1x1`` or ``nin``.

    Raises:
        UsageError: The name is unknown, or a head is asked for where the file already has one.
        KerasCnnError: The file cannot be opened.
    """
    path = Path(model)
    if str(model) in known_models() or not (path.exists() or path.suffix or len(path.parts) > 1):
        known, head = family(str(model)), heads.canonical(head or "fc")
        return Summary(known.name, known.variants[0], head, profile(build(known.name, head=head)))
    if head is not None:
        raise UsageError(f"{path} has its head already: --head goes with a model's name.")
    if path.suffix and path.is_file() and path.suffix != ".keras":
        raise UsageError(f"{path} is neither a run folder nor a .keras file.")
    opened, description = load_model(path if path.suffix == ".keras" else Run.open(path).require_model())
    return Summary(description.model, description.variant, description.head, profile(opened))
