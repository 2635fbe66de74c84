"""``summary``: the layer table of a named model, a run or a Keras file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.errors import UsageError
from kerascnn.model_file import load_model
from kerascnn.models.family import Network, build, family, known_models
from kerascnn.profile import Profile, profile
from kerascnn.run import Run


@dataclass(frozen=True)
class Summary:
    """A model's names and its layer table."""

    model: str
    variant: str
    norm: str
    head: str
    profile: Profile

    def to_dict(self) -> dict[str, Any]:
        """Return model, variant, head, parameters, multiply_adds, connections, layers."""
        names = {"model": self.model, "variant": self.variant, "norm": self.norm, "head": self.head}
        return names | self.profile.to_dict()


def summary(model: Run | Path | str, **network: Any) -> Summary:
    """Measure a model layer by layer.

    Args:
        model: A run folder, a ``.keras`` file, or the name of a model in its usual form.
        **network: For a model's name, see :class:`kerascnn.models.family.Network`.

    Raises:
        UsageError: A name is unknown, the network does not fit together, or settings of a network are given
            where the file already has its own.
        KerasCnnError: The file cannot be opened.
    """
    path = Path(model)
    asked = {setting: value for setting, value in network.items() if value is not None}
    if str(model) in known_models() or not (path.exists() or path.suffix or len(path.parts) > 1):
        complete = Network(model=str(model), **asked).complete()
        name, variant = family(complete.model).name, str(complete.variant)
        return Summary(
            name, variant, str(complete.norm), complete.head, profile(build(**complete.model_dump()))
        )
    if asked:
        raise UsageError(f"{path} is a network already: {', '.join(asked)} goes with a model's name.")
    if path.suffix and path.is_file() and path.suffix != ".keras":
        raise UsageError(f"{path} is neither a run folder nor a .keras file.")
    opened, description = load_model(path if path.suffix == ".keras" else Run.open(path).require_model())
    return Summary(
        description.model, description.variant, description.norm, description.head, profile(opened)
    )
