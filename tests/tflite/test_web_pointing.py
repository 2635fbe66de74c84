"""Pointing at values of a page in a real browser: what they see, every number on the way, and reasons."""

import re

import pytest
from waiting import wait_until
from web_browser import MISSING, opened, text

from kerascnn.tflite.program.build import integer_program

pytest.importorskip("selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture
def browser(driver, web_page):
    yield opened(driver, web_page)
    assert driver.get_log("browser") == []


def maps(browser, title):
    """Return the maps of a volume."""
    found = browser.find_elements(By.CSS_SELECTOR, ".volume")
    (volume,) = [each for each in found if each.find_element(By.TAG_NAME, "h3").text.split()[0] == title]
    return volume.find_element(By.CSS_SELECTOR, ".maps")


def point(browser, title, across=0.5, down=0.5, kinds=("mouseMoved", "mousePressed", "mouseReleased")):
    """Move a mouse to a volume's maps, as shares of their sides, and click."""
    box = browser.execute_script(
        "scrollBy(0, arguments[0].getBoundingClientRect().top - 150); const {x, y, width, height} ="
        "arguments[0].getBoundingClientRect(); return [x, y, width, height]",
        maps(browser, title),
    )
    at = {"x": box[0] + across * box[2], "y": box[1] + down * box[3]}
    for kind in kinds:
        pressed = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **at, **pressed})


def panel(browser):
    return browser.find_element(By.ID, "inspector")


def numbers(browser):
    """Return the whole numbers of the panel's table, in order."""
    cells = panel(browser).find_elements(By.CSS_SELECTOR, ".steps tbody td:nth-of-type(1)")
    return [int(cell.text.replace(",", "").replace("−", "-")) for cell in cells]


def framed(browser):
    """Return the titles of the volumes in which something is framed."""
    return browser.execute_script(
        "return [...document.querySelectorAll('.volume')]"
        ".filter((one) => !one.querySelector('.frames').hidden && one.querySelector('.frames').width)"
        ".map((one) => one.querySelector('h3').firstChild.data)"
    )


def test_under_the_pointer_a_value_and_what_it_sees(browser):
    point(browser, "conv2", 0.03, 0.4, kinds=("mouseMoved",))
    wait_until(lambda: panel(browser).is_displayed(), "the value under the pointer")
    assert re.match(r"conv2, map 1 of 16, row \d+, column \d+ = \d", panel(browser).text)
    assert framed(browser) == ["input", "conv1", "pool1", "conv2"]
    point(browser, "conv2", 0.5, 3.0, kinds=("mouseMoved",))
    wait_until(lambda: not panel(browser).is_displayed(), "nothing under the pointer")
    assert framed(browser) == []


def test_a_click_shows_every_number_from_the_window_to_the_stored_value(browser):
    point(browser, "conv2", 0.03, 0.4)
    assert "It sees 14×14 pixels of the image: rows " in panel(browser).text
    assert "R + (F − 1)·J = 6 + (5 − 1)·2 = 14 pixels a side" in panel(browser).text
    total, bias, accumulator, scaled, moved, stored = numbers(browser)
    assert total + bias == accumulator
    assert moved == scaled - 128
    assert stored == max(moved, -128)
    assert f"stored as {stored}".replace("-", "−") in panel(browser).text
    assert len(panel(browser).find_elements(By.CSS_SELECTOR, ".column")) == 6  # maps of pool1
    window, weights, products = panel(browser).find_elements(By.CSS_SELECTOR, ".grid")
    cells = [
        [
            int(cell.text.replace(",", "").replace("−", "-"))
            for cell in grid.find_elements(By.TAG_NAME, "span")
        ]
        for grid in (window, weights, products)
    ]
    assert [x * w for x, w in zip(cells[0], cells[1], strict=True)] == cells[2]


def test_keys_alone_pick_a_value_move_it_and_leave_it(browser):
    maps(browser, "pool1").send_keys(Keys.ENTER)
    to_the_corner = [Keys.UP, Keys.LEFT] * 14 + [Keys.PAGE_UP] * 6
    maps(browser, "pool1").send_keys(*to_the_corner)
    maps(browser, "pool1").send_keys(
        Keys.DOWN, Keys.DOWN, Keys.DOWN, Keys.UP, Keys.RIGHT, Keys.RIGHT, Keys.LEFT
    )
    maps(browser, "pool1").send_keys(Keys.PAGE_DOWN, Keys.PAGE_DOWN, Keys.PAGE_UP)
    assert (
        panel(browser)
        .find_element(By.TAG_NAME, "h3")
        .text.startswith("pool1, map 2 of 6, row 3, column 2 = ")
    )
    assert "The largest of 2×2 values of conv1 stays" in panel(browser).text
    maps(browser, "pool1").send_keys(Keys.ESCAPE)
    assert not panel(browser).is_displayed()
    assert framed(browser) == []


def test_a_dense_layer_shows_its_weights_over_the_maps_that_it_flattens(browser):
    point(browser, "fc1", 0.5)
    assert "pool2 as it is, the weights of this value over it, and their products: 5·5·16 = 400" in (
        panel(browser).text
    )
    assert len(panel(browser).find_elements(By.CSS_SELECTOR, ".column")) == 16
    panel(browser).find_elements(By.CSS_SELECTOR, ".column canvas")[0].click()
    assert panel(browser).find_element(By.TAG_NAME, "h3").text.startswith("pool2, map 1 of 16")
    point(browser, "logits", 0.05)
    assert panel(browser).find_element(By.TAG_NAME, "h3").text.startswith("logits of “0” = ")
    assert "Value × weight = product: the 10 of 84 that add most" in panel(browser).text
    point(browser, "softmax", 0.05)
    assert len(panel(browser).find_elements(By.CSS_SELECTOR, ".bars li")) == 10


def test_it_says_why_this_class_and_not_another(browser):
    assert re.fullmatch(r"Why \d and not \d\?", text(browser, "question"))
    score, other, more = re.search(
        r"has the score (−?[\d.]+), “\d” (−?[\d.]+): ([\d.]+) more", text(browser, "reasons")
    ).groups()
    score, other = (float(number.replace("−", "-")) for number in (score, other))
    assert float(more) == pytest.approx(score - other, rel=0.02)
    shares = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#reasons .bars .number")]
    found = sum(float(share.replace("−", "-")) for share in shares)
    assert found == pytest.approx(float(more), rel=0.02)
    browser.find_element(By.CSS_SELECTOR, "#second option:last-child").click()
    assert re.fullmatch(r"Why \d\?", text(browser, "question"))


def test_where_the_parameters_are(browser, bundled_run):
    program = integer_program(bundled_run / "tflite" / "static_wi8_ai8.tflite")
    assert len(program.steps) == 9
    assert text(browser, "parameters").startswith("48,120 of 61,706 parameters, 78.0 %, are in fc1.")
    assert "(inputs + 1)·outputs = (400 + 1)·120 = 48,120" in text(browser, "parameters")


def test_a_filter_leads_to_where_it_answers_most(browser):
    buttons = browser.find_elements(By.CSS_SELECTOR, ".filters button")
    assert len(buttons) == 6
    browser.execute_script("arguments[0].click()", buttons[2])
    assert panel(browser).find_element(By.TAG_NAME, "h3").text.startswith("conv1, map 3 of 6, row ")


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_the_panel_fits_the_window(driver, web_page, width, dark):
    browser = opened(driver, web_page, width, dark=dark)
    for title in ("conv1", "conv2", "fc1", "fc2", "softmax"):
        point(browser, title, 0.04, 0.3)
        assert panel(browser).is_displayed(), title
        page, window, content, room = browser.execute_script(
            "return [document.documentElement.scrollWidth, innerWidth, arguments[0].scrollWidth,"
            "arguments[0].clientWidth]",
            panel(browser),
        )
        assert page <= window, title
        assert content <= room, title
        box = panel(browser).rect
        assert box["height"] <= 0.65 * 900, title
        assert panel(browser).find_element(By.TAG_NAME, "h3").text.startswith(title)
        above, below = (
            browser.execute_script("return arguments[0].getBoundingClientRect().top", each)
            for each in (maps(browser, title), panel(browser))
        )
        assert 40 < above < below, title
