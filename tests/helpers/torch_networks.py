"""The networks in PyTorch, from its own operators: grouped convolutions, its local response normalization."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (as everybody writes it)
from numpy_networks import ALEXNET, SEEN, SPLIT, joined


def tensors(weights):
    """Return one layer's weights in float32: (row, column, in, out) becomes (out, in, row, column)."""
    found = [torch.from_numpy(np.asarray(weight, np.float32)) for weight in weights]
    return [weight.permute(3, 2, 0, 1) if weight.ndim == 4 else weight for weight in found]


def alexnet(weights, maps, variant, norm, head):
    towers = 2 if variant == "two_towers" else 1
    window = (2, 2) if variant == "small_stem" else (3, 2)
    for name, (stride, padding, responses, pooled) in ALEXNET.items():
        if variant == "small_stem" and name == "conv1":
            stride, padding = 1, 1
        groups = towers if name in SPLIT else 1
        maps = F.conv2d(maps, *tensors(joined(weights, name)), stride, padding, groups=groups)
        if norm == "batch":
            gamma, beta, mean, variance = tensors(joined(weights, name.replace("conv", "norm")))
            maps = F.batch_norm(maps, mean, variance, gamma, beta, eps=1e-3)
        maps = F.relu(maps)
        if norm == "lrn" and responses:  # PyTorch divides alpha by the size
            halves = [F.local_response_norm(half, 5, 5 * 1e-4, 0.75, 2.0) for half in maps.chunk(towers, 1)]
            maps = torch.cat(halves, 1)
        if pooled:
            maps = F.max_pool2d(maps, *window)
    return HEADS[head](weights, maps)


def lenet5_modern(weights, maps, variant, norm, head):
    for name in ("conv1", "conv2"):
        maps = F.max_pool2d(F.relu(F.conv2d(maps, *tensors(weights[name]))), 2)
    return HEADS[head](weights, maps)


def lenet5_paper(weights, maps, variant, norm, head):
    maps = _subsample(_squash(F.conv2d(maps, *tensors(weights["C1"]))), *tensors(weights["S2"]))
    maps = F.conv2d(_squash(maps), *tensors(_whole(*weights["C3"])))
    maps = _subsample(_squash(maps), *tensors(weights["S4"]))
    maps = _squash(F.conv2d(_squash(maps), *tensors(weights["C5"])))
    kernel, bias = tensors(weights["F6"])
    values = _squash(F.linear(maps.flatten(1), kernel.T, bias))
    (codes,) = tensors(weights["RBF"])
    return -(torch.cdist(values, codes, compute_mode="donot_use_mm_for_euclid_dist") ** 2)


def _squash(values):
    return 1.7159 * torch.tanh(2 / 3 * values)


def _subsample(maps, coefficient, bias):
    return 4 * F.avg_pool2d(maps, 2) * coefficient[:, None, None] + bias[:, None, None]


def _whole(planes, bias):
    """Return C3's filters over all maps of S2, zero where the table has no cross."""
    kernel = np.zeros((5, 5, 6, 16))
    pairs = [(seen, number) for number, row in enumerate(SEEN) for seen in row]
    for place, (seen, number) in enumerate(pairs):
        kernel[:, :, seen, number] = planes[:, :, place]
    return kernel, bias


def fc(weights, maps):
    hidden = maps.permute(0, 2, 3, 1).flatten(1)  # Keras flattens (row, column, map)
    for name in ("fc1", "fc2"):
        kernel, bias = tensors(weights[name])
        hidden = F.relu(F.linear(hidden, kernel.T, bias))
    kernel, bias = tensors(weights["logits"])
    return F.linear(hidden, kernel.T, bias)


def conv1x1(weights, maps):
    for name in ("conv1x1_1", "conv1x1_2"):
        maps = F.relu(F.conv2d(maps, *tensors(weights[name])))
    return nin(weights, maps)


def nin(weights, maps):
    return F.adaptive_avg_pool2d(F.conv2d(maps, *tensors(weights["class_map"])), 1).flatten(1)


HEADS = {"fc": fc, "conv1x1": conv1x1, "nin": nin}
NETWORKS = {
    ("lenet5", "modern"): lenet5_modern,
    ("lenet5", "paper"): lenet5_paper,
    ("alexnet", "one_tower"): alexnet,
    ("alexnet", "two_towers"): alexnet,
    ("alexnet", "small_stem"): alexnet,
}
