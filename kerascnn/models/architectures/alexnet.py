"""AlexNet (Krizhevsky, Sutskever, Hinton, 2012) and its variants.

Krizhevsky, Sutskever, Hinton: "ImageNet Classification with Deep Convolutional Neural Networks", 2012.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.models.family import Family, Variant
from kerascnn.models.geometry import Window
from kerascnn.models.heads import heads

if TYPE_CHECKING:
    from kerascnn.models.network import Network

UNITS = (4096, 4096)
DROPOUT = 0.5  # in the head, as in the paper
NORMS = ("batch", "lrn", "none")
MOMENTUM = 0.9  # of batch normalization's averages; Keras' 0.99 needs more steps than a short training has


@dataclass(frozen=True)
class Stage:
    """One convolution with its normalization and pooling.

    Attributes:
        number: 1 to 5, as in the paper.
        filters: Number of filters in both towers.
        pool: Side and stride of the max pooling behind it, ``None`` for none.
        lrn: Whether the paper normalizes its responses.
    """

    number: int
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: tuple[int, int] | None = None
    lrn: bool = False

    @property
    def windows(self) -> list[Window]:
        """The filter and the pooling window of the stage."""
        convolution = Window(f"conv{self.number}", self.kernel, self.stride, self.padding)
        return [convolution, *([Window(f"pool{self.number}", *self.pool)] if self.pool else [])]


def _stages(first: Stage, pool: tuple[int, int]) -> tuple[Stage, ...]:
    return (
        first,
        Stage(2, 256, kernel=5, padding=2, pool=pool, lrn=True),
        Stage(3, 384, kernel=3, padding=1),
        Stage(4, 384, kernel=3, padding=1),
        Stage(5, 256, kernel=3, padding=1, pool=pool),
    )


_PAPER = _stages(Stage(1, 96, kernel=11, stride=4, pool=(3, 2), lrn=True), pool=(3, 2))
_SMALL = _stages(Stage(1, 96, kernel=3, padding=1, pool=(2, 2), lrn=True), pool=(2, 2))
STAGES = {"one_tower": _PAPER, "two_towers": _PAPER, "small_stem": _SMALL}

#: The notes count weights without biases, of two halves.
_LECTURE = {
    "pixels": "the notes write 244×244, the paper 224×224: (244 − 11)/4 + 1 = 59.25, (224 − 11)/4 + 1 = "
    "54.25; only 227 gives 55",
    "conv1": f"11·11·3·48·2 = {11 * 11 * 3 * 48 * 2:,} in the notes, which leave biases out; without weight "
    f"sharing one note counts 105,415,600, but 55·55·96·(11·11·3 + 1) = {55 * 55 * 96 * (11 * 11 * 3 + 1):,}",
    "conv2": f"5·5·48·128·2 = {5 * 5 * 48 * 128 * 2:,} in the notes: two halves, without biases",
    "conv3": f"3·3·128·2·192·2 = {3 * 3 * 128 * 2 * 192 * 2:,} in the notes, without biases",
    "conv4": f"3·3·192·192·2 = {3 * 3 * 192 * 192 * 2:,} in the notes: two halves, without biases",
    "conv5": f"3·3·192·128·2 = {3 * 3 * 192 * 128 * 2:,} in the notes: two halves, without biases",
    "fc1": f"13·13·128·2·2,048·2 = {13 * 13 * 128 * 2 * 2048 * 2:,} in the notes, which leave out pool5; "
    f"with it the map is 6×6×256 and 9,216·4,096 = {9216 * 4096:,}",
    "fc2": f"2,048·2·2,048·2 = {2048 * 2 * 2048 * 2:,} in the notes, without biases",
    "logits": f"2,048·2·1,000 = {2048 * 2 * 1000:,} in the notes, without biases",
}


def _variant(name: str, note: str, image_size: int = 227, lecture: dict[str, str] | None = None) -> Variant:
    return Variant(
        note=note,
        windows=tuple(window for stage in STAGES[name] for window in stage.windows),
        image_size=image_size,
        channels=3,
        classes=1000,
        units=UNITS,
        norms=NORMS,
        lecture=lecture or {},
    )


VARIANTS = {
    "one_tower": _variant(
        "one_tower",
        "All filters in one tower: 62,378,344 parameters with fc, 227×227×3 and 1,000 classes without "
        "normalization; the paper splits them over two GPUs (variant two_towers). torchvision's alexnet is "
        "another network, of 'One weird trick' (2014): 61,100,840 parameters.",
        lecture=_LECTURE,
    ),
    "two_towers": _variant(
        "two_towers",
        "The published form: two towers that meet before conv3 and before the head, 60,965,224 parameters "
        "with fc, 227×227×3 and 1,000 classes, with local response normalization (--norm lrn; here each "
        "tower its own). "
        "torchvision's alexnet is another network, of 'One weird trick' (2014): 61,100,840 parameters.",
        lecture=_LECTURE,
    ),
    "small_stem": _variant(
        "small_stem",
        "For small images, not in the paper: the first layer is 3×3 with stride 1, pooling is 2×2 with "
        "stride 2, so that 32×32 ends at 4×4×256; filters and head are AlexNet's.",
        image_size=32,
    ),
}


def alexnet(
    head: str = "fc",
    *,
    variant: str = "one_tower",
    norm: str = "batch",
    pixel_mean: float = 0.0,
    pixel_std: float = 255.0,
    **network: Any,
) -> Any:
    """Build a variant of AlexNet.

    Differs from the paper: batch normalization directly after each convolution instead of local response
    normalization (``norm="lrn"`` has the paper's), one tower instead of two (``variant="two_towers"``), and
    227×227 pixels, because the paper's 224 does not fit. 62,378,344 trainable parameters for 1,000 classes
    with ``norm="none"`` or ``"lrn"``; batch normalization adds two trained and two counted numbers a filter.

    Args:
        head: ``fc`` (4,096, 4,096, classes; dropout 0.5), ``conv1x1`` or ``nin``.
        variant: ``one_tower``, ``two_towers`` (60,965,224), or ``small_stem`` for 32 to 96 pixels.
        norm: ``batch``, ``lrn`` or ``none``.
        pixel_mean: The first layer maps raw pixels (0 to 255) to (pixel − pixel_mean) / pixel_std.
        pixel_std: See ``pixel_mean``.
        **network: ``head_units`` (4096, 4096), ``image_size`` 227 (227 ± 32·k; ``small_stem``: a multiple of
            8 from 16), ``channels`` 3, ``classes`` 1,000.

    Returns:
        A ``keras.Model`` from raw pixels, shape (image_size, image_size, channels), to logits (classes,).

    Raises:
        UsageError: The image size does not fit, or a name is unknown.

    >>> alexnet(norm="none", head="nin").count_params()
    4004200
    """
    from kerascnn.models.network import build

    return build(
        "alexnet",
        variant=variant,
        norm=norm,
        head=head,
        pixel_mean=pixel_mean,
        pixel_std=pixel_std,
        **network,
    )


def _build(network: "Network", pixel_mean: float, pixel_std: float) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input((network.image_size, network.image_size, network.channels), name="pixels")
    maps = layers.Rescaling(1 / pixel_std, -pixel_mean / pixel_std, name="rescaling")(pixels)
    backbone = _two_towers if network.variant == "two_towers" else _one_tower
    features = backbone(maps, STAGES[str(network.variant)], str(network.norm))
    head = heads[network.head].build
    logits = head(features, network.head_units or (), network.classes or 0, DROPOUT)
    return keras.Model(pixels, logits, name="alexnet")


def _one_tower(maps: Any, stages: Sequence[Stage], norm: str) -> Any:
    for stage in stages:
        maps = _stage(maps, stage, stage.filters, norm)
    return maps


def _two_towers(maps: Any, stages: Sequence[Stage], norm: str) -> Any:
    """Build two towers that meet before conv3 and before the head.

    No split and no grouped convolution: those do not run on every CPU, do not compile for the Edge TPU, and
    cannot be trained quantization-aware.
    """
    from keras import layers

    left = right = maps
    for stage in stages:
        if stage.number == 3:
            left = right = layers.Concatenate(name="both2")([left, right])
        left = _stage(left, stage, stage.filters // 2, norm, tower="a")
        right = _stage(right, stage, stage.filters // 2, norm, tower="b")
    return layers.Concatenate(name="both5")([left, right])


def _stage(maps: Any, stage: Stage, filters: int, norm: str, tower: str = "") -> Any:
    from keras import layers

    place = f"{stage.number}{tower}"
    padding = "same" if stage.padding else "valid"
    maps = layers.Conv2D(filters, stage.kernel, stage.stride, padding, name=f"conv{place}")(maps)
    if norm == "batch":  # before the ReLU, so that it folds into the convolution in int8
        maps = layers.BatchNormalization(momentum=MOMENTUM, name=f"norm{place}")(maps)
    maps = layers.ReLU(name=f"relu{place}")(maps)
    if norm == "lrn" and stage.lrn:
        from kerascnn.models.layers.local_response_normalization import LocalResponseNormalization

        maps = LocalResponseNormalization(name=f"norm{place}")(maps)
    if stage.pool:
        maps = layers.MaxPooling2D(*stage.pool, name=f"pool{place}")(maps)
    return maps


ALEXNET = Family("alexnet", "AlexNet", variants=VARIANTS, build=_build)
