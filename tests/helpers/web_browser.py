"""A page of ``bundle --target web`` in a real browser."""

import os
import shutil

from waiting import LONGEST

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "" if CHROMIUM and DRIVER else "it needs a browser: apt install chromium chromium-driver"


def started(profile):
    """Return a browser without a window, as selenium's driver."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in ("headless=new", "disable-gpu", "no-first-run", "disable-background-networking"):
        options.add_argument(f"--{switch}")
    for switch in ("disable-component-update", "disable-sync", f"user-data-dir={profile}"):
        options.add_argument(f"--{switch}")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


def opened(driver, page, width=1440, *, dark=False):
    """Open a page in a window of that width, and wait for the end of its self-test."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(page.as_uri())
    shown_by(driver, lambda: "equal" in text(driver, "selftest") or text(driver, "problem"))
    return driver


def shown_by(driver, condition):
    """Wait until a page shows something; asked too often, it would do nothing else."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, LONGEST, poll_frequency=0.05).until(lambda _: condition())


def text(driver, name):
    """Return the text of the element with an id."""
    return driver.execute_script("return document.getElementById(arguments[0]).textContent", name)


def stroke(driver, points, pad="pad"):
    """Draw on a pad with a mouse; points are shares of its sides."""
    frame = driver.execute_script(
        "const pad = document.getElementById(arguments[0]); pad.scrollIntoView({block: 'center'});"
        "const {x, y, width} = pad.getBoundingClientRect(); return [x, y, width]",
        pad,
    )
    for place, (x, y) in enumerate(points):
        at = {"x": frame[0] + x * frame[2], "y": frame[1] + y * frame[2], "button": "left", "clickCount": 1}
        kind = "mousePressed" if place == 0 else "mouseMoved"
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "buttons": 1, **at})
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", **at})
