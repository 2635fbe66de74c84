"""The page of a run in a real browser: it tests itself, a drawn digit is recognised, images are taken."""

import json
import math
import os

import numpy as np
import pytest
from painted_photos import paint
from PIL import Image
from web_browser import MISSING, opened, shown_by, stroke, text

from kerascnn.data.sources.registry import load
from kerascnn.models.network import build
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.web.network import Network
from kerascnn.tflite.web.page import GoldenImage, page

pytest.importorskip("selenium")
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
LAYERS = ["input", "conv1", "pool1", "conv2", "pool2", "flatten", "fc1", "fc2", "logits", "softmax"]


@pytest.fixture
def browser(driver, web_page):
    yield opened(driver, web_page)
    assert driver.get_log("browser") == []


def test_it_tests_itself_and_fetches_nothing(browser, web_page):
    assert (
        text(browser, "selftest")
        == "Self-test: 32 of 32 images equal bit for bit, in every value of all 9 layers."
    )
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [one["request"]["url"] for one in sent if one["documentURL"] == web_page.as_uri()]
    assert asked[0] == web_page.as_uri()
    assert all(address.startswith(("data:", "blob:")) for address in asked[1:])
    blocked = browser.execute_async_script(
        "fetch('https://example.org').then(() => arguments[0]('reached'), () => arguments[0]('blocked'))"
    )
    assert blocked == "blocked"
    assert "violates" in browser.get_log("browser")[0]["message"]


def lit(browser, volume):
    """Return how many pixels of a volume's maps are not black, by its title."""
    return browser.execute_script(
        "const box = [...document.querySelectorAll('.volume')].find((one) => one.querySelector('h3')"
        ".firstChild.data === arguments[0]); const maps = box.querySelector('canvas.maps');"
        "const copy = new OffscreenCanvas(maps.width, maps.height).getContext('2d');"
        "copy.drawImage(maps, 0, 0); return copy.getImageData(0, 0, maps.width, maps.height).data"
        ".filter((value, place) => place % 4 === 0 && value > 0).length",
        volume,
    )


def test_a_drawn_digit_is_recognised_and_its_maps_are_drawn(browser):
    ring = [(0.5 + 0.2 * math.sin(turn / 4), 0.5 - 0.32 * math.cos(turn / 4)) for turn in range(26)]
    before = text(browser, "answer")
    stroke(browser, ring)
    shown_by(browser, lambda: text(browser, "answer") != before)
    assert text(browser, "answer").startswith("The network answers 0, ")
    titles = [each.text.split()[0] for each in browser.find_elements(By.CSS_SELECTOR, ".volume h3")]
    assert titles == [
        *("input", "conv1", "pool1", "conv2", "pool2"),
        *("flatten", "fc1", "fc2", "logits", "softmax"),
    ]
    drawn = {title: lit(browser, title) for title in titles}
    assert all(drawn.values()), drawn
    browser.find_element(By.ID, "undo").click()
    shown_by(browser, lambda: lit(browser, "input") == 0)


def test_a_size_and_its_formula_stand_at_each_volume(browser):
    told = {each.text.split()[0]: each.text for each in browser.find_elements(By.CSS_SELECTOR, ".volume")}
    assert "10×10×16" in told["conv2"]
    assert "(N + 2P − F)/S + 1 = (14 + 2·0 − 5)/1 + 1 = 9/1 + 1 = 10" in told["conv2"]
    assert "(F·F·D + 1)·K = (5·5·6 + 1)·16 = 2,416" in told["conv2"]


def test_an_image_of_a_file_gives_what_litert_gives(browser, bundled_run, tmp_path):
    noise = np.random.default_rng(3).integers(0, 256, (41, 30, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    lite = LiteRTClassifier(bundled_run / "tflite" / "static_wi8_ai8.tflite", reference=True)
    rule = lite.description.preprocessing
    (expected,) = lite(rule.image(Image.fromarray(noise))[np.newaxis])
    before = text(browser, "heads")
    browser.find_element(By.ID, "file").send_keys(str(tmp_path / "noise.png"))
    shown_by(browser, lambda: text(browser, "heads") != before)
    shares = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#heads .share")]
    assert shares == [f"{100 * share:.0f} %" for share in expected]


TAKEN = """
const [how, done] = arguments, canvas = document.createElement("canvas"), context = canvas.getContext("2d");
canvas.width = canvas.height = 28;
context.fillRect(0, 0, 28, 28);
context.fillStyle = "#fff";
context.fillRect(how === "drop" ? 13 : 6, 4, 3, 20);
canvas.toBlob((blob) => {
  const given = new DataTransfer();
  given.items.add(new File([blob], "a.png", { type: "image/png" }));
  const told = () => done(document.getElementById("problem").textContent);
  document.addEventListener("values", told, { once: true });
  if (how === "drop") dispatchEvent(new DragEvent("drop", { dataTransfer: given, cancelable: true }));
  else dispatchEvent(new ClipboardEvent("paste", { clipboardData: given }));
});
"""


def test_images_are_dropped_and_pasted(browser):
    drawn = []
    for how in ("drop", "paste"):
        assert browser.execute_async_script(TAKEN, how) == ""
        drawn.append(lit(browser, "input"))
    assert min(drawn) > 0
    assert not browser.find_elements(By.CSS_SELECTOR, "#golden [aria-pressed=true]")


def test_a_damaged_image_is_refused_in_one_line(browser, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    before = text(browser, "answer")
    browser.find_element(By.ID, "file").send_keys(str(tmp_path / "broken.png"))
    shown_by(browser, lambda: text(browser, "problem"))
    assert text(browser, "problem") == "broken.png is damaged, or not an image that this browser reads."
    assert text(browser, "answer") == before


@pytest.mark.parametrize("width", [390, 1440])
def test_no_text_overflows_the_window(driver, web_page, width):
    opened(driver, web_page, width)
    content, window = driver.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert content <= window
    cut = driver.execute_script(
        "const slides = (one) => one && (getComputedStyle(one).overflowX === 'auto'"
        " || slides(one.parentElement));"
        "return [...document.querySelectorAll('h1, h2, h3, p, li, dd, dt, canvas, button')]"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !slides(one))"
        ".map((one) => one.outerHTML.slice(0, 80))"
    )
    assert cut == []


# many images: the page's own self-test, with what the reference kernels gave


def self_tested(driver, path, file, images):
    """Open a page with these golden images, and return what its self-test says."""
    lite = LiteRTClassifier(file)
    rule = lite.description.preprocessing
    shown = [GoldenImage(_deep(image), 0, [rule.image(image)]) for image in images]
    path.write_text(page("many", [Network("net", lite, {"accuracy": 1.0})], shown), encoding="utf-8")
    return text(opened(driver, path), "selftest")


def _deep(image):
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


@pytest.mark.long
@pytest.mark.skipif(
    "KERASCNN_MNIST" not in os.environ, reason="KERASCNN_MNIST names no folder with MNIST's files"
)
@pytest.mark.parametrize("head", ["fc", "conv1x1", "nin"])
def test_a_thousand_images_of_mnist(driver, whole_study, tmp_path, head):
    """Heads that learned the bundled digits: what they answer does not matter, but all must be equal."""
    test = load("mnist", os.environ["KERASCNN_MNIST"]).test
    images = [Image.fromarray(image[..., 0]) for image in test.images[:1000]]
    file = whole_study[0] / "runs" / f"{head}-1" / "tflite" / "static_wi8_ai8.tflite"
    told = self_tested(driver, tmp_path / "page.html", file, images)
    assert told.startswith("Self-test: 1000 of 1000 images equal bit for bit, in every value of all ")


@pytest.mark.long
def test_fifty_photos_in_alexnet(driver, tmp_path):
    paint(tmp_path / "photos", 17)
    images = [Image.open(path).convert("RGB") for path in sorted((tmp_path / "photos").rglob("*.*"))[:50]]
    model = build("alexnet", variant="one_tower", head="nin", image_size=227, classes=3)
    noise = np.random.default_rng(1).integers(0, 256, (4, 227, 227, 3), np.uint8)
    (tmp_path / "model.tflite").write_bytes(convert(model, schemes["static_wi8_ai8"], noise))
    told = self_tested(driver, tmp_path / "page.html", tmp_path / "model.tflite", images)
    assert told.startswith("Self-test: 50 of 50 images equal bit for bit, in every value of all ")
