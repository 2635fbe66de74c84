"""Image files as people have them."""

import numpy as np
import pytest
from PIL import Image

from kerascnn.data.images import read_image
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.errors import KerasCnnError

GREY = Preprocessing(height=32, width=32, channels=1)


@pytest.fixture
def gradient():
    """Dark at the top, light at the bottom, 40 high and 20 wide."""
    return Image.fromarray(np.repeat(np.arange(0, 240, 6, dtype=np.uint8)[:, None], 20, axis=1))


def test_exif_rotation_is_honoured(tmp_path, gradient):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    gradient.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    shown = np.asarray(read_image(tmp_path / "turned.jpg"))
    assert shown.shape == (20, 40)
    assert shown[:, 0].mean() > 200 > 50 > shown[:, -1].mean()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    Image.fromarray(np.array([[0, 32_768, 65_535]], np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "deep.png")), [[0, 128, 255]])


@pytest.mark.parametrize(
    ("dtype", "values"),
    [(np.int32, [0, 128, 255]), (np.int32, [0, 32_896, 65_535]), (np.float32, [0, 0.502, 1])],
)
def test_deeper_images_keep_their_brightness(tmp_path, dtype, values):
    Image.fromarray(np.array([values], dtype)).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "deep.tif")), [[0, 128, 255]])


def test_transparency_is_shown_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert np.asarray(read_image(tmp_path / "clear.png")).min() == 255


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "LA"])
def test_every_mode_becomes_grey_of_the_right_brightness(tmp_path, mode):
    name = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    Image.new("RGB", (9, 9), "white").convert(mode).save(name)
    pixels = GREY.image(read_image(name))
    assert (pixels.shape, pixels.dtype, pixels.min()) == ((32, 32, 1), np.uint8, 255)


def test_invert(tmp_path):
    Image.new("L", (3, 3), 250).save(tmp_path / "light.png")
    assert np.asarray(read_image(tmp_path / "light.png", invert=True)).max() == 5


def test_the_aspect_is_kept_and_the_rest_is_black(gradient):
    white = Image.new("L", (10, 40), 255)
    pixels = GREY.image(white)[..., 0]
    assert pixels[:, 12:20].min() == 255
    assert pixels[:, :12].max() == pixels[:, 20:].max() == 0


def test_colour_is_kept_for_three_channels():
    colour = Preprocessing(height=4, width=4, channels=3)
    np.testing.assert_array_equal(colour.image(Image.new("RGB", (9, 9), (10, 20, 30)))[0, 0], [10, 20, 30])


def test_a_batch_is_prepared_as_its_pictures_one_by_one():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    single = [GREY.image(Image.fromarray(image[..., 0])) for image in images]
    np.testing.assert_array_equal(GREY.batch(images), single)


def test_resizing_is_pillows_bilinear():
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(GREY.image(image)[..., 0], expected)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
def test_what_cannot_be_decoded_is_one_clear_error(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(KerasCnnError, match=r"bad\.png cannot be decoded"):
        read_image(tmp_path / "bad.png")


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    Image.new("1", (400, 400)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    with pytest.raises(KerasCnnError, match="cannot be decoded"):
        read_image(tmp_path / "bomb.png")
