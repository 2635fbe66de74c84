"""Settings of a network, completed and checked before Keras is loaded, and its builder."""

from typing import Annotated, Any, Self

from pydantic import Field

from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.settings import Settings
from kerascnn.models.architecture import UNKNOWN, Architecture
from kerascnn.models.family import Variant, families, family
from kerascnn.models.geometry import LARGEST_IMAGE, check_image_size
from kerascnn.models.heads import heads
from kerascnn.models.keras_defaults import set_keras_defaults

Width = Annotated[int, Field(ge=1, le=65_536)]  # wider layers fit no memory


class Network(Settings):
    """Settings of a network; :meth:`complete` fills in those that are ``None``.

    Attributes:
        model: A family or its alias.
        variant: One of the family's variants; ``None``: its first.
        norm: Normalization after convolutions: ``batch``, ``lrn`` or ``none``; ``None``: the variant's first.
        head: ``fc``, ``conv1x1`` or ``nin``.
        head_units: Widths of the head's hidden layers; ``None``: the paper's.
        image_size: Side of the square input in pixels.
        channels: Channels of the input.
        classes: Number of logits.
    """

    model: str = "lenet5"
    variant: str | None = None
    norm: str | None = None
    head: str = "fc"
    head_units: tuple[Width, ...] | None = None
    image_size: int | None = Field(default=None, ge=1, le=LARGEST_IMAGE)
    channels: int | None = Field(default=None, ge=1, le=1024)
    classes: Width | None = None

    @property
    def architecture(self) -> Architecture:
        """Its names; what is still to be filled in is ``unknown``.

        Raises:
            UsageError: The model is unknown.
        """
        return Architecture(
            model=families.canonical(self.model),
            variant=self.variant or UNKNOWN,
            norm=self.norm or UNKNOWN,
            head=self.head,
        )

    def complete(self) -> Self:
        """Return the settings with canonical names and all defaults.

        Raises:
            UsageError: A name is unknown, the variant does not have it, or the image size does not fit.
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

    def _head(self, name: str, variant: Variant) -> tuple[str, tuple[int, ...]]:
        """Return the head's name and widths, empty if it has none to choose."""
        head = heads.canonical(self.head)
        if head not in variant.heads:
            raise UsageError(f"{name} takes head {' or '.join(variant.heads)} only: {variant.why_heads}")
        if self.head_units and not (heads[head].has_units and variant.units):
            raise UsageError(f"The {head} head of {name} has no hidden layers whose widths could be chosen.")
        return head, (self.head_units or variant.units) if heads[head].has_units else ()


def build(model: str, *, pixel_mean: float = 0.0, pixel_std: float = 255.0, **network: Any) -> Any:
    """Build a network by its settings.

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
    mean, std = complete.architecture.facts().pixels or (pixel_mean, pixel_std)
    return family(model).build(complete, mean, std)
