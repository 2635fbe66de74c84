"""Training on photos, through the real command."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import kept
from painted_photos import SMALL, paths
from refusals import FAILED, USAGE, nothing_written, refused
from test_settings import batches_of, epoch_order, feed_of

from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.training.config import TrainingConfig
from kerascnn.training.train import train


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_photo_that_cannot_be_decoded_ends_the_training_with_its_name(cli, tmp_path, photos, split):
    broken = sorted(paths(getattr(load(str(photos)), split)))[3]
    broken.write_bytes(b"no picture")
    refused(cli("train", "alexnet", "--data", photos, *SMALL), FAILED, broken.name, "cannot be decoded")
    assert nothing_written(tmp_path)


@pytest.mark.long
def test_a_bad_file_is_left_out_recorded_and_stays_out(cli, tmp_path, photos):
    bad = sorted(paths(load(str(photos)).train))[0]
    bad.write_bytes(b"no picture")
    options = ["lenet", "--data", "photos", "--epochs", 1]
    refused(cli("train", *options), FAILED, bad.name, "leave such files out with --skip-bad-files")
    assert nothing_written(tmp_path)
    trained = cli("train", *options, "--skip-bad-files", "--json").json
    assert (trained["run"], trained["data"]["train"]) == ("runs/lenet-fc-photos-1", 47)
    run = tmp_path / trained["run"]
    made_with = json.loads((run / "environment.json").read_text())
    (skipped,) = made_with["skipped_files"]
    assert skipped["path"] == str(bad.relative_to(photos))
    assert "cannot be decoded" in skipped["reason"]
    (tmp_path / "link").symlink_to(photos)
    assert cli("evaluate", run, "--data-dir", "link", "--json").json["n"] == 6
    assert cli("quantize", run).code == 0
    bad.unlink()
    refused(cli("evaluate", run), FAILED, bad.name, "is missing, but the split depends on it")


@pytest.mark.long
def test_a_comparison_leaves_out_a_bad_file_too(cli, photos):
    bad = sorted(paths(load(str(photos)).train))[0]
    bad.write_bytes(b"no picture")
    compared = ["compare", "lenet", "--data", "photos", "--heads", "fc,nin", "--epochs", 1, "--format", "csv"]
    refused(cli(*compared), FAILED, bad.name, "--skip-bad-files")
    assert cli(*compared, "--skip-bad-files").code == 0


def test_train_evaluate_quantize_and_predict_on_photos(cli, tmp_path, on_photos):
    trained = kept(on_photos / "answer.json").json
    photos = Path(shutil.copytree(on_photos / "photos", tmp_path / "photos"))
    shutil.copytree(on_photos / "runs", tmp_path / "runs")
    settings = tmp_path / "runs" / "a" / "config.toml"
    trained_on = tomllib.loads(settings.read_text())["data"]
    settings.write_text(settings.read_text().replace(trained_on, str(photos)))
    assert (trained["variant"], trained["data"]["source"], trained["test"]["n"]) == (
        "small_stem",
        "photos",
        6,
    )
    run = tmp_path / trained["run"]
    assert trained_on not in (run / "model.json").read_text()
    evaluated = cli("evaluate", run, "--json").json
    assert (evaluated["accuracy"], evaluated["n"]) == (trained["test"]["accuracy"], 6)

    (file,) = cli("quantize", run, "--json").json["files"]
    assert (file["n"], file["scheme"]) == (6, "static_wi8_ai8")
    assert file["agreement"] >= 5 / 6  # six images; random noise may tip one
    predicted = cli("predict", tmp_path / file["path"], photos / "red" / "000.PNG", "--json").json
    assert [each["label"] for each in predicted[0]["classes"]].count("red") == 1

    photos.rename(tmp_path / "moved")
    refused(cli("quantize", run), FAILED, "photos", "Give its new place with --data-dir")
    refused(cli("evaluate", run), FAILED, "photos", "Give its new place with --data-dir")
    assert cli("evaluate", run, "--data-dir", "moved", "--json").json["n"] == 6
    assert cli("quantize", run, "--data-dir", "moved", "--scheme", "float16").code == 0
    alone = tmp_path / "alone.keras"
    (run / "model.keras").rename(alone)
    refused(cli("evaluate", alone), USAGE, "trained on the folder photos", "--data")
    assert cli("evaluate", alone, "--data", "moved", "--json").json["n"] == 6
    refused(cli("evaluate", alone, "--data", "digits"), FAILED, "blue, green, red", "do not fit")


def test_a_folder_that_is_called_like_a_source_is_not_that_source(cli, on_photos, tmp_path):
    """The run was trained on a folder of photos called digits."""
    run = shutil.copytree(on_photos / "runs" / "a", tmp_path / "a")
    config = (run / "config.toml").read_text()
    photos = shutil.copytree(on_photos / "photos", tmp_path / "digits")
    (run / "config.toml").write_text(config.replace(tomllib.loads(config)["data"], str(photos)))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"source": "digits"}))
    assert cli("evaluate", run, "--json").json["n"] == 6
    refused(
        cli("evaluate", run, "--data", "digits"), FAILED, "blue, green, red", "digits has 10", "do not fit"
    )


@pytest.mark.parametrize(("cache_mb", "read_again"), [(0, True), (1, False)])
def test_a_picture_is_read_again_in_the_next_epoch_unless_it_is_kept(tmp_path, photos, cache_mb, read_again):
    path = sorted(paths(load(str(photos)).train))[0]

    def remove_after_the_first_epoch(stage, done, total, figures):
        if stage == "training" and figures.finished:
            path.unlink(missing_ok=True)

    settings = {"image_size": 16, "channels": 3, "head": "nin", "batch_size": 8, "epochs": 2}
    settings |= {"augment": ["flip", "crop"], "cache_mb": cache_mb}
    config = TrainingConfig(model="lenet", data=str(photos), runs_dir=tmp_path, **settings)
    if read_again:
        with pytest.raises(KerasCnnError, match=f"{path.name} has vanished"):
            train(config, progress=remove_after_the_first_epoch)
    else:
        assert train(config, progress=remove_after_the_first_epoch).metrics()["epochs"] == 2
    assert not path.exists()


def test_the_same_seed_crops_and_flips_alike(photos):
    """That a training on photos repeats itself as a whole, tests/test_resume.py shows."""

    def pictures(seed):
        feed = feed_of(photos, augment=True, seed=seed)
        order = epoch_order(seed, 1, 48)
        return np.concatenate([batch[0] for batch in batches_of(feed, 1)])[np.argsort(order)]

    first = pictures(seed=1)
    np.testing.assert_array_equal(first, pictures(seed=1))
    assert not np.array_equal(first, pictures(seed=2))
