"""What a run has learned, through the real command; numbers against values worked out here."""

import base64
import shutil
from html.parser import HTMLParser
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from refusals import FAILED, USAGE, refused

import kerascnn
from kerascnn.analysis.evaluation.evaluation import evaluate_classifier, keras_classifier
from kerascnn.analysis.interpretability.chapters import Subject, chapters
from kerascnn.analysis.interpretability.conv_blocks import conv_blocks, ends_of_backbone
from kerascnn.analysis.interpretability.feature_maps import filters, middle_squares, receptive_fields
from kerascnn.analysis.interpretability.top_patches import BEYOND, patch, patches, top_activations
from kerascnn.arithmetic.receptive_field import Sight
from kerascnn.data.dataset import Split
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.registry import load
from kerascnn.figures.page import Picture, Section, page
from kerascnn.figures.plots import confusion
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_file import load_model, save_model
from kerascnn.models.network import build

VOID = {"meta", "img"}


class _Page(HTMLParser):
    """A page's text and pictures; every tag must be closed by its own."""

    def __init__(self, path):
        super().__init__()
        self.open, self.text, self.pictures, self.addresses = [], "", [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        named = dict(attrs)
        self.addresses += [named[name] for name in ("src", "href") if name in named]
        if tag == "img":
            assert named["alt"].strip()
            self.pictures.append(base64.b64decode(named["src"].removeprefix("data:image/png;base64,")))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def _looked_at(document, folder):
    """Check what every visualization must hold; return its page."""
    assert list(document) == ["run", "image", "figures", "page"]
    found = _Page(folder / document["page"])
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in found.addresses)
    files = [folder / figure["path"] for figure in document["figures"]]
    assert found.pictures == [file.read_bytes() for file in files]
    for file, figure in zip(files, document["figures"], strict=True):
        assert (file.name, figure["caption"] in found.text) == (f"{figure['name']}.png", True)
        assert np.ptp(np.asarray(Image.open(file).convert("L"))) > 100  # something is drawn
    assert {path.name for path in files[0].parent.iterdir()} == {"index.html", *(file.name for file in files)}
    return found


def _names(document):
    return [figure["name"] for figure in document["figures"]]


def _with_model(run, folder, model, head=None, **described):
    """Copy a run and put another network into it."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("tflite"))
    _, description = load_model(run / "model.keras")
    if head:
        described["architecture"] = description.architecture.with_head(head)
    save_model(model, description.model_copy(update=described), folder / "model.keras")
    return folder


def test_a_run_with_dense_layers(cli, run, tmp_path):
    copied = shutil.copytree(run, tmp_path / "digits")
    answer = cli("visualize", "digits", "--json")
    document = answer.json
    assert _names(document) == [
        "filters",
        "picture",
        *("maps-conv1", "maps-conv2"),
        *("patches-conv1", "patches-conv2"),
        *("receptive-fields", "confusion", "mistakes"),
    ]
    assert (document["run"], document["image"]) == ("digits", "first test image of digits")
    assert document["page"] == "digits/learned/index.html"
    text = _looked_at(document, tmp_path).text
    assert "Heatmaps need a convolutional head. Run kerascnn surgery RUN" in text
    tested = cli("evaluate", copied, "--json").json
    assert f"{100 * tested['accuracy']:.2f} %" in text
    wrong = np.array(tested["confusion"]) * (1 - np.eye(10, dtype=int))
    assert f": {wrong.max()} of " in document["figures"][-2]["caption"]
    assert "drawing: 7/7" in answer.err
    assert (copied / "plots" / "confusion.png").is_file()


def test_a_class_map_and_an_image_of_ones_own(cli, run, tmp_path):
    _with_model(run, tmp_path / "nin", build("lenet", head="nin"), head="nin")
    Image.new("L", (90, 40), 200).save(tmp_path / "wide.png")
    document = cli("visualize", "nin", "--image", "wide.png", "--invert", "--out", "a/b", "--json").json
    assert (document["image"], document["page"]) == ("wide.png", "a/b/index.html")
    assert {"class-maps", "maps-class_map"} < set(_names(document))
    assert "wide.png; prediction" in _looked_at(document, tmp_path).text
    shades = np.bincount(np.asarray(Image.open(tmp_path / "a/b/picture.png").convert("L")).ravel())
    assert shades[255 - 200] > 10_000 > 100 > shades[200]
    assert not (tmp_path / "nin" / "learned").exists()
    assert kerascnn.visualize(tmp_path / "nin", out=tmp_path / "c").page == tmp_path / "c" / "index.html"
    shown = cli("visualize", "nin", "--out", "c")  # an earlier page of its own is replaced
    assert shown.out.splitlines()[-1] == "page     c/index.html"


NAMES = ("<img src=x onerror=alert(1)>", "$a_b$ & $\\frac$", "a very long name " * 5 + "of a class")


def test_photos_of_classes_with_strange_names(cli, tmp_path, photos):
    for folder, name in zip(sorted(photos.iterdir()), NAMES, strict=True):
        folder.rename(photos / name)
    cli("train", "lenet", "--data", photos, "--head", "nin", "--epochs", 1, "--runs-dir", ".", "--name", "p")
    document = cli("visualize", "p", "--json").json
    assert Path(document["image"]).parent.parent == photos
    found = _looked_at(document, tmp_path)
    assert f", is {Path(document['image']).parent.name}; prediction" in found.text
    assert all(name in found.text for name in NAMES)  # each of three is among the likeliest
    assert len(found.pictures) == len(document["figures"])


def test_bad_input_is_one_line_and_leaves_nothing(cli, run, tmp_path):
    refused(cli("visualize", "nowhere"), FAILED, "nowhere does not exist")
    (tmp_path / "empty").mkdir()
    refused(cli("visualize", "empty"), FAILED, "empty is not a run")
    (tmp_path / "note.png").write_text("no picture")
    refused(cli("visualize", run, "--image", "note.png"), FAILED, "note.png cannot be decoded")
    refused(cli("visualize", run, "--image", "no.png"), FAILED, "no.png does not exist")
    refused(cli("visualize", run, "--out", "note.png"), FAILED, "note.png cannot be written to: File exists")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("<p>a page of mine")
    refused(
        cli("visualize", run, "--out", "site"),
        FAILED,
        "site/index.html was not made by kerascnn",
        "--overwrite",
    )
    refused(cli("visualize", run, "--out", ""), FAILED, "note.png was not made by kerascnn")
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]
    refused(cli("visualize", run, "--invert"), USAGE, "invert")
    copied = shutil.copytree(run, tmp_path / "half")
    (copied / "model.keras").unlink()
    refused(cli("visualize", "half"), FAILED, "half is incomplete", "no model.keras")
    pixels = keras.Input((32, 32, 1))
    dense = keras.layers.Dense(10)(keras.layers.Flatten()(pixels))
    keras.Model(pixels, dense, name="flat").save(copied / "model.keras")
    refused(cli("visualize", "half"), FAILED, "'flat' has no convolution")
    assert not (copied / "learned").exists()
    assert not (run / "learned").exists()


def test_a_model_from_elsewhere_in_a_run(cli, run, tmp_path):
    copied = shutil.copytree(run, tmp_path / "foreign")
    layers = keras.layers
    pixels = keras.Input((32, 32, 1))
    maps = layers.LeakyReLU()(layers.SeparableConv2D(4, 3, padding="same", name="apart")(pixels))
    maps = layers.UpSampling2D(name="larger")(layers.MaxPooling2D()(maps))
    maps = layers.Conv2D(5, 3, activation="sigmoid", name="last")(maps)
    answer = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(maps))
    keras.Model(pixels, answer).save(copied / "model.keras")
    document = cli("visualize", "foreign", "--json").json
    assert {"maps-apart", "maps-last", "patches-apart"} < set(_names(document))
    assert "patches-last" not in _names(document)
    text = _looked_at(document, tmp_path).text
    assert "The receptive field of last is unknown." in text
    assert "before (left) and after leaky ReLU (right)" in text
    assert "before (left) and after sigmoid (right)" in text


@pytest.fixture(scope="module")
def digits():
    """The test digits at LeNet-5's input."""
    dataset = load("digits")
    return dataset.test.prepared(dataset.preprocessing(32))


def _strongest_first(maps):
    """Return each filter's pictures in order and the place in each; maps: (n, rows, columns, filters)."""
    order = np.argsort(-maps.max(axis=(1, 2)), axis=0, kind="stable")
    places = maps.reshape(len(maps), -1, maps.shape[-1]).argmax(axis=1)
    return order, places


def test_the_patches_are_those_of_brute_force(digits, monkeypatch):
    monkeypatch.setattr("kerascnn.analysis.interpretability.top_patches.images_at_once", lambda shape: 37)
    keras.utils.set_random_seed(1)
    model = build("lenet")
    kernel, _ = model.get_layer("conv1").get_weights()
    kernel[..., 4] = -1  # never above 0: ink is positive
    bias = np.array([0, 0.1, 0, 0, -0.5, 0])
    model.get_layer("conv1").set_weights([kernel, bias])
    windows = sliding_window_view(digits.images[..., 0] / 255, (5, 5), axis=(1, 2))
    maps = np.einsum("nrcij,ijf->nrcf", windows, kernel[:, :, 0]) + bias
    order, places = _strongest_first(np.maximum(maps, 0))
    found = top_activations(model, digits.images)
    assert list(found) == ["conv1", "conv2"]
    best = found["conv1"].places
    for number in (0, 1, 2, 3, 5):
        np.testing.assert_allclose(
            best.values[:, number], np.sort(maps.max(axis=(1, 2))[:, number])[::-1][:9], rtol=1e-4
        )
    figure = patches("conv1", found["conv1"], digits.images, filters=5)
    (drawn,) = (image.get_array() for image in figure.axes[0].images)
    block, gap = 3 * 5 + 2, 2
    for number in range(4):
        picture, place = order[0, number], places[order[0, number], number]
        row, column = divmod(place, 28)
        left = number * (block + gap)
        expected = digits.images[picture, row : row + 5, column : column + 5] / 255
        np.testing.assert_allclose(drawn[:5, left : left + 5], np.repeat(expected, 3, axis=2), atol=1e-6)
    silent = drawn[:block, 4 * (block + gap) :]
    np.testing.assert_allclose(silent, np.broadcast_to(BEYOND, silent.shape), atol=1e-6)
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3", "4", "5: never above 0"]
    assert figure.axes[0].get_title() == "conv1: the first 5 of 6 filters; 5×5 pixels"


def test_only_a_batch_of_pictures_is_asked_for_at_a_time(digits, monkeypatch):
    asked = []

    class Watched:
        def __len__(self):
            return len(digits)

        def __getitem__(self, which):
            asked.append(len(digits.images[which]))
            return digits.images[which]

    model = build("lenet")
    whole = top_activations(model, digits.images)["conv2"].places
    monkeypatch.setattr(
        "kerascnn.analysis.evaluation.evaluation.PIXELS_AT_ONCE", 28 * 28 * 6 * 50
    )  # the largest maps count
    found = top_activations(model, Watched())["conv2"]
    assert asked == [50] * 7 + [10]
    for name in ("images", "rows", "columns"):
        np.testing.assert_array_equal(getattr(found.places, name), getattr(whole, name))
    patches("conv2", found, Watched(), filters=16)
    assert max(asked[8:]) == 9


def test_a_patch_ends_where_the_picture_ends():
    picture = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)
    drawn = patch(picture, Sight(field=4, step=2, start=-1), 0, 2)
    np.testing.assert_allclose(drawn[0], np.broadcast_to(BEYOND, (4, 3)), rtol=1e-6)
    np.testing.assert_allclose(drawn[1:, :3, 1] * 255, picture[:3, 3:, 0], rtol=1e-6)
    np.testing.assert_allclose(drawn[:, 3], np.broadcast_to(BEYOND, (4, 3)), rtol=1e-6)


@pytest.mark.parametrize(
    "network",
    [
        {"model": "lenet", "head": "conv1x1"},
        {"model": "alexnet", "variant": "small_stem", "head": "nin", "classes": 3},
        {"model": "alexnet", "variant": "two_towers", "head": "nin", "image_size": 67, "classes": 3},
    ],
)
def test_the_squares_hold_the_pixels_that_a_value_depends_on(network):
    model = build(**network)
    for layer in model.layers:
        if hasattr(layer, "kernel_size"):
            layer.kernel.assign(np.full(layer.kernel.shape, 1 / np.prod(layer.kernel.shape[:3])))
    side, _, channels = model.input_shape[1:]
    one_row_brighter = np.full((side + 1, side, side, channels), 100, np.uint8)
    for row in range(side):
        one_row_brighter[row, row] = 255
    squares = middle_squares(model)
    shown = {name: square for square, names in squares.items() for name in names}
    assert set(shown) == {stage.name for stage in conv_blocks(model)}
    for stage in conv_blocks(model):
        maps = np.asarray(keras.Model(model.input, stage.after).predict_on_batch(one_row_brighter))
        middle = maps[:, maps.shape[1] // 2, maps.shape[2] // 2, 0]
        seen = np.flatnonzero(middle[:-1] != middle[-1])
        top, left, field = shown[stage.name]
        assert top == left
        assert (seen[0], seen[-1]) == (max(top, 0), min(top + field, side) - 1), stage.name
    axes = receptive_fields(model, one_row_brighter[0]).axes[0]
    drawn = [(int(box.get_y()), int(box.get_x()), int(box.get_width())) for box in axes.patches]
    assert drawn == list(squares)


def _subject(model, head, variant):
    """A network with random weights and pictures that were never anything."""
    height, width, channels = model.input_shape[1:]
    classes = tuple(f"class {number}" for number in range(model.output_shape[-1]))
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (12, height, width, channels), np.uint8)
    test = Split(images, np.arange(12, dtype=np.int32) % len(classes))
    classify = keras_classifier(model)
    description = ModelDescription(
        model=model.name,
        variant=variant,
        head=head,
        source="noise",
        preprocessing=Preprocessing(height=height, width=width, channels=channels),
        classes=classes,
        parameters=0,
    )
    return Subject(
        model=model,
        description=description,
        test=test,
        evaluation=evaluate_classifier(classify, test, classes, model="m", data="noise"),
        top_activations=top_activations(model, images),
        image=Image.fromarray(images[0] if channels == 3 else images[0, ..., 0]),
        label=classes[0],
        pixels=images[0],
        shares=classify(images[:1])[0],
    )


@pytest.mark.parametrize(
    ("name", "variant", "head", "network", "ends"),
    [
        ("lenet5", "paper", "fc", {}, ["C1", "C5"]),
        ("lenet5", "modern", "conv1x1", {}, ["conv1", "conv2"]),
        pytest.param(
            *("alexnet", "one_tower", "conv1x1", {"image_size": 67}, ["conv1", "conv5"]),
            marks=pytest.mark.long,
        ),
        ("alexnet", "two_towers", "fc", {"image_size": 67}, ["conv1a", "conv1b", "conv5a", "conv5b"]),
        ("alexnet", "small_stem", "nin", {"image_size": 16}, ["conv1", "conv5"]),
    ],
)
def test_every_variant_and_head(name, variant, head, network, ends):
    if name == "alexnet":
        network |= {"classes": 4} | ({} if head == "nin" else {"head_units": (8, 8)})
    model = build(name, variant=variant, head=head, **network)
    subject = _subject(model, head, variant)
    found = {chapter.section.title: chapter for chapter in chapters(subject)}
    assert ends_of_backbone(model) == ends
    patched = [figure.name for figure in found["Top-activating patches"].figures]
    assert patched == [f"patches-{end}" for end in ends]
    mapped = found["Class activation maps"]
    assert bool(mapped.figures) != bool(mapped.section.text) == (head == "fc")


def test_the_mean_of_the_drawn_scores_is_the_answer():
    model = build("lenet", head="nin")
    subject = _subject(model, "nin", "modern")
    (exhibit,) = next(
        each.figures for each in chapters(subject) if each.section.title == "Class activation maps"
    )
    logits = model.predict_on_batch(subject.pixels[np.newaxis])[0]
    panels = exhibit.figure.axes[1:-1]
    shown = [panel.get_title().partition(":")[0] for panel in panels]
    order = [f"class {number}" for number in np.argsort(-logits)]
    assert shown == order[:3] + ([] if "class 0" in order[:3] else ["class 0"])
    for name, panel in zip(shown, panels, strict=True):
        scores = panel.images[1].get_array()
        assert scores.shape == (5, 5)
        assert scores.mean() == pytest.approx(logits[int(name.removeprefix("class "))], rel=1e-4)
    assert len({panel.images[1].get_clim() for panel in panels}) == 1


def test_a_confusion_matrix_of_hundreds_of_classes_stays_small():
    names = [f"class {number}" for number in range(300)]
    figure = confusion(2 * np.eye(300, dtype=np.int64), names)
    assert max(figure.get_size_inches()) < 10
    assert list(figure.axes[0].texts) == []
    assert figure.axes[0].get_xlabel() == "predicted class, by number"
    few = confusion(2 * np.eye(3, dtype=np.int64), names[:3])
    assert [text.get_text() for text in few.axes[0].texts] == ["2", "2", "2"]


def test_nothing_to_draw_is_said():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)], name="inner")
    model = keras.Sequential([keras.Input((8, 8, 3)), inner], name="outer")
    with pytest.raises(KerasCnnError, match="'outer' has no convolution"):
        filters(model)


def test_a_page_takes_any_sign(tmp_path):
    written = tmp_path / "page.html"
    evil = "</title><script>alert('&')</script>"
    picture = Picture(b"png", f'" onload="{evil}', evil)
    written.write_text(page(evil, [Section(evil, evil, {evil: evil}, [picture]), Section("x")]), "utf-8")
    found = _Page(written)
    assert found.text.count(evil) == 8  # both titles, contents, section, text, name, value, caption
    assert found.pictures == [b"png"]
    text = written.read_text("utf-8")
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
