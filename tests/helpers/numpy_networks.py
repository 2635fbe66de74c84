"""The networks in plain NumPy, written from the papers and not from the builders.

LeCun, Bottou, Bengio, Haffner, 1998: section II.B and appendix A.
Krizhevsky, Sutskever, Hinton, 2012: section 3.
A function takes weights by the name of their layer and returns logits. Maps are (image, row, column, map).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

EPSILON = 1e-3  # in batch normalization: Keras' value, the papers here have none

#: Which maps of S2 each map of C3 sees, in the order of its filter's planes: round the cycle (1998, table I).
SEEN = [
    *[(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1)],
    *[(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2)],
    *[(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)],
    (0, 1, 2, 3, 4, 5),
]

#: Of 2012: stride of the convolution, zeros around its input, whether responses are normalized behind it,
#: whether pooled. The filters' sides and numbers are those of the weights.
ALEXNET = {
    "conv1": (4, 0, True, True),
    "conv2": (1, 2, True, True),
    "conv3": (1, 1, False, False),
    "conv4": (1, 1, False, False),
    "conv5": (1, 1, False, True),
}
SPLIT = {"conv2", "conv4", "conv5"}  # see one half of the maps where the network is on two GPUs


def convolve(maps, kernel, bias, stride=1, padding=0, groups=1):
    """Return the product of each filter with each window; group g of the filters sees group g of the maps."""
    ring = (padding, padding)
    padded = np.pad(maps, ((0, 0), ring, ring, (0, 0)))
    windows = sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    parts = zip(np.split(windows, groups, axis=3), np.split(kernel, groups, axis=3), strict=True)
    products = [np.tensordot(seen, filters, axes=([3, 4, 5], [2, 0, 1])) for seen, filters in parts]
    return np.concatenate(products, axis=3) + bias


def pool(maps, side, stride):
    return sliding_window_view(maps, (side, side), axis=(1, 2))[:, ::stride, ::stride].max(axis=(4, 5))


def normalize_responses(maps, k=2.0, n=5, alpha=1e-4, beta=0.75):
    """Section 3.3: the sum runs over n maps around each, as many as there are at the ends."""
    last = maps.shape[3] - 1
    normalized = np.empty_like(maps)
    for i in range(last + 1):
        neighbours = maps[..., max(0, i - n // 2) : min(last, i + n // 2) + 1]
        normalized[..., i] = maps[..., i] / (k + alpha * (neighbours**2).sum(axis=3)) ** beta
    return normalized


def normalize_batch(maps, gamma, beta, mean, variance):
    return gamma * (maps - mean) / np.sqrt(variance + EPSILON) + beta


def joined(weights, name):
    """Return the weights of one layer, or of both towers as one layer's, the filters of tower a first."""
    if name in weights:
        return weights[name]
    pairs = zip(weights[f"{name}a"], weights[f"{name}b"], strict=True)
    return [np.concatenate(pair, axis=-1) for pair in pairs]


def alexnet(weights, maps, variant, norm, head, normalize_responses=normalize_responses):
    towers = 2 if variant == "two_towers" else 1
    window = (2, 2) if variant == "small_stem" else (3, 2)
    for name, (stride, padding, responses, pooled) in ALEXNET.items():
        if variant == "small_stem" and name == "conv1":
            stride, padding = 1, 1
        groups = towers if name in SPLIT else 1
        maps = convolve(maps, *joined(weights, name), stride, padding, groups)
        if norm == "batch":
            maps = normalize_batch(maps, *joined(weights, name.replace("conv", "norm")))
        maps = np.maximum(maps, 0)
        if norm == "lrn" and responses:  # each tower its own: its GPU has no other maps at hand
            halves = [normalize_responses(half) for half in np.split(maps, towers, axis=3)]
            maps = np.concatenate(halves, axis=3)
        if pooled:
            maps = pool(maps, *window)
    return HEADS[head](weights, maps)


def lenet5_modern(weights, maps, variant, norm, head):
    for name in ("conv1", "conv2"):
        maps = pool(np.maximum(convolve(maps, *weights[name]), 0), 2, 2)
    return HEADS[head](weights, maps)


def lenet5_paper(weights, maps, variant, norm, head):
    maps = subsample(squash(convolve(maps, *weights["C1"])), *weights["S2"])
    maps = convolve_table(squash(maps), *weights["C3"])
    maps = subsample(squash(maps), *weights["S4"])
    maps = squash(convolve(squash(maps), *weights["C5"]))
    kernel, bias = weights["F6"]
    values = squash(maps[:, 0, 0] @ kernel + bias)
    return -np.array([[((value - code) ** 2).sum() for code in weights["RBF"][0]] for value in values])


def squash(values):
    return 1.7159 * np.tanh(2 / 3 * values)


def subsample(maps, coefficient, bias):
    """Four neighbours are added, multiplied by a trainable coefficient, and added to a trainable bias."""
    corners = [maps[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return sum(corners) * coefficient + bias


def convolve_table(maps, planes, bias):
    """Each map of C3 from the maps it sees; the planes of all filters stand one after the other."""
    outputs, first = [], 0
    for number, seen in enumerate(SEEN):
        kernel = planes[:, :, first : first + len(seen), np.newaxis]
        outputs.append(convolve(maps[..., seen], kernel, bias[number]))
        first += len(seen)
    return np.concatenate(outputs, axis=3)


def fc(weights, maps):
    """Dense layers on all values of the maps: row by row, in a row place by place, at a place map by map."""
    hidden = maps.reshape(len(maps), -1)
    for name in ("fc1", "fc2"):
        hidden = np.maximum(hidden @ weights[name][0] + weights[name][1], 0)
    return hidden @ weights["logits"][0] + weights["logits"][1]


def conv1x1(weights, maps):
    """Dense layers at every place of the maps, the mean over all places of what comes out."""
    for name in ("conv1x1_1", "conv1x1_2"):
        maps = np.maximum(maps @ weights[name][0][0, 0] + weights[name][1], 0)
    return nin(weights, maps)


def nin(weights, maps):
    """One weighted sum of the maps a class, the mean over all places of what comes out."""
    return (maps @ weights["class_map"][0][0, 0] + weights["class_map"][1]).mean(axis=(1, 2))


HEADS = {"fc": fc, "conv1x1": conv1x1, "nin": nin}
NETWORKS = {
    ("lenet5", "modern"): lenet5_modern,
    ("lenet5", "paper"): lenet5_paper,
    ("alexnet", "one_tower"): alexnet,
    ("alexnet", "two_towers"): alexnet,
    ("alexnet", "small_stem"): alexnet,
}


def draw_weights(model, seed=0):
    """Give a model weights of which every one matters: no bias is 0, no average is where it starts.

    Returns:
        The weights by the name of their layer, as float64.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([_draw(rng, weight) for weight in layer.weights])
    return {
        layer.name: [np.array(weight, np.float64) for weight in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }


def _draw(rng, weight):
    shape = tuple(weight.shape)
    match weight.name:
        case "kernel":  # values keep their size from layer to layer (He et al., 2015)
            return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        case "gamma" | "moving_variance":
            return rng.uniform(0.5, 2, shape)
        case "coefficient":
            return rng.uniform(0.1, 0.5, shape)
        case "bias" | "beta" | "moving_mean":
            return rng.normal(0, 0.3, shape)
    return weight.numpy()  # fixed codes
