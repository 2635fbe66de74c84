"""The registry of models. A module of this folder joins by adding a family to ``families``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kerascnn.errors import UsageError
from kerascnn.models.heads import heads
from kerascnn.registry import Registry, discover


@dataclass(frozen=True)
class Family:
    """A model a user can name, with its published or modern forms.

    Attributes:
        name: As registered, for instance ``lenet5``.
        title: As people write it, for instance ``LeNet-5``.
        variants: Their names, the default first.
        build: The builder; it takes the keywords of :func:`build`.
        image_size: Side of the input in pixels when nothing else is asked for; ``channels`` and ``classes``
            likewise.
    """

    name: str
    title: str
    variants: tuple[str, ...]
    build: Callable[..., Any]
    image_size: int
    channels: int
    classes: int

    def check_variant(self, variant: str) -> None:
        """Refuse a variant that the family does not have.

        Raises:
            UsageError: It is unknown.
        """
        if variant not in self.variants:
            raise UsageError(
                f"Unknown variant {variant!r} of {self.name}. Known: {', '.join(self.variants)}."
            )


families: Registry[Family] = Registry("model")


def known_models() -> Registry[Family]:
    """Return every family of this folder's modules."""
    discover("kerascnn.models")
    return families


def family(name: str) -> Family:
    """Return the family that a name or alias stands for.

    Raises:
        UsageError: The name is unknown.
    """
    return known_models()[name]


def build(
    name: str,
    *,
    variant: str | None = None,
    head: str = "fc",
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
    pixel_mean: float = 0.0,
    pixel_std: float = 255.0,
) -> Any:
    """Build a model by name; what is not given is the family's default.

    Args:
        name: A family or its alias.
        variant: One of the family's variants.
        head: ``fc``, ``conv1x1`` or ``nin``.
        image_size: Side of the square input in pixels.
        channels: Of the input.
        classes: Number of logits.
        pixel_mean: The first layer maps raw pixels (0 to 255) to (pixel − pixel_mean) / pixel_std.
        pixel_std: See ``pixel_mean``.

    Returns:
        A ``keras.Model`` from raw pixels, shape (image_size, image_size, channels), to logits (classes,).

    Raises:
        UsageError: A name is unknown, or the size does not fit.
    """
    known = family(name)
    return known.build(
        variant=variant or known.variants[0],
        head=heads.canonical(head),
        image_size=image_size or known.image_size,
        channels=channels or known.channels,
        classes=classes or known.classes,
        pixel_mean=pixel_mean,
        pixel_std=pixel_std,
    )
