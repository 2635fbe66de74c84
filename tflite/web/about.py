"""What a page says of each kind of layer: two sentences, and the page of the tutorial that tells more."""

from typing import NamedTuple


class About(NamedTuple):
    """Two sentences; ``page`` is relative to the tutorial."""

    text: str
    page: str


#: By the kind of a volume.
ABOUT: dict[str, About] = {
    "input": About(
        "The image as the network gets it, one number for each pixel and colour. All that follows is "
        "computed from these numbers alone.",
        "networks.html#lenet-5",
    ),
    "convolution": About(
        "A filter slides over all maps before it: at each place it multiplies what lies under it "
        "by its weights and adds everything up. Each filter draws one map, bright where its pattern is.",
        "convolution.html#many-filters-and-depth",
    ),
    "depthwise": About(
        "One filter slides over each map alone. Mixing the maps is left to the layer behind it.",
        "convolution.html#many-filters-and-depth",
    ),
    "max_pool": About(
        "Of each window only the largest value stays. The maps become smaller, and it counts less where "
        "exactly a pattern was.",
        "pooling.html#pooling",
    ),
    "average_pool": About(
        "Each window becomes the mean of its values. The maps become smaller and calmer.",
        "pooling.html#pooling",
    ),
    "mean": About(
        "Each map becomes one number, the mean of all its values. That needs no weights and takes maps of "
        "any size.",
        "heads.html#three-heads",
    ),
    "flatten": About(
        "The same numbers, now in one row. Nothing is computed; the next layer takes a row.",
        "heads.html#three-heads",
    ),
    "dense": About(
        "Every value reads all values before it, each with a weight of its own. This is why most "
        "parameters of an fc head are in its first layer.",
        "heads.html#three-heads",
    ),
    "softmax": About(
        "e is raised to each score and divided by the sum over all classes. What comes out is positive "
        "and adds up to 1, so it can be read as a probability.",
        "quantization.html#what-int8-means",
    ),
    "add": About(
        "Two volumes of one size are added, value by value. What went around a few layers is still there.",
        "networks.html#other-networks",
    ),
    "concatenation": About(
        "The maps of several branches lie behind each other. Nothing is computed; the next layer reads "
        "all of them.",
        "networks.html#alexnet",
    ),
    "pad": About(
        "Zeros are laid around the maps, so that filters can also sit on the border. Nothing else changes.",
        "convolution.html#padding",
    ),
    "quantize": About(
        "The same values on another scale of whole numbers. What lies between two steps is rounded.",
        "quantization.html#what-int8-means",
    ),
    "space_to_depth": About(
        "Each square of neighbouring pixels becomes one pixel with more channels. Nothing is computed.",
        "networks.html#other-networks",
    ),
}
NOTHING = About("", "index.html")
