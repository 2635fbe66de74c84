"""The report of a study in a real browser, on a phone and a desktop: it opens alone, everything is seen."""

import json
import os
import shutil

import pytest

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="it needs a browser: apt install chromium chromium-driver"
)
WIDTHS = {"phone": 390, "desktop": 1280}
SECTIONS = [
    *("Verdict", "The heads", "Where the parameters are", "Accuracy against size and latency"),
    *("What int8 costs", "Seed by seed", "Quantization error by layer"),
    *("Learning curves", "Confusion", "Class by class", "Reliability of the probabilities"),
    *("Settings", "Runs", "Environment", "How to repeat it"),
]


@pytest.fixture(scope="module")
def report(part_of_study):
    return part_of_study("fc,nin", seeds=1)[0] / "report.html"


@pytest.fixture(params=WIDTHS)
def browser(request, report, tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in ("headless=new", "disable-gpu", "no-first-run", "disable-background-networking"):
        options.add_argument(f"--{switch}")
    for switch in ("disable-component-update", "disable-sync", f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(f"--{switch}")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        size = {"width": WIDTHS[request.param], "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(report.as_uri())
        yield driver
    finally:
        driver.quit()


def test_it_opens_without_an_error_and_fetches_nothing(browser, report):
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [one["request"]["url"] for one in sent if one["documentURL"] == report.as_uri()]
    assert asked[0] == report.as_uri()
    assert all(address.startswith("data:") for address in asked[1:])


def test_every_section_is_there_and_its_link_leads_to_it(browser):
    titles = [heading.text for heading in browser.find_elements(By.TAG_NAME, "h2")]
    assert [title for title in SECTIONS if title not in titles] == []
    links = browser.find_elements(By.CSS_SELECTOR, "nav a")
    assert [link.text for link in links] == titles
    assert all(browser.find_elements(By.ID, link.get_attribute("href").partition("#")[2]) for link in links)


def test_every_figure_is_seen(browser):
    figures = browser.find_elements(By.TAG_NAME, "img")
    assert len(figures) > 5
    for figure in figures:
        assert figure.get_attribute("alt")
        assert figure.is_displayed()
        assert browser.execute_script("return arguments[0].naturalWidth", figure) > 20
        assert figure.size["width"] > 60


def test_no_text_overflows_the_window(browser):
    """What is wider than the window slides within its frame; the page itself does not."""
    script = "return [document.documentElement.scrollWidth, window.innerWidth]"
    content, window = browser.execute_script(script)
    assert content <= window
    cut = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, p, li, dd, dt, pre, figcaption')]"
        ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.slice(0, 60))"
    )
    assert cut == []


def test_a_click_on_a_column_sorts_the_table(browser):
    table = browser.find_element(By.CSS_SELECTOR, ".wide table")
    column = table.find_elements(By.CSS_SELECTOR, "th button")[1]

    def parameters():
        rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [row.find_elements(By.TAG_NAME, "td")[1].get_attribute("textContent") for row in rows]

    assert parameters() == ["61,706", "2,742"]
    for expected in (["2,742", "61,706"], ["61,706", "2,742"]):
        browser.execute_script("arguments[0].click()", column)
        assert parameters() == expected
