"""Settings of a training: from a file, from --set, from options and recipes, and what each of them does."""

import json
import os
import resource
import tomllib

import keras
import numpy as np
import pytest
from keras import ops
from painted_photos import paint
from refusals import FAILED, USAGE, nothing_written, refused

import kerascnn
from kerascnn.data.augmentation import PARTS, UNMOVED, Augmentation
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.progress import silent
from kerascnn.training.backend.distribution import ALONE
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.input.feed import class_weights, epoch_order
from kerascnn.training.input.from_files import StreamFeed
from kerascnn.training.input.from_files import moved as moved_photo
from kerascnn.training.input.in_memory import TableFeed
from kerascnn.training.loop.fit import fit
from kerascnn.training.loop.optimization import SmoothedCrossentropy, WarmedUp, compile_for
from kerascnn.training.prepare import prepare, settled
from kerascnn.training.recipes import recipe_settings
from kerascnn.training.records.checkpoint import Checkpoints

MISSING = 5


def test_a_file_then_set_then_options_win(cli, tmp_path):
    (tmp_path / "mine.toml").write_text('model = "lenet"\nhead = "nin"\nepochs = 9\nseed = 3\nema = 0.5\n')
    given = ["--config", "mine.toml", "--set", "epochs=8", "--set", "ema=0.25", "--epochs", 1, "--name", "a"]
    assert cli("train", *given).code == 0
    stored = tomllib.loads((tmp_path / "runs/a/config.toml").read_text())
    assert {name: stored[name] for name in ("head", "seed", "ema", "epochs")} == {
        "head": "nin",
        "seed": 3,
        "ema": 0.25,
        "epochs": 1,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "epohcs=5"], ["epohcs is not known: did you mean epochs?"]),
        (["--set", "epochs"], ["--set takes key=value"]),
        (["--set", "epochs=many"], ["epochs must", "Received: epochs='many'"]),
        (["--config", "none.toml"], ["none.toml cannot be read as TOML: No such file"]),
        (["--config", "broken.toml"], ["broken.toml cannot be read as TOML"]),
        (["--config", "strange.toml"], ["learnin_rate is not known: did you mean learning_rate?"]),
        (["--recipe", "quick"], ["recipe must be 'default', 'fast' or 'best'"]),
        (["--optimizer", "adamw"], ["optimizer must be 'adam', 'sgd' or 'rmsprop'"]),
        (["--schedule", "step"], ["schedule must be 'cosine', 'linear' or 'constant'"]),
        (["--label-smoothing", 1], ["label_smoothing must be less than 1"]),
        (["--ema", -0.1], ["ema must be greater than or equal to 0"]),
        (["--learning-rate", "nan"], ["learning_rate must"]),
        (["--patience", -1], ["patience must"]),
        (["--threads", 0], ["threads must"]),
        (["--device", "tpu"], ["device must", "'tpu'"]),
        (["--precision", "int8"], ["precision must be 'float32', 'mixed_bfloat16' or 'mixed_float16'"]),
        (["--backend", "torch"], ["backend must be 'tensorflow' or 'jax'"]),
    ],
)
def test_settings_that_make_no_sense(cli, tmp_path, options, words):
    (tmp_path / "broken.toml").write_text("epochs = = 3")
    (tmp_path / "strange.toml").write_text("learnin_rate = 0.1")
    refused(cli("train", "lenet", *options), USAGE, *words)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(("device", "sees"), [("gpu", "no GPU"), ("gpu:7", "")])
def test_a_gpu_that_is_not_there_has_its_install_line(cli, tmp_path, device, sees):
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"}
    answer = cli("train", "lenet", "--device", device, env=dict(os.environ) | hidden)
    refused(answer, MISSING, f"--device {device}: tensorflow sees {sees}", "pip install 'kerascnn[gpu]'")
    assert nothing_written(tmp_path)


def test_every_model_and_source_has_every_recipe():
    for model in ("lenet5", "alexnet"):
        for name in ("fast", "best"):
            usual, other = (recipe_settings(model, each, "digits", "fc") for each in ("default", name))
            assert usual.keys() == other.keys()
            assert usual != other


def test_a_later_table_wins_and_default_is_the_first():
    assert recipe_settings("lenet5", "default", "digits", "fc")["epochs"] == 60
    assert recipe_settings("lenet5", "default", "mnist", "conv1x1")["epochs"] == 16
    assert recipe_settings("lenet5", "default", "mnist", "fc", "paper")["epochs"] == 20
    assert recipe_settings("lenet5", "best", "mnist", "fc")["augment"] is True


class Chance:
    """Draws the largest change each time."""

    def uniform(self, low, high, shape):
        return np.full(shape, high, float)

    def random(self, count):
        return np.zeros(count)


def moved(change: Augmentation, image):
    image = np.asarray(image, np.float32)[..., np.newaxis]
    transforms = change.transforms(Chance(), 1, len(image))
    return np.asarray(ops.image.affine_transform(image[np.newaxis], transforms))[0, :, :, 0]


CORNER = [[1, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Augmentation(), CORNER),
        (Augmentation(mirrored=True), np.fliplr(CORNER)),
        (Augmentation(rotation=90), np.rot90(CORNER)),
        (Augmentation(rotation=90, mirrored=True), np.fliplr(np.rot90(CORNER, -1))),
        (Augmentation(shift=-0.25), [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 0, 0], [0, 0, 0, 0]]),
    ],
)
def test_pictures_are_moved_turned_and_mirrored_about_their_middle(change, expected):
    np.testing.assert_allclose(moved(change, CORNER), expected, atol=1e-5)


def test_a_picture_is_enlarged_about_its_middle():
    block = np.zeros((8, 8))
    block[3:5, 3:5] = 1
    assert moved(Augmentation(zoom=1.0), block).sum() == pytest.approx(4 * block.sum(), rel=0.3)
    assert moved(Augmentation(zoom=1.0), block)[2:6, 2:6].min() > 0


def test_each_picture_has_its_own_change_and_validation_none():
    drawn = Augmentation(rotation=10, zoom=0.1, shift=0.06).transforms(np.random.default_rng(1), 500, 32)
    assert drawn.shape == (500, 8)
    assert len(np.unique(drawn[:, 0])) == 500
    angles = np.degrees(np.arctan2(drawn[:, 3], drawn[:, 0]))
    assert -10 <= angles.min() < -9
    assert 9 < angles.max() <= 10
    np.testing.assert_array_equal(Augmentation().transforms(np.random.default_rng(1), 1, 32)[0], UNMOVED)


def test_class_weights_make_classes_equal():
    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 1, 2, 2])), [6 / 9, 6 / 3, 6 / 6])


def test_label_smoothing_is_keras_own_for_one_hot_labels():
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(7, 5)).astype(np.float32), draw.integers(0, 5, 7)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    expected = float(theirs(np.eye(5)[labels], logits))
    assert float(SmoothedCrossentropy(0.2)(labels, logits)) == pytest.approx(expected, rel=1e-5)


def test_the_rate_rises_then_falls_in_a_line_or_stays():
    falling, staying = WarmedUp(1.0, 4, 10), WarmedUp(1.0, 4, None)
    steps = [0, 1, 3, 4, 9, 13, 14]
    np.testing.assert_allclose([falling(step) for step in steps], [0.2, 0.4, 0.8, 1, 0.5, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose([staying(step) for step in steps], [0.2, 0.4, 0.8, 1, 1, 1, 1], atol=1e-6)


def fitted(tmp_path, epoch_ended, **settings):
    """Fit LeNet-5 to the digits, a step an epoch, without a run."""
    dataset = load("digits")
    config = settled(TrainingConfig(model="lenet", head="nin", batch_size=1_257, **settings), dataset)
    prepared = prepare(config, dataset)
    first = prepared.trained.get_weights()
    checkpoints = Checkpoints(tmp_path / "checkpoints")

    def ended(done):
        epoch_ended(checkpoints.newest())

    done = fit(
        prepared.trained, prepared.data, config, checkpoints, progress=silent, jit=False, epoch_ended=ended
    )
    return first, prepared.trained.get_weights(), done


def test_the_average_of_the_weights_is_what_is_kept(tmp_path):
    trained = []
    _, kept, _ = fitted(tmp_path, lambda stored: trained.append(stored.state[0]), epochs=4, ema=0.75)
    average = trained[0]
    for weights in trained[1:]:
        average = 0.75 * average + 0.25 * weights
    np.testing.assert_allclose(kept[0], average, rtol=1e-5)
    assert not np.allclose(kept[0], trained[-1])


def test_gradients_are_clipped_together(tmp_path):
    def change(clip_norm):
        settings = {"optimizer": "sgd", "learning_rate": 1, "schedule": "constant", "weight_decay": 0}
        folder = tmp_path / str(clip_norm)
        folder.mkdir()
        first, last, _ = fitted(folder, lambda stored: None, epochs=1, clip_norm=clip_norm, **settings)
        return np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(first, last, strict=True)))

    # Nesterov's first step is 1 + momentum times the gradient; its rate is half the peak, see the warm-up.
    assert change(1e-3) == pytest.approx(0.5 * 1.9 * 1e-3, rel=1e-3)
    assert change(0) > 1e-2


def test_patience_ends_a_training_that_gets_no_better(tmp_path):
    _, _, done = fitted(tmp_path, lambda stored: None, epochs=20, learning_rate=1e-12, patience=3)
    assert (len(done.epochs), done.ended) == (4, "patience")


def test_a_training_that_ends_early_keeps_its_best_weights(tmp_path):
    states = []
    settings = {"epochs": 60, "learning_rate": 0.5, "patience": 2}
    _, kept, done = fitted(tmp_path, lambda stored: states.append(stored.state[0]), **settings)
    assert done.ended == "patience"
    assert done.kept_epoch == done.best_epoch < len(done.epochs)
    np.testing.assert_array_equal(kept[0], states[done.best_epoch - 1])


def test_another_number_of_threads_is_refused_in_a_process_that_has_computed(tmp_path):
    keras.ops.add(1, 1)
    with pytest.raises(UsageError, match=r"set threads before its first computation\. Received: threads=61"):
        kerascnn.train(TrainingConfig(model="lenet", epochs=1, threads=61, runs_dir=tmp_path))
    assert not list(tmp_path.iterdir())


def feed_of(data, **settings):
    """Return the compiled feed of LeNet-5 on digits, or of a small AlexNet on a folder."""
    if data != "digits":
        settings |= {"model": "alexnet", "variant": "small_stem", "image_size": 16}
    dataset = load(str(data))
    config = settled(TrainingConfig(data=str(data), head="nin", **settings), dataset)
    prepared = prepare(config, dataset)
    feed = (TableFeed if data == "digits" else StreamFeed)(prepared.trained, prepared.data, config, ALONE)
    compile_for(feed, len(dataset.train), config, jit=False)
    return feed


def batches_of(feed, epoch):
    return [[np.asarray(part) for part in keras.tree.flatten(batch)] for batch in feed.training(epoch)]


@pytest.fixture
def photos(tmp_path):
    paint(tmp_path / "photos", 20)
    return tmp_path / "photos"


@pytest.mark.parametrize("name", PARTS)
def test_a_part_changes_pictures_alone_and_moves_no_other_draw(name):
    own = Augmentation(rotation=10, zoom=0.1, shift=0.06, mirrored=True, crop=0.9)
    alone = own.part([name])
    assert alone.words == [PARTS[name][1]]
    assert own.part(list(PARTS)) == own.part(True) == own
    assert own.part(False) == own.part([]) == Augmentation()
    assert Augmentation().part([name]) == alone  # what a source lacks is as large as is usual
    maps = alone.transforms(np.random.default_rng(1), 50, 32)
    assert len(np.unique(maps, axis=0)) == (2 if name == "flip" else 50)


def test_a_crop_shows_no_more_than_the_picture():
    maps = Augmentation(crop=0.5).transforms(np.random.default_rng(1), 500, 33)
    places = [maps[:, 0] * edge + maps[:, 2] for edge in (0, 32)]
    assert -0.01 < np.min(places) < 0.5
    assert 31.5 < np.max(places) < 32.01
    assert 0.5 <= maps[:, 0].min() < 0.55 < 0.95 < maps[:, 0].max() <= 1


@pytest.mark.parametrize(
    "change", [Augmentation(rotation=90), Augmentation(shift=-0.25), Augmentation(zoom=-0.5)]
)
def test_a_photo_is_moved_as_a_small_picture_is(change):
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 1)).astype(np.uint8)
    here = moved_photo(picture, change, np.random.default_rng(3))
    maps = change.transforms(np.random.default_rng(3), 1, 16)
    there = keras.ops.image.affine_transform(
        picture[None].astype(np.float32), maps, data_format="channels_last"
    )
    assert np.abs(here[5:-5, 5:-5] - np.asarray(there)[0, 5:-5, 5:-5]).max() < 2


def test_each_part_changes_photos(photos):
    def pictures(augment):
        return np.concatenate([batch[0] for batch in batches_of(feed_of(photos, augment=augment), 1)])

    plain = pictures(False)
    for name in PARTS:
        same = (plain == pictures((name,))).all(axis=(1, 2, 3)).sum()
        assert 12 < same < 36 if name == "flip" else same < 3, name


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (True, True),
        ("all", True),
        ("none", False),
        ("shift, flip", ("flip", "shift")),
        (["zoom"], ("zoom",)),
        ([], False),
        (None, True),  # the recipe's for CIFAR
    ],
)
def test_augmentation_is_a_switch_or_parts(tmp_path, given, stored):
    config = TrainingConfig(data="cifar10", augment=given).resolved()
    assert config.augment == stored
    config.write(tmp_path / "config.toml")
    assert ResolvedConfig.read(tmp_path / "config.toml").augment == stored


def test_photos_are_cropped_and_mirrored_anew_in_each_epoch(photos):
    def pictures(epoch, augment):
        """Return the pictures of an epoch in the order of the files."""
        feed = feed_of(photos, augment=augment)
        order = epoch_order(1, epoch, 48)
        return np.concatenate([batch[0] for batch in batches_of(feed, epoch)])[np.argsort(order)]

    np.testing.assert_array_equal(pictures(1, augment=False), pictures(2, augment=False))
    assert np.abs(pictures(1, augment=True).astype(int) - pictures(2, augment=True)).mean() > 5


def test_digits_are_moved_anew_in_each_epoch_and_weighted_by_class():
    plain, moved = feed_of("digits"), feed_of("digits", augment=True, class_weights=True)
    assert len(batches_of(plain, 1)[0]) == 2
    numbers, transforms, labels, weights = batches_of(moved, 1)[0]
    np.testing.assert_array_equal(numbers, batches_of(plain, 1)[0][0])
    assert np.ptp(transforms[:, 0]) > 0.1
    assert not np.array_equal(transforms, batches_of(moved, 2)[0][1])
    counts = np.bincount(load("digits").train.labels)
    np.testing.assert_allclose(weights, counts.mean() / counts[labels], rtol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("source", ["digits", "photos"])
def test_what_is_trained_computes_in_the_precision_asked_for(photos, source, precision):
    feed = feed_of(photos if source == "photos" else "digits", precision=precision)
    first = next(layer for layer in feed.model._flatten_layers() if layer.name == "conv1")
    assert first.compute_dtype == precision.removeprefix("mixed_")
    scaled = isinstance(feed.model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")


@pytest.mark.long
def test_mixed_precision_trains_and_saves_a_float32_model(cli, tmp_path):
    options = ["--precision", "mixed_bfloat16", "--threads", 1, "--epochs", 8, "--class-weights", "--jit"]
    trained = cli("train", "lenet", *options, "--json").json
    assert trained["test"]["accuracy"] > 0.9
    model = keras.saving.load_model(tmp_path / trained["run"] / "model.keras")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    made_with = json.loads((tmp_path / trained["run"] / "environment.json").read_text())
    assert made_with["device"] == {"name": "cpu:0", "why": "tensorflow sees no GPU", "jit": True}
    assert tomllib.loads((tmp_path / trained["run"] / "config.toml").read_text())["threads"] == 1
    (file,) = cli("quantize", trained["run"], "--scheme", "float16", "--json").json["files"]
    assert file["agreement"] > 0.97


def _small_files_only():
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


@pytest.mark.long  # that a disk which refuses leaves what there is, tests/test_bad_input.py shows
def test_a_full_disk_is_one_clear_line(cli, tmp_path):
    answer = cli("train", "lenet", "--epochs", 2, before=_small_files_only)
    refused(answer, FAILED, "epoch-000001.npz could not be written: File too large")
    assert nothing_written(tmp_path)


@pytest.mark.long
def test_a_loss_that_explodes_later_keeps_the_best_model(cli, tmp_path):
    # Once rate times decay is above 2, every step makes the weights larger.
    rising = ["--optimizer", "sgd", "--schedule", "constant", "--weight-decay", 400, "--learning-rate", 0.01]
    answer = cli("train", "lenet", *rising, "--epochs", 20, "--name", "a")
    assert answer.code == FAILED
    assert "is not finite. The best model so far, that of epoch " in answer.err
    assert "is kept in runs/a. Use a lower --learning-rate, or --clip-norm 1." in answer.err
    assert json.loads((tmp_path / "runs/a/run.json").read_text())["state"] == "interrupted"
    assert cli("evaluate", "runs/a").code == 0
