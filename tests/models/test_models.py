"""Every registered model, variant, norm and head: one contract, exact counts, what is refused."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy_networks import SEEN, draw_weights

from kerascnn.analysis.evaluation.evaluation import as_probabilities, keras_classifier
from kerascnn.analysis.profiling.profile import profile
from kerascnn.data.dataset import Split
from kerascnn.foundation.errors import TargetError, UsageError
from kerascnn.models.architectures.lenet5 import C3_TABLE, lenet5
from kerascnn.models.family import families, family
from kerascnn.models.geometry import map_side
from kerascnn.models.heads import heads, is_head_layer
from kerascnn.models.layers.lenet1998 import EuclideanRBF, ScaledTanh, TrainableSubsampling, digit_codes
from kerascnn.models.network import Network, build
from kerascnn.tflite.quantization.calibration import choose
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.quantization.verification import check_convertible, verify_integer
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

PRODUCTS = (EuclideanRBF, ScaledTanh, TrainableSubsampling)  # their factors and biases stay in a file
VARIANTS = [(name, variant) for name in families for variant in family(name).variants]


def _form(name, variant):
    return family(name).variants[variant]


def _accepted(name, variant, sizes):
    """Return the image sizes for which the network can be asked."""
    return [size for size in sizes if _is_accepted(model=name, variant=variant, image_size=size)]


def _is_accepted(**settings):
    try:
        Network(**settings).complete()
    except UsageError:
        return False
    return True


def _small(name, variant, head, **settings):
    """Build a variant with narrow heads and few classes, at the smallest size that fits.

    The maps before the head have more than one place: otherwise ``fc`` and ``conv1x1`` would be the same.
    """
    form = _form(name, variant)
    sizes = (size for size in _accepted(name, variant, range(1, 300)) if map_side(form.windows, size) > 1)
    asked = {"image_size": next(sizes, None), "classes": 7} | form.fixed
    if heads[head].has_units and form.units:
        asked["head_units"] = [24, 16][: len(form.units)]
    return build(name, variant=variant, head=head, **asked | settings)


# ------------------------------------------------------------------------------------------------ contract


@dataclass(frozen=True)
class Case:
    """A small network with drawn weights, and images of several brightnesses and patterns."""

    network: tuple[str, str, str, str]
    model: Any
    images: np.ndarray
    logits: np.ndarray

    def again(self):
        """Build it anew, with fresh weights."""
        name, variant, norm, head = self.network
        return _small(name, variant, head, norm=norm)


#: Heads and norms do not know of the backbone: every one has a narrow backbone, and the wide ones have these.
WIDE = {"one_tower": {("batch", "fc"), ("lrn", "nin")}, "two_towers": {("batch", "conv1x1")}}


def _marks(variant, norm, head):
    return () if (norm, head) in WIDE.get(variant, {(norm, head)}) else pytest.mark.long


# Every head with the default norm, every other norm with the last head: they do not know of each other.
EVERY = [
    pytest.param((name, variant, norm, head), marks=_marks(variant, norm, head))
    for name, variant in VARIANTS
    for norm in _form(name, variant).norms
    for head in _form(name, variant).heads
    if norm == _form(name, variant).norms[0] or head == list(_form(name, variant).heads)[-1]
]


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def case(request):
    name, variant, norm, head = request.param
    keras.utils.set_random_seed(0)
    model = _small(name, variant, head, norm=norm)
    draw_weights(model)
    images = _pictures(28, *model.input_shape[2:])
    _spread_logits(model, images)
    return Case(request.param, model, images, np.array(model(images, training=False)))


def _pictures(n, side, channels):
    """Return pictures of 5×5 squares in drawn colours, uint8."""
    squares = np.random.default_rng(1).integers(0, 256, (n, 5, 5, channels), dtype=np.uint8)
    places = np.arange(side) * 5 // side
    return squares[:, places][:, :, places]


def _spread_logits(model, images):
    """Let every class win now and then, by about 2: what is drawn has one winner for every picture."""
    last = [layer for layer in model.layers if layer.weights][-1]
    if len(last.weights) == 2:
        logits = np.array(model(images, training=False))
        factor = 2 / (logits - logits.mean(axis=0)).std()
        kernel, bias = last.get_weights()
        last.set_weights([kernel * factor, (bias - logits.mean(axis=0)) * factor])


def test_shapes_and_types(case):
    name, variant, *_ = case.network
    side, channels = case.model.input_shape[2:]
    assert case.model.input_shape == (None, side, side, channels)
    assert channels == _form(name, variant).channels
    assert case.logits.shape == (28, _form(name, variant).fixed.get("classes", 7))
    assert case.logits.dtype == np.float32
    assert {weight.dtype for weight in case.model.weights} == {"float32"}
    assert len(set(case.logits.argmax(axis=1))) > 2  # the drawn weights answer to the picture


def test_config_round_trip(case):
    twin = keras.Model.from_config(case.model.get_config())
    twin.set_weights(case.model.get_weights())
    np.testing.assert_array_equal(twin(case.images, training=False), case.logits)


def test_save_and_load(case, tmp_path):
    case.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(case.images, training=False), case.logits)


@pytest.fixture
def mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


def test_mixed_precision(case, mixed_precision):
    half = case.again()
    half.set_weights(case.model.get_weights())
    assert {weight.dtype for weight in half.weights} == {"float32"}
    assert any(layer.compute_dtype == "bfloat16" for layer in half.layers if layer.weights)
    found = np.array(keras.ops.cast(half(case.images, training=False), "float32"))
    # 8 bits round a value by up to 0.4 %, some ten layers follow each other, and values differ less from
    # picture to picture than they are large.
    assert np.abs(found - case.logits).mean() < 0.15 * case.logits.std(axis=0).mean()


def test_distances_to_the_codes_stay_exact_in_mixed_precision(mixed_precision):
    values = digit_codes() + np.float32(0.25)
    expected = -((digit_codes()[:, None] + 0.25 - digit_codes()) ** 2).sum(axis=2)
    np.testing.assert_allclose(EuclideanRBF()(values), expected, rtol=1e-6)


def test_one_training_step_lowers_the_loss(case):
    keras.utils.set_random_seed(0)
    model = case.again()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0  # its noise is larger than what one step wins
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss, run_eagerly=True)
    images = case.images[:8].astype(np.float32)
    labels = np.arange(8) % model.output_shape[1]
    before, after = (model.train_on_batch(images, labels) for _ in range(2))
    assert after < before


def _agreement(case, content, path):
    """Return the largest difference of a probability, and the share of pictures given the same class."""
    path.write_bytes(content)
    found = as_probabilities(LiteRTClassifier(path)(case.images), "probabilities")
    expected = keras_classifier(case.model)(case.images)
    same = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
    return np.abs(found - expected).mean(), same


def test_float_file(case, tmp_path):
    difference, same = _agreement(case, convert(case.model, schemes["float32"]), tmp_path / "model.tflite")
    assert difference < 1e-4  # the same arithmetic in another order
    assert same == 1


def test_int8_file(case, tmp_path):
    _, _, norm, _ = case.network
    scheme, path = schemes["static_wi8_ai8"], tmp_path / "model.tflite"
    if norm == "lrn":
        with pytest.raises(TargetError, match=r"layer norm1a? is local response normalization") as refusal:
            check_convertible(case.model, scheme, path)
        assert refusal.value.exit_code == 4
        return
    check_convertible(case.model, scheme, path)
    labels = np.arange(len(case.images), dtype=np.int32) % 7
    calibration = choose(Split(case.images, labels), None, seed=0, classes=tuple("0123456"))
    content = convert(case.model, scheme, calibration.images)
    verify_integer(content, path)
    difference, same = _agreement(case, content, path)
    # Steps of 1/256 of a range in each of up to ten layers; logits that are spread by 2 among 7 classes leave
    # many close calls. A file that computes something else agrees on one picture in seven.
    assert difference < 0.05
    assert same >= 0.75
    operators = _operators(content)
    assert not {"SPLIT", "SPLIT_V", "SLICE", "STRIDED_SLICE"} & {operator for operator, _ in operators}
    assert all(version <= 5 for operator, version in operators if operator == "CONV_2D")
    if not any(isinstance(layer, PRODUCTS) for layer in case.model.layers):
        # The first layer and batch normalization melt into the convolutions.
        assert not {"MUL", "ADD", "SUB"} & {operator for operator, _ in operators}


def _operators(content):
    """Count a file's operators by name and version."""
    file = schema.ModelT.InitFromPackedBuf(content)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    codes = [file.operatorCodes[operator.opcodeIndex] for operator in file.subgraphs[0].operators]
    return Counter((names[max(code.builtinCode, code.deprecatedBuiltinCode)], code.version) for code in codes)


# -------------------------------------------------------------------------------------------------- counts

LENET_BACKBONE = (5 * 5 * 1 + 1) * 6 + (5 * 5 * 6 + 1) * 16


@pytest.mark.parametrize(
    ("head", "parameters"),
    [
        ("fc", LENET_BACKBONE + (5 * 5 * 16 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10),
        ("conv1x1", LENET_BACKBONE + (16 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10),
        ("nin", LENET_BACKBONE + (16 + 1) * 10),
    ],
)
def test_lenet5_parameters(head, parameters):
    assert parameters == {"fc": 61_706, "conv1x1": 15_626, "nin": 2_742}[head]
    assert build("lenet", head=head).count_params() == parameters


def test_the_lenet5_of_1998():
    table = profile(lenet5(variant="paper"))
    expected = {  # trainable parameters, connections
        "C1": ((5 * 5 * 1 + 1) * 6, (5 * 5 + 1) * 6 * 28 * 28),
        "S2": (2 * 6, (2 * 2 + 1) * 6 * 14 * 14),
        "C3": (5 * 5 * (6 * 3 + 9 * 4 + 1 * 6) + 16, (5 * 5 * (6 * 3 + 9 * 4 + 1 * 6) + 16) * 10 * 10),
        "S4": (2 * 16, (2 * 2 + 1) * 16 * 5 * 5),
        "C5": ((5 * 5 * 16 + 1) * 120, (5 * 5 * 16 + 1) * 120),
        "F6": ((120 + 1) * 84, (120 + 1) * 84),
        "RBF": (0, 84 * 10),
    }
    rows = {row.name: (row.parameters, row.connections) for row in table.layers if row.connections}
    assert rows == expected
    published = [(156, 122_304), (12, 5_880), (1_516, 151_600), (32, 2_000)]
    published += [(48_120, 48_120), (10_164, 10_164), (0, 840)]
    assert list(expected.values()) == published
    assert (table.parameters, table.connections, table.parameters_fixed) == (60_000, 340_908, 10 * 84)


def test_c3_sees_what_table_1_of_the_paper_crosses():
    crosses = """
        X...XXX..XXXX.XX
        XX...XXX..XXXX.X
        XXX...XXX..X.XXX
        .XXX..XXXX..X.XX
        ..XXX..XXXX.XX.X
        ...XXX..XXXX.XXX
    """.split()  # noqa: SIM905  (the table as it is printed)
    drawn = [{row for row in range(6) if crosses[row][column] == "X"} for column in range(16)]
    assert [set(seen) for seen in C3_TABLE] == drawn == [set(seen) for seen in SEEN]


def test_the_codes_are_ten_different_bitmaps():
    codes = digit_codes()
    assert codes.shape == (10, 7 * 12)
    assert set(np.unique(codes)) == {-1, 1}
    # A tenth of the dots at least, or a wrong one would win by a smudge; nearest are 0 and 9, 0 and 6.
    assert min((one != other).sum() for one, other in combinations(codes, 2)) >= 9
    assert all(code.reshape(12, 7).max(axis=1).min() == 1 for code in codes)  # ink in every row


def test_the_scaled_tanh_maps_1_to_1():
    values = ScaledTanh()(np.array([-1.0, 0.0, 1.0, 99.0], np.float32))
    np.testing.assert_allclose(values, [-1, 0, 1, 1.7159], atol=1e-4)


ONE_TOWER = {
    "conv1": (11 * 11 * 3 + 1) * 96,
    "conv2": (5 * 5 * 96 + 1) * 256,
    "conv3": (3 * 3 * 256 + 1) * 384,
    "conv4": (3 * 3 * 384 + 1) * 384,
    "conv5": (3 * 3 * 384 + 1) * 256,
}
TWO_TOWERS = {
    "conv1": 2 * (11 * 11 * 3 + 1) * 48,
    "conv2": 2 * (5 * 5 * 48 + 1) * 128,
    "conv3": 2 * (3 * 3 * 256 + 1) * 192,
    "conv4": 2 * (3 * 3 * 192 + 1) * 192,
    "conv5": 2 * (3 * 3 * 192 + 1) * 128,
}
HIDDEN = (4096 + 1) * 4096 + (4096 + 1) * 1000
ALEXNET_HEADS = {
    "fc": (6 * 6 * 256 + 1) * 4096 + HIDDEN,
    "conv1x1": (256 + 1) * 4096 + HIDDEN,
    "nin": (256 + 1) * 1000,
}


@pytest.mark.parametrize(
    ("variant", "head", "parameters", "multiply_adds"),
    [
        ("one_tower", "fc", 62_378_344, 1_135_256_096),
        ("one_tower", "conv1x1", 25_678_184, 1_865_818_656),
        ("one_tower", "nin", 4_004_200, 1_085_850_144),
        ("two_towers", "fc", 60_965_224, 724_406_816),
        ("two_towers", "conv1x1", 24_265_064, 1_454_969_376),
        ("two_towers", "nin", 2_591_080, 675_000_864),
    ],
)
def test_alexnet_parameters(variant, head, parameters, multiply_adds):
    table = profile(build("alexnet", variant=variant, norm="lrn", head=head))
    backbone = {"one_tower": ONE_TOWER, "two_towers": TWO_TOWERS}[variant]
    counted = Counter()
    for row in table.layers:
        counted["head" if is_head_layer(row.name) else row.name.rstrip("ab")] += row.parameters
    assert +counted == backbone | {"head": ALEXNET_HEADS[head]}
    assert (table.parameters, table.parameters_fixed) == (parameters, 0)
    assert table.multiply_adds == multiply_adds


def test_alexnet_layers_as_published():
    assert list(ONE_TOWER.values()) == [34_944, 614_656, 885_120, 1_327_488, 884_992]
    assert list(TWO_TOWERS.values()) == [34_944, 307_456, 885_120, 663_936, 442_624]
    assert ALEXNET_HEADS == {"fc": 58_631_144, "conv1x1": 21_930_984, "nin": 257_000}


@pytest.mark.parametrize("variant", family("alexnet").variants)
def test_what_normalization_adds(variant):
    batch, lrn, none = (
        profile(_small("alexnet", variant, "nin", norm=norm)) for norm in ("batch", "lrn", "none")
    )
    filters = 96 + 256 + 384 + 384 + 256
    assert batch.parameters - none.parameters == 2 * filters  # gamma and beta are trained
    assert batch.parameters_fixed - none.parameters_fixed == 2 * filters  # mean and variance are counted
    assert (lrn.parameters, lrn.parameters_fixed) == (none.parameters, 0)
    assert batch.multiply_adds == lrn.multiply_adds == none.multiply_adds


# --------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("name", "variant", "sizes"),
    [
        ("alexnet", "one_tower", range(227 - 5 * 32, 401, 32)),
        ("alexnet", "two_towers", range(227 - 5 * 32, 401, 32)),
        ("alexnet", "small_stem", range(16, 401, 8)),
        ("lenet5", "modern", range(16, 401, 4)),
        ("lenet5", "paper", [32]),
    ],
)
def test_sizes_that_fit(name, variant, sizes):
    assert _accepted(name, variant, range(1, 401)) == list(sizes)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_sizes_are_those_of_the_layers_that_are_built(name, variant):
    form = _form(name, variant)
    built = _small(name, variant, next(iter(form.heads)))
    layers = [layer for layer in built.layers if hasattr(layer, "strides") and not is_head_layer(layer.name)]
    first_tower = [layer for layer in layers if not layer.name.endswith("b")]
    assert _exact_side(first_tower, built.input_shape[1]) == first_tower[-1].output.shape[1]
    fitting = [size for size in range(1, 301) if _exact_side(first_tower, size)]
    if form.fixed:
        assert set(fitting) >= {form.fixed["image_size"]}
    else:
        assert _accepted(name, variant, range(1, 301)) == fitting


def _exact_side(layers, side):
    """Return the side of the last map, None where a filter is larger than its map or leaves a rest."""
    side = Fraction(side)
    for layer in layers:
        kernel = getattr(layer, "kernel_size", None) or layer.pool_size
        if kernel[0] > side:
            return None
        if getattr(layer, "padding", "valid") == "valid":
            side = (side - kernel[0]) / layer.strides[0] + 1
        else:  # zeros around it keep the side
            assert layer.strides[0] == 1
        if side.denominator != 1:
            return None
    return int(side)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"variant": "one_tower"}, (6, 6, 256)),
        ({"variant": "two_towers"}, (6, 6, 256)),
        ({"variant": "small_stem"}, (4, 4, 256)),
        ({"variant": "small_stem", "image_size": 96}, (12, 12, 256)),
    ],
)
def test_alexnet_ends_at(settings, shape):
    model = build("alexnet", head="nin", classes=2, **settings)
    assert model.get_layer("dropout1").output.shape == (None, *shape)


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("settings", "place", "arithmetic", "fitting"),
    [
        ({"model": "alexnet", "image_size": 224}, "conv1", "(224 + 2·0 − 11)/4 + 1 = 54.25", "195 and 227"),
        ({"model": "alexnet", "image_size": 244}, "conv1", "(244 + 2·0 − 11)/4 + 1 = 59.25", "227 and 259"),
        ({"model": "alexnet", "image_size": 231}, "pool1", "(56 + 2·0 − 3)/2 + 1 = 27.5", "227 and 259"),
        ({"variant": "small_stem", "image_size": 36}, "pool5", "(9 + 2·0 − 2)/2 + 1 = 4.5", "32 and 40"),
        ({"model": "lenet5", "image_size": 18}, "pool2", "(3 + 2·0 − 2)/2 + 1 = 1.5", "16 and 20"),
        ({"model": "lenet5", "image_size": 33}, "pool1", "(29 + 2·0 − 2)/2 + 1 = 14.5", "32 and 36"),
    ],
)
def test_a_size_that_does_not_fit_is_refused_with_its_arithmetic(settings, place, arithmetic, fitting):
    with pytest.raises(UsageError) as refusal:
        build(**{"model": "alexnet"} | settings)
    assert str(refusal.value) == (
        f"image_size={settings['image_size']}: {place}: {arithmetic} is not a whole number; "
        f"the network fits {fitting}. Some frameworks round down here and drop a row in silence."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "lenet5", "image_size": 12}, "conv2: the 5×5 filter is larger than its 4×4 map;"),
        (
            {"model": "lenet5", "variant": "ancient"},
            "Unknown variant 'ancient' of lenet5. Available: modern, paper.",
        ),
        (
            {"model": "alexnet", "norm": "layer"},
            "Unknown norm 'layer' for alexnet one_tower. Available: batch, lrn",
        ),
        ({"model": "lenet5", "norm": "batch"}, "Unknown norm 'batch' for lenet5 modern. Available: none."),
        ({"model": "alexnet", "head": "conv"}, "Unknown head 'conv': did you mean conv1x1?"),
        ({"model": "alexnt"}, "Unknown model 'alexnt': did you mean alexnet?"),
        ({"model": "lenet5", "head_units": [0]}, "head_units must be greater than or equal to 1. Received"),
        ({"model": "alexnet", "head_units": [64, -1]}, "head_units must be greater than or equal to 1."),
        (
            {"model": "alexnet", "head": "nin", "head_units": [64]},
            "The nin head of alexnet one_tower has no hid",
        ),
        (
            {"model": "lenet5", "variant": "paper", "head": "conv1x1"},
            "lenet5 paper takes head fc only: the publ",
        ),
        (
            {"model": "lenet5", "variant": "paper", "head_units": [9]},
            "The fc head of lenet5 paper has no hidden",
        ),
        (
            {"model": "lenet5", "variant": "paper", "classes": 7},
            "lenet5 paper exists with classes=10 only. Rec",
        ),
        (
            {"model": "lenet5", "classes": 0},
            "classes must be greater than or equal to 1. Received: classes=0",
        ),
        ({"model": "lenet5", "units": 3}, "units is not known"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(UsageError) as refusal:
        build(**settings)
    assert message in str(refusal.value)


# ----------------------------------------------------------------------------------------------- the backbone


def _weights(model, of_head=False):
    return {
        weight.path: weight.numpy()
        for layer in model.layers
        for weight in layer.weights
        if is_head_layer(layer.name) == of_head
    }


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_same_seed_gives_every_head_the_same_backbone(name, variant):
    backbones = []
    for head in _form(name, variant).heads:
        keras.utils.set_random_seed(4)
        backbones.append(_weights(_small(name, variant, head)))
    for backbone in backbones[1:]:
        np.testing.assert_equal(backbone, backbones[0])


def test_standardisation_is_the_first_layer():
    model = build("lenet5", pixel_mean=25.0, pixel_std=80.0)
    rescaling = keras.Model(model.input, model.get_layer("rescaling").output)
    pixels = np.full((1, 32, 32, 1), 105.0)
    np.testing.assert_allclose(rescaling.predict(pixels, verbose=0), 1.0, atol=1e-6)


def test_the_paper_has_its_own_pixels():
    rescaling = lenet5(variant="paper", pixel_mean=25.0, pixel_std=80.0).get_layer("rescaling")
    np.testing.assert_allclose(rescaling(np.array([0.0, 255.0])), [-0.1, 1.175], rtol=1e-6)
