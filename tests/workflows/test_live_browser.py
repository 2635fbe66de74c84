"""The page of a training in a real browser: every control does what it says, and it says how it ended."""

import json
import re
import signal

import pytest
from commands import background
from live_page import Viewer
from outcomes import outcome
from waiting import wait_until
from web_browser import MISSING, started

selenium = pytest.importorskip("selenium")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.long,
]
GIVEN = ("train", "lenet", "--head", "nin", "--epochs", 3_000, "--batch-size", 32, "--live", "--name", "a")
PLACE = re.compile(r"epoch (\d+)/3000 · step (\d+)/40")
CUT = (
    "return [...document.querySelectorAll('h1, h2, p, li, button, figcaption')]"
    ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.slice(0, 60))"
)


@pytest.fixture
def browser(tmp_path):
    driver = started(tmp_path / "profile")
    yield driver
    driver.quit()


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def place(browser):
    found = PLACE.search(text(browser, "figures"))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def press(browser, name):
    """Use a control with the keyboard alone."""
    button = browser.find_element(By.ID, name)
    browser.execute_script("arguments[0].focus()", button)
    assert button == browser.switch_to.active_element
    button.send_keys(Keys.ENTER)


def window(browser, width, *, dark):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})


def test_every_control_does_what_it_says_and_a_repetition_does_it_again(cli, browser, tmp_path):
    """60 s of processor time."""
    with background(*GIVEN, cwd=tmp_path) as process:
        address = Viewer(process).address
        browser.get(address)
        wait_until(lambda: "Training." in text(browser, "status"), "the page shows it", process)

        press(browser, "pause")
        wait_until(lambda: text(browser, "status") == "Paused.", "it is paused", process)
        wait_until(lambda: "step" in text(browser, "filters"), "the filters are shown", process)
        paused = place(browser)
        assert not browser.find_element(By.ID, "pause").is_enabled()

        press(browser, "step")
        wait_until(lambda: place(browser) != paused, "a step is made", process)
        stepped = (paused[0], paused[1] + 1) if paused[1] < 40 else (paused[0] + 1, 1)
        assert place(browser) == stepped
        wait_until(lambda: "their change since" in text(browser, "filters"), "the change is shown", process)

        images = browser.find_elements(By.CSS_SELECTOR, "#strip button")
        assert len(images) == 24
        assert {image.get_attribute("class") for image in images} <= {"right", "wrong"}
        images[7].send_keys(Keys.SPACE)
        wait_until(lambda: text(browser, "chosen") == "of image 8: 7", "its maps are shown", process)
        assert len(browser.find_elements(By.CSS_SELECTOR, "#maps canvas")) >= 2

        browser.find_element(By.CSS_SELECTOR, ".rate[data-times='2']").send_keys(Keys.ENTER)
        wait_until(lambda: "(schedule × 2)" in text(browser, "rate"), "the rate is changed", process)
        change = "epoch {}, step {}: learning rate × 2".format(*stepped)
        wait_until(lambda: text(browser, "interventions") == change, "the change is on record", process)

        for width in (390, 1440):
            for dark in (False, True):
                window(browser, width, dark=dark)
                assert browser.execute_script("return document.documentElement.scrollWidth") <= width
                assert browser.execute_script(CUT) == []

        press(browser, "continue")
        wait_until(lambda: place(browser) > (stepped[0] + 1, 1), "it continues", process)
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        browser.get(address)
        wait_until(lambda: "Training." in text(browser, "status"), "a second viewer sees it", process)
        browser.close()
        browser.switch_to.window(first)

        press(browser, "stop")
        browser.switch_to.alert.dismiss()
        went = place(browser)
        wait_until(lambda: place(browser) > went, "it continues where it is not confirmed", process)
        press(browser, "stop")
        browser.switch_to.alert.accept()
        wait_until(lambda: text(browser, "status") == "Training is complete.", "it has ended", process)
        assert "kerascnn bundle runs/a --target web" in text(browser, "way")
        assert process.wait() == 0, process.err
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    own = address.partition("?")[0]
    foreign = {each["request"]["url"] for each in asked if each["documentURL"].startswith(own)}
    assert not [url for url in foreign if not url.startswith((own, "data:"))]
    again = cli("train", "--config", "runs/a/config.toml", "--name", "b")
    assert again.code == 0, again.err
    assert outcome(tmp_path / "runs" / "b") == outcome(tmp_path / "runs" / "a")


def test_a_killed_training_is_told_with_the_way_on(browser, tmp_path):
    """10 s of processor time."""
    with background(*GIVEN, cwd=tmp_path) as process:
        browser.get(Viewer(process).address)
        wait_until(lambda: place(browser) > (2, 0), "the page shows it", process)
        process.send(signal.SIGKILL)
        process.wait()
        wait_until(lambda: "ended or was killed" in text(browser, "status"), "the page notices")
    assert "kerascnn train --resume runs/a" in text(browser, "way")
    assert not [each for each in browser.find_elements(By.CSS_SELECTOR, ".tools button") if each.is_enabled()]
