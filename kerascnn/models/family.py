"""Models by name with their variants, in plain Python for help and completion."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.registry import Registry
from kerascnn.models.geometry import Window
from kerascnn.models.heads import heads

if TYPE_CHECKING:
    from kerascnn.models.network import Network


@dataclass(frozen=True)
class Variant:
    """A published or modern variant of a model.

    Attributes:
        note: Description, with the differences from the paper and from other networks of the name.
        windows: Sliding windows in order, which decide the possible image sizes.
        image_size: Side of the input in pixels when nothing else is asked for; ``channels`` and ``classes``
            likewise.
        units: Widths of the head's hidden layers, none where the variant ends in layers of its own.
        norms: Known normalizations, the default first.
        heads: The heads it takes, usually every one there is; ``why_heads`` says why not the others.
        fixed: Settings that have one possible value.
        pixels: Fixed (mean, deviation) of the first layer; ``None``: those of the training images.
        lecture: Differences from the lecture notes at the default size, by layer.
    """

    note: str
    windows: tuple[Window, ...]
    image_size: int
    channels: int
    classes: int
    units: tuple[int, ...]
    norms: tuple[str, ...] = ("none",)
    heads: Collection[str] = field(default_factory=lambda: heads)
    why_heads: str = ""
    fixed: Mapping[str, int] = field(default_factory=dict)
    pixels: tuple[float, float] | None = None
    lecture: Mapping[str, str] = field(default_factory=dict)

    @property
    def pads_first(self) -> bool:
        """Whether the first convolution pads, so that int8 could not absorb an offset of the pixels."""
        return self.windows[0].padding > 0

    def check_norm(self, norm: str | None, name: str) -> str:
        """Return a known normalization, the default for ``None``.

        Raises:
            UsageError: The variant does not have it.
        """
        if norm is not None and norm not in self.norms:
            raise UsageError(f"Unknown norm {norm!r} for {name}. Available: {', '.join(self.norms)}.")
        return norm or self.norms[0]


@dataclass(frozen=True)
class Family:
    """A model with its name and variants.

    Attributes:
        name: Registered name, for example ``lenet5``.
        title: Name for people, for example ``LeNet-5``.
        variants: By name, the default first.
        build: The builder: (complete network, pixel_mean, pixel_std) to a ``keras.Model``.
        recipe: A TOML file with what its training starts from, for a model of another package.
    """

    name: str
    title: str
    variants: Mapping[str, Variant]
    build: Callable[["Network", float, float], Any]
    recipe: Path | None = None

    def variant(self, name: str | None) -> tuple[str, Variant]:
        """Return a variant and its name, the default for ``None``.

        Raises:
            UsageError: It is unknown.
        """
        name = name or next(iter(self.variants))
        if name not in self.variants:
            raise UsageError(
                f"Unknown variant {name!r} of {self.name}. Available: {', '.join(self.variants)}."
            )
        return name, self.variants[name]


families: Registry[Family] = Registry("model", "kerascnn.models", of=Family)
families.refer("alexnet", "kerascnn.models.architectures.alexnet:ALEXNET")
families.refer("lenet5", "kerascnn.models.architectures.lenet5:LENET5", aliases=("lenet",))


def family(name: str) -> Family:
    """Return the family of a name or alias, with its registered name.

    Raises:
        UsageError: The name is unknown.
        KerasCnnError: The package that offers it is broken.
    """
    return replace(families[name], name=families.canonical(name))
