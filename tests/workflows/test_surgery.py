"""An FC head rewritten as convolutions computes the same, and more on larger images; its map is drawn."""

import shutil
import tomllib

import keras
import numpy as np
import pytest
from PIL import Image
from refusals import FAILED, USAGE, refused

from kerascnn.analysis.interpretability.class_activation import resized_to_map
from kerascnn.models.network import build
from kerascnn.training.run import Run
from kerascnn.workflows.surgery import as_convolutions


@pytest.fixture
def copied(run, tmp_path):
    """The trained run in a folder that a test may write to."""
    return shutil.copytree(run, tmp_path / "digits")


def test_every_answer_stays_and_no_parameter_is_saved(cli, copied):
    before = cli("evaluate", copied, "--json").json
    result = cli("surgery", copied, "--json").json
    assert (result["agreement"], result["n"], result["model"]) == (1.0, 360, "lenet5")
    assert result["parameters_before"] == result["parameters_after"] == 61_706
    assert 0 <= result["max_difference"] < 1e-3
    assert (result["larger_image"], result["map_side"]) == (40, 3)
    assert result["run"] == f"{copied}-conv"
    after = cli("evaluate", result["run"], "--json").json
    assert after["confusion"] == before["confusion"]
    assert cli("quantize", result["run"], "--json").json["files"][0]["agreement"] > 0.98
    layers = {layer["name"]: layer for layer in cli("summary", result["run"], "--json").json["layers"]}
    assert (layers["fc1"]["kind"], layers["fc1"]["kernel"], layers["fc1"]["parameters"]) == (
        "Conv2D",
        5,
        5 * 5 * 16 * 120 + 120,
    )


@pytest.mark.long
def test_all_files_of_the_new_run_name_its_head(cli, copied):
    """The run's report says how that run is made; its settings train no dense head in its place."""
    assert cli("surgery", copied).code == 0
    new = Run.open(f"{copied}-conv")
    assert str(new.record.architecture) == "lenet5 (modern), head fc_conv"
    for found in (
        new.metrics(),
        new.read("model.json"),
        tomllib.loads((new.path / "config.toml").read_text()),
    ):
        assert (found["variant"], found["norm"], found["head"]) == ("modern", "none", "fc_conv")
    assert "lenet5 (modern), head fc_conv, trained on `digits`" in (new.path / "card.md").read_text()
    (report,) = cli("report", new.path, "--format", "json", "--json").json
    assert report["settings"]["command"] == f"kerascnn surgery {copied}"
    refused(cli("train", "--config", new.path / "config.toml"), USAGE, "Unknown head 'fc_conv'")


def test_what_surgery_refuses_leaves_nothing(cli, copied, tmp_path, whole_study):
    assert cli("surgery", copied).code == 0
    refused(cli("surgery", copied), FAILED, "digits-conv exists", "Add --overwrite")
    assert cli("surgery", copied, "--overwrite").code == 0
    refused(cli("surgery", f"{copied}-conv"), USAGE, "fc_conv head, which is convolutional already")
    nin = whole_study[0] / "runs" / "nin-1"
    refused(cli("surgery", nin), USAGE, "nin head, which is convolutional already")
    assert {path.name for path in tmp_path.iterdir()} == {"digits", "digits-conv"}
    assert not nin.with_name("nin-1-conv").exists()


def test_dropout_and_widths_survive():
    keras.utils.set_random_seed(0)
    model = build("alexnet", variant="small_stem", image_size=16, head_units=(32, 24), classes=5)
    rewritten = as_convolutions(model)
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3))
    np.testing.assert_allclose(
        rewritten.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-5
    )
    assert [layer.rate for layer in rewritten.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]
    assert rewritten.get_layer("fc1").kernel.shape == (2, 2, 256, 32)


def test_the_map_holds_the_answer_to_every_crop():
    """LeNet-5 pads nowhere, so each place of the map is exactly the network on that crop."""
    keras.utils.set_random_seed(0)
    model = build("lenet5")
    image = np.random.default_rng(0).integers(0, 256, (1, 44, 40, 1)).astype("float32")
    scores = resized_to_map(as_convolutions(model), 44, 40).predict(image, verbose=0)[0]
    assert scores.shape == (4, 3, 10)
    crops = [
        image[0, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
        for row in range(4)
        for column in range(3)
    ]
    np.testing.assert_allclose(scores.reshape(12, 10), model.predict(np.stack(crops), verbose=0), atol=1e-4)


@pytest.fixture
def digit(tmp_path):
    path = tmp_path / "digit.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 28), np.uint8)).save(path)
    return path


def test_a_heatmap_is_drawn_beside_the_answer(cli, copied, tmp_path, digit):
    refused(
        cli("predict", copied, digit, "--heatmap"), USAGE, "need a convolutional head", "kerascnn surgery RUN"
    )
    lite = copied / "tflite" / "static_wi8_ai8.tflite"
    refused(cli("predict", lite, digit, "--heatmap"), USAGE, "one size of image only")
    assert not list(tmp_path.glob("*-heatmap.png"))
    cli("surgery", copied)
    (tmp_path / "more").mkdir()
    twin = shutil.copy(digit, tmp_path / "more" / "digit.png")
    answer = cli("predict", f"{copied}-conv", digit, twin, "--heatmap", "--out", "maps", "--json").json
    assert [each["heatmap"] for each in answer] == ["maps/digit-heatmap.png", "maps/digit-2-heatmap.png"]
    drawn = np.asarray(Image.open(tmp_path / "maps" / "digit-heatmap.png").convert("RGB"))
    assert drawn.shape[1] > 800
    # the left panel is grey, the right one is coloured by the scores
    left, right = drawn[:, : drawn.shape[1] // 3], drawn[:, drawn.shape[1] // 2 : -drawn.shape[1] // 4]
    assert np.ptp(left.astype(int), axis=2).max() < np.ptp(right.astype(int), axis=2).max()


def test_a_map_of_a_head_that_averages_needs_no_surgery(cli, digit, whole_study):
    answer = cli("predict", whole_study[0] / "runs" / "conv1x1-1", digit, "--heatmap")
    assert answer.code == 0, answer.err
    assert "heatmap digit-heatmap.png" in answer.out
