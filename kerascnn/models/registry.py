"""The registry of models. A module of this folder joins by adding a family to ``families``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import Field

from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.registry import Registry, discover
from kerascnn.foundation.settings import Settings
from kerascnn.models.geometry import LARGEST, Window, check_image_size
from kerascnn.models.heads import heads
from kerascnn.models.keras_defaults import set_keras_defaults

Width = Annotated[int, Field(ge=1, le=65_536)]  # wider layers fit no memory


class Network(Settings):
    """Which network: what is ``None`` is filled in by :meth:`complete`.

    Attributes:
        model: A family or its alias.
        variant: One of the family's variants; ``None``: its first.
        norm: Normalization after convolutions: ``batch``, ``lrn`` or ``none``; ``None``: the variant's first.
        head: ``fc``, ``conv1x1`` or ``nin``.
        head_units: Widths of the head's hidden layers; ``None``: the paper's.
        image_size: Side of the square input in pixels.
        channels: Of the input.
        classes: Number of logits.
    """

    model: str = "lenet5"
    variant: str | None = None
    norm: str | None = None
    head: str = "fc"
    head_units: tuple[Width, ...] | None = None
    image_size: int | None = Field(default=None, ge=1, le=LARGEST)
    channels: int | None = Field(default=None, ge=1, le=1024)
    classes: Width | None = None

    def complete(self) -> Self:
        """Return the same with canonical names and every gap filled.

        Raises:
            UsageError: A name is unknown, the variant lacks it, or the image size does not fit.
        """
        known = family(self.model)
        name, variant = known.variant(self.variant)
        title = f"{known.name} {name}"
        size = variant.image_size if self.image_size is None else self.image_size
        head, units = self._head(title, variant)
        filled = {
            "variant": name,
            "norm": variant.check_norm(self.norm, title),
            "head": head,
            "head_units": units,
            "image_size": size,
            "channels": variant.channels if self.channels is None else self.channels,
            "classes": variant.classes if self.classes is None else self.classes,
        }
        for setting, published in variant.fixed.items():
            if filled[setting] != published:
                raise UsageError(
                    f"{title} exists with {setting}={published} only. Received: {filled[setting]}"
                )
        check_image_size(variant.windows, size)
        return self.model_copy(update=filled)

    def _head(self, name: str, variant: "Variant") -> tuple[str, tuple[int, ...]]:
        """Return the head's name and its widths, empty where it has none to choose."""
        head = heads.canonical(self.head)
        if head not in variant.heads:
            raise UsageError(f"{name} takes head {' or '.join(variant.heads)} only: {variant.why_heads}")
        if self.head_units and not (heads[head].has_units and variant.units):
            raise UsageError(f"The {head} head of {name} has no hidden layers whose widths could be chosen.")
        return head, (self.head_units or variant.units) if heads[head].has_units else ()


@dataclass(frozen=True)
class Variant:
    """One published or modern form of a model.

    Attributes:
        note: What it is, how it differs from the paper and from other networks that share the name.
        windows: What slides over the maps, in order; they decide which image sizes fit.
        image_size: Side of the input in pixels when nothing else is asked for; ``channels`` and ``classes``
            likewise.
        units: Widths of the head's hidden layers, none where the variant ends in layers of its own.
        norms: Known normalizations, the default first.
        heads: The heads it takes; ``why_heads`` says why not the others.
        fixed: Settings that have one possible value.
        pixels: Fixed (mean, deviation) of the first layer; ``None``: those of the training images.
        lecture: What the lecture notes count differently at the default size, by layer.
    """

    note: str
    windows: tuple[Window, ...]
    image_size: int
    channels: int
    classes: int
    units: tuple[int, ...]
    norms: tuple[str, ...] = ("none",)
    heads: tuple[str, ...] = ("fc", "conv1x1", "nin")
    why_heads: str = ""
    fixed: Mapping[str, int] = field(default_factory=dict)
    pixels: tuple[float, float] | None = None
    lecture: Mapping[str, str] = field(default_factory=dict)

    @property
    def pads_first(self) -> bool:
        """Whether the first convolution pads: then an offset of the pixels would not melt into int8."""
        return self.windows[0].padding > 0

    def check_norm(self, norm: str | None, name: str) -> str:
        """Return a known normalization, the default for ``None``.

        Raises:
            UsageError: The variant does not have it.
        """
        if norm is not None and norm not in self.norms:
            raise UsageError(f"Unknown norm {norm!r} for {name}. Known: {', '.join(self.norms)}.")
        return norm or self.norms[0]


@dataclass(frozen=True)
class Family:
    """A model a user can name, with its forms.

    Attributes:
        name: As registered, for instance ``lenet5``.
        title: As people write it, for instance ``LeNet-5``.
        variants: By name, the default first.
        build: The builder: (complete network, pixel_mean, pixel_std) to a ``keras.Model``.
    """

    name: str
    title: str
    variants: Mapping[str, Variant]
    build: Callable[[Network, float, float], Any]

    def variant(self, name: str | None) -> tuple[str, Variant]:
        """Return a variant and its name, the default for ``None``.

        Raises:
            UsageError: It is unknown.
        """
        name = name or next(iter(self.variants))
        if name not in self.variants:
            raise UsageError(f"Unknown variant {name!r} of {self.name}. Known: {', '.join(self.variants)}.")
        return name, self.variants[name]


families: Registry[Family] = Registry("model")


def known_models() -> Registry[Family]:
    """Return every family of this folder's modules."""
    discover("kerascnn.models.architectures")
    return families


def family(name: str) -> Family:
    """Return the family that a name or alias stands for.

    Raises:
        UsageError: The name is unknown.
    """
    return known_models()[name]


def build(model: str, *, pixel_mean: float = 0.0, pixel_std: float = 255.0, **network: Any) -> Any:
    """Build a model by name.

    Args:
        model: A family or its alias.
        pixel_mean: The first layer maps raw pixels (0 to 255) to (pixel − pixel_mean) / pixel_std.
        pixel_std: See ``pixel_mean``.
        **network: See :class:`Network`; what is not given is the family's default.

    Returns:
        A ``keras.Model`` from raw pixels, shape (image_size, image_size, channels), to logits (classes,).

    Raises:
        UsageError: A name is unknown, or the size does not fit.
    """
    set_keras_defaults()
    complete = Network(model=model, **network).complete()
    _, variant = family(model).variant(complete.variant)
    mean, std = variant.pixels or (pixel_mean, pixel_std)
    return family(model).build(complete, mean, std)
