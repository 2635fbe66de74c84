"""The layer table against the papers and the notes, every count as the arithmetic that gives it."""

import functools

import keras
import pytest
from keras import layers

from kerascnn.analysis.profiling.profile import profile
from kerascnn.arithmetic.layer import exact_output_side
from kerascnn.models.heads import is_head_layer
from kerascnn.models.network import build


@functools.cache
def table(name, **network):
    return profile(build(name, **network))


def rows(name, **network):
    return {row.name: row for row in table(name, **network).layers}


def alexnet(variant, head="fc"):
    return table("alexnet", variant=variant, norm="none", head=head)


# The networks as published. Every count stands as the arithmetic that gives it and as the number in print.


@pytest.mark.parametrize(
    ("layer", "output", "parameters", "connections"),
    [
        ("C1", (28, 28, 6), (5 * 5 * 6 + 6, 156), (28 * 28 * 6 * (5 * 5 + 1), 122_304)),
        ("S2", (14, 14, 6), (6 + 6, 12), (14 * 14 * 6 * (2 * 2 + 1), 5_880)),
        (
            "C3",
            (10, 10, 16),
            (5 * 5 * (6 * 3 + 9 * 4 + 6) + 16, 1_516),
            (10 * 10 * (5 * 5 * (6 * 3 + 9 * 4 + 6) + 16), 151_600),
        ),
        ("S4", (5, 5, 16), (16 + 16, 32), (5 * 5 * 16 * (2 * 2 + 1), 2_000)),
        ("C5", (1, 1, 120), (5 * 5 * 16 * 120 + 120, 48_120), ((5 * 5 * 16 + 1) * 120, 48_120)),
        ("F6", (84,), (120 * 84 + 84, 10_164), ((120 + 1) * 84, 10_164)),
        ("RBF", (10,), (0, 0), (84 * 10, 840)),
    ],
)
def test_lenet5_of_1998(layer, output, parameters, connections):
    row = rows("lenet5", variant="paper")[layer]
    assert row.output == output
    assert (row.parameters, row.parameters) == parameters
    assert (row.connections, row.connections) == connections


def test_lenet5_of_1998_as_a_whole():
    found = table("lenet5", variant="paper")
    assert found.parameters == 156 + 12 + 1_516 + 32 + 48_120 + 10_164 == 60_000
    assert found.connections == 122_304 + 5_880 + 151_600 + 2_000 + 48_120 + 10_164 + 840 == 340_908


HALVES = {  # of both halves together: weights of the notes, biases, multiply-adds of the paper's network
    "conv1": ((11 * 11 * 3 * 48 * 2, 34_848), 96, (55 * 55 * 11 * 11 * 3 * 96, 105_415_200)),
    "conv2": ((5 * 5 * 48 * 128 * 2, 307_200), 256, (27 * 27 * 5 * 5 * 48 * 256, 223_948_800)),
    "conv3": ((3 * 3 * 128 * 2 * 192 * 2, 884_736), 384, (13 * 13 * 3 * 3 * 256 * 384, 149_520_384)),
    "conv4": ((3 * 3 * 192 * 192 * 2, 663_552), 384, (13 * 13 * 3 * 3 * 192 * 384, 112_140_288)),
    "conv5": ((3 * 3 * 192 * 128 * 2, 442_368), 256, (13 * 13 * 3 * 3 * 192 * 256, 74_760_192)),
    "fc1": ((6 * 6 * 256 * 4_096, 37_748_736), 4_096, (9_216 * 4_096, 37_748_736)),
    "fc2": ((2_048 * 2 * 2_048 * 2, 16_777_216), 4_096, (4_096 * 4_096, 16_777_216)),
    "logits": ((2_048 * 2 * 1_000, 4_096_000), 1_000, (4_096 * 1_000, 4_096_000)),
}


@pytest.mark.parametrize("layer", HALVES)
def test_alexnet_in_two_halves(layer):
    weights, biases, multiply_adds = HALVES[layer]
    halves = [
        row for row in alexnet("two_towers").layers if row.name.removesuffix("a").removesuffix("b") == layer
    ]
    assert len(halves) == (2 if layer.startswith("conv") else 1)
    bare = sum(row.parameters_without_bias for row in halves)
    assert (bare, bare) == weights
    assert sum(row.parameters for row in halves) == bare + biases
    assert (sum(row.multiply_adds for row in halves),) * 2 == multiply_adds


def test_alexnet_in_print():
    """Parameters with biases, of the halves and of one tower."""
    printed = [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]
    assert [weights[1] + biases for weights, biases, _ in HALVES.values()] == printed
    assert alexnet("two_towers").parameters == sum(printed) == 60_965_224
    assert alexnet("two_towers").multiply_adds == sum(one[2][1] for one in HALVES.values()) == 724_406_816
    tower = {row.name: row.parameters for row in alexnet("one_tower").layers if row.parameters}
    assert tower == {
        "conv1": 34_944,
        "conv2": 614_656,
        "conv3": 885_120,
        "conv4": 1_327_488,
        "conv5": 884_992,
        "fc1": 37_752_832,
        "fc2": 16_781_312,
        "logits": 4_097_000,
    }
    assert tower["conv2"] == (5 * 5 * 96 + 1) * 256
    assert tower["conv4"] == (3 * 3 * 384 + 1) * 384
    assert tower["conv5"] == (3 * 3 * 384 + 1) * 256
    assert alexnet("one_tower").parameters == sum(tower.values()) == 62_378_344


def test_the_volumes_of_the_notes():
    lenet = rows("lenet5")
    assert [lenet[name].output for name in ("conv1", "pool1")] == [(28, 28, 6), (14, 14, 6)]
    found = {row.name: row for row in alexnet("one_tower").layers}
    assert found["pixels"].output == (227, 227, 3)
    assert (found["conv1"].output, found["pool1"].output) == ((55, 55, 96), (27, 27, 96))
    assert (found["pool5"].output, found["pool1"].parameters) == ((6, 6, 256), 0)
    assert [exact_output_side(side, 11, 4) for side in (227, 224, 244)] == ["55", "54.25", "59.25"]
    assert exact_output_side(224, 11, 4, padding=2) == "55.25"


LENET_BACKBONE = (5 * 5 * 1 * 6 + 6) + (5 * 5 * 6 * 16 + 16)
LENET_BACKBONE_MULTIPLY_ADDS = 28 * 28 * 6 * 5 * 5 + 10 * 10 * 16 * 5 * 5 * 6
ONE_TOWER = 34_944 + 614_656 + 885_120 + 1_327_488 + 884_992
TWO_HALVES = 34_944 + 307_456 + 885_120 + 663_936 + 442_624
HIDDEN_1X1 = 6 * 6 * (256 * 4_096 + 4_096 * 4_096 + 4_096 * 1_000)


@pytest.mark.parametrize(
    ("network", "head_parameters", "parameters", "head_multiply_adds", "multiply_adds"),
    [
        (
            ("lenet5", "modern", "fc"),
            (400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10, 59_134),
            (LENET_BACKBONE + 59_134, 61_706),
            (400 * 120 + 120 * 84 + 84 * 10, 58_920),
            (LENET_BACKBONE_MULTIPLY_ADDS + 58_920, 416_520),
        ),
        (
            ("lenet5", "modern", "conv1x1"),
            (16 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10, 13_054),
            (LENET_BACKBONE + 13_054, 15_626),
            (5 * 5 * (16 * 120 + 120 * 84 + 84 * 10), 321_000),
            (LENET_BACKBONE_MULTIPLY_ADDS + 321_000, 678_600),
        ),
        (
            ("lenet5", "modern", "nin"),
            (16 * 10 + 10, 170),
            (LENET_BACKBONE + 170, 2_742),
            (5 * 5 * 16 * 10, 4_000),
            (LENET_BACKBONE_MULTIPLY_ADDS + 4_000, 361_600),
        ),
        (
            ("alexnet", "one_tower", "fc"),
            (37_752_832 + 16_781_312 + 4_097_000, 58_631_144),
            (ONE_TOWER + 58_631_144, 62_378_344),
            (9_216 * 4_096 + 4_096 * 4_096 + 4_096 * 1_000, 58_621_952),
            (1_076_634_144 + 58_621_952, 1_135_256_096),
        ),
        (
            ("alexnet", "one_tower", "conv1x1"),
            ((256 + 1) * 4_096 + (4_096 + 1) * 4_096 + (4_096 + 1) * 1_000, 21_930_984),
            (ONE_TOWER + 21_930_984, 25_678_184),
            (HIDDEN_1X1, 789_184_512),
            (1_076_634_144 + HIDDEN_1X1, 1_865_818_656),
        ),
        (
            ("alexnet", "one_tower", "nin"),
            ((256 + 1) * 1_000, 257_000),
            (ONE_TOWER + 257_000, 4_004_200),
            (6 * 6 * 256 * 1_000, 9_216_000),
            (1_076_634_144 + 9_216_000, 1_085_850_144),
        ),
        (
            ("alexnet", "two_towers", "conv1x1"),
            ((256 + 1) * 4_096 + (4_096 + 1) * 4_096 + (4_096 + 1) * 1_000, 21_930_984),
            (TWO_HALVES + 21_930_984, 24_265_064),
            (HIDDEN_1X1, 789_184_512),
            (665_784_864 + HIDDEN_1X1, 1_454_969_376),
        ),
        (
            ("alexnet", "two_towers", "nin"),
            ((256 + 1) * 1_000, 257_000),
            (TWO_HALVES + 257_000, 2_591_080),
            (6 * 6 * 256 * 1_000, 9_216_000),
            (665_784_864 + 9_216_000, 675_000_864),
        ),
    ],
)
def test_what_each_head_costs(network, head_parameters, parameters, head_multiply_adds, multiply_adds):
    name, variant, head = network
    found = table(name, variant=variant, norm="none", head=head)
    own = [row for row in found.layers if is_head_layer(row.name)]
    assert (sum(row.parameters for row in own),) * 2 == head_parameters
    assert (found.parameters,) * 2 == parameters
    assert (sum(row.multiply_adds for row in own),) * 2 == head_multiply_adds
    assert (found.multiply_adds,) * 2 == multiply_adds


def test_the_conv1x1_head_saves_parameters_and_costs_multiply_adds():
    def against(figure, variant):
        small, full = (getattr(alexnet(variant, head), figure) for head in ("conv1x1", "fc"))
        return round(100 * (small / full - 1))

    assert [against("parameters", variant) for variant in ("one_tower", "two_towers")] == [-59, -60]
    assert [against("multiply_adds", variant) for variant in ("one_tower", "two_towers")] == [64, 101]


def test_batch_normalization_adds_two_trained_and_two_counted_numbers_a_filter():
    found = table("alexnet", head="nin")
    filters = 96 + 256 + 384 + 384 + 256
    assert (found.parameters, found.parameters_fixed) == (4_004_200 + 2 * filters, 2 * filters)
    assert found.int8_weight_bytes == alexnet("one_tower", "nin").int8_weight_bytes  # it melts in


def test_other_networks_called_lenet5():
    assert (
        table("lenet5", image_size=28).parameters
        == 156 + 2_416 + (4 * 4 * 16 + 1) * 120 + 10_164 + 850
        == 44_426
    )
    assert table("lenet5", channels=3).parameters == (5 * 5 * 3 + 1) * 6 + 61_706 - 156 == 62_006


def test_torchvisions_alexnet_is_another_network():
    """64, 192, 384, 256, 256 filters, 224 pixels with padding 2: 55.25, rounded down."""
    model = keras.Sequential(
        [
            keras.Input((224, 224, 3)),
            layers.ZeroPadding2D(2),
            layers.Conv2D(64, 11, 4),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(192, 5, padding="same"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(384, 3, padding="same"),
            layers.Conv2D(256, 3, padding="same"),
            layers.Conv2D(256, 3, padding="same"),
            layers.MaxPooling2D(3, 2),
            layers.Flatten(),
            *(layers.Dense(units) for units in (4096, 4096, 1000)),
        ]
    )
    found = profile(model)
    assert found.parameters == 61_100_840
    assert round(found.multiply_adds / 1e9, 3) == 0.714
