"""Image files as people have them."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import pixels
from kerascnn.data.images import decode, full_size, read_image
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnError

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


@pytest.mark.parametrize("side", [32, 40, 400])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch, side, action):
    """Pillow only warns of up to twice as many pixels as it takes to be safe."""
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    warnings.simplefilter(action)
    with pytest.raises(KerasCnnError, match="cannot be decoded as an image: it has more than 1,000 pixels"):
        read_image(tmp_path / "bomb.png")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width: int, depth: int, colour: int, row: bytes, *extra: bytes) -> bytes:
    """Return a PNG file of one row; colour is 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", zlib.compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def shown(path) -> list:
    """Return the first row of a picture."""
    return np.asarray(read_image(path))[0].tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(8, 1, 0, b"\x0f"), [0, 0, 0, 0, 255, 255, 255, 255]),
        (png(4, 2, 0, b"\x1b"), [0, 85, 170, 255]),
        (png(2, 16, 0, struct.pack(">2H", 32_768, 65_535)), [128, 255]),
        (png(2, 16, 0, struct.pack(">2H", 2_048, 4_095)), [128, 255]),
        (png(2, 16, 0, struct.pack(">2H", 0, 32_768), png_chunk(b"tRNS", b"\0\0")), [255, 128]),
        (png(2, 16, 2, struct.pack(">6H", 0, 32_768, 65_535, 65_535, 0, 0)), [[0, 128, 255], [255, 0, 0]]),
        (png(2, 8, 4, bytes([7, 255, 7, 0])), [[7, 7, 7], [255, 255, 255]]),
        (png(2, 16, 4, struct.pack(">4H", 0, 65_535, 0, 0)), [[0, 0, 0], [255, 255, 255]]),
        (png(2, 8, 6, bytes([9, 8, 7, 255, 9, 8, 7, 0])), [[9, 8, 7], [255, 255, 255]]),
        (
            png(
                2,
                8,
                3,
                bytes([0, 1]),
                png_chunk(b"PLTE", bytes([9, 8, 7, 1, 2, 3])),
                png_chunk(b"tRNS", b"\0"),
            ),
            [[255, 255, 255], [1, 2, 3]],
        ),
    ],
    ids=[
        "1 bit",
        "2 bits",
        "16 bits",
        "12 bits of 16",
        "16 bits, one clear",
        "RGB 16",
        "LA",
        "LA 16",
        "RGBA",
        "palette, one clear",
    ],
)
def test_every_depth_and_kind_of_png(tmp_path, content, expected):
    (tmp_path / "picture.png").write_bytes(content)
    assert shown(tmp_path / "picture.png") == expected


@pytest.mark.parametrize(
    ("cmyk", "expected"),
    [((0, 255, 255, 0), [255, 0, 0]), ((0, 0, 0, 255), [0, 0, 0]), ((0, 0, 0, 0), [255] * 3)],
)
@pytest.mark.parametrize("name", ["print.jpg", "print.tif"])
def test_cmyk_is_not_shown_inverted(tmp_path, name, cmyk, expected):
    """A JPEG of Adobe's kind stores its four inks inverted, and so does Pillow."""
    Image.new("CMYK", (8, 8), cmyk).save(tmp_path / name, **({"quality": 100} if name == "print.jpg" else {}))
    assert name != "print.jpg" or b"Adobe" in (tmp_path / name).read_bytes()
    assert shown(tmp_path / name)[0] == expected


@pytest.mark.parametrize("name", ["moving.gif", "moving.webp", "moving.png"])
def test_of_a_moving_picture_the_first_one_is_taken(tmp_path, name):
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    lossless = {"lossless": True} if name.endswith("webp") else {}
    first.save(tmp_path / name, save_all=True, append_images=[second], **lossless)
    assert shown(tmp_path / name)[0] == [255, 0, 0]


def test_a_gif_may_be_transparent(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([1, 2, 3, 200, 100, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "clear.gif", transparency=0)
    assert shown(tmp_path / "clear.gif") == [[255, 255, 255], [200, 100, 0]]


def test_damaged_exif_does_not_spoil_a_picture(tmp_path):
    Image.new("RGB", (4, 4), "white").save(tmp_path / "photo.jpg", exif=b"Exif\0\0no tags at all")
    assert shown(tmp_path / "photo.jpg")[0] == [255, 255, 255]


@pytest.mark.parametrize("name", ["p.jpg", "p.png", "p.gif", "p.bmp", "p.webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_what_is_cut_off_is_an_error_not_a_grey_half(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(KerasCnnError, match="cannot be decoded"):
        read_image(tmp_path / name)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    Image.fromarray(np.array([[0, np.nan]], np.float32)).save(tmp_path / "deep.tif")
    with pytest.raises(KerasCnnError, match="not numbers"):
        read_image(tmp_path / "deep.tif")


def test_a_picture_never_starts_another_program(tmp_path):
    """Pillow hands EPS to Ghostscript, whatever the file is called."""
    (tmp_path / "picture.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) (ran) file\n%%EOF\n"
    )
    with pytest.raises(KerasCnnError, match="its content is of no known format"):
        read_image(tmp_path / "picture.jpg")


def test_an_empty_file_says_so(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(KerasCnnError, match=r"empty\.jpg cannot be decoded as an image: it is empty\."):
        read_image(tmp_path / "empty.jpg")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "it is HEIC, .*: export it as JPEG"),
        (b"\0\0\0\x20ftypisom" + bytes(40), "it is a video"),
        (b"\n<!DOCTYPE html><html>", "it is a web page"),
    ],
)
def test_what_is_only_called_like_a_picture_is_named(tmp_path, content, told):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(KerasCnnError, match=rf"photo\.jpg cannot be decoded as an image: {told}"):
        read_image(tmp_path / "photo.jpg")


def test_a_huge_jpeg_is_decoded_smaller_and_known_by_its_full_size(tmp_path, monkeypatch):
    shades = np.linspace(0, 255, 2_400).astype(np.uint8)
    picture = Image.fromarray(np.tile(shades, (1_200, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    picture.save(tmp_path / "a.png", exif=exif)
    whole = decode(tmp_path / "a.jpg").image
    assert whole.size == full_size(tmp_path / "a.jpg") == (1_200, 2_400)
    monkeypatch.setattr(pixels, "ENOUGH", 300)
    assert decode(tmp_path / "a.jpg").image.tobytes() == whole.tobytes()  # an ordinary image stays
    monkeypatch.setattr(pixels, "LARGE", 2_000_000)
    small = decode(tmp_path / "a.jpg").image
    assert (small.size, full_size(tmp_path / "a.jpg")) == ((300, 600), (1_200, 2_400))
    assert decode(tmp_path / "a.png").image.size == (1_200, 2_400)
    difference = np.asarray(small, int) - np.asarray(whole.resize((300, 600), Image.Resampling.BOX), int)
    assert np.abs(difference).max() < 6
