"""The report of a study in a real browser, on a phone and a desktop: it opens alone, everything is seen."""

import itertools
import json

import pytest

selenium = pytest.importorskip("selenium")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from web_browser import MISSING, started  # noqa: E402

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
WIDTHS = {"phone": 390, "desktop": 1440}
FIRST = ["The answer", "Which head for what", "Side by side"]
PARTS = [
    *("How sure this is", "What each head costs", "What int8 costs", "Seed by seed", "Learning curves"),
    *("Class by class", "Reliability of the probabilities", "Disagreements", "Layers of each head"),
    "How it was made",
]
SHOWN = "return arguments[0].getBoundingClientRect().top"
OPEN = "for (const each of document.querySelectorAll('details')) each.open = true"


@pytest.fixture(scope="module")
def report(part_of_study):
    return part_of_study("fc,nin", seeds=1)[0] / "report.html"


@pytest.fixture(params=WIDTHS)
def browser(request, report, tmp_path):
    driver = started(tmp_path / "profile")
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


def test_the_answer_is_seen_and_the_rest_is_folded(browser):
    assert [each.text for each in browser.find_elements(By.TAG_NAME, "h2")] == [*FIRST, *PARTS]
    assert browser.find_element(By.CSS_SELECTOR, ".sheet img").is_displayed()
    for folded in browser.find_elements(By.CSS_SELECTOR, "details img, details table"):
        assert not folded.is_displayed()
    # a reader of a minute: three windows of a phone, two of a desktop
    height = browser.execute_script("return document.documentElement.scrollHeight")
    assert height < 900 * (3 if browser.execute_script("return innerWidth") == 390 else 2)


def test_a_link_opens_what_it_leads_to_without_a_script(browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.refresh()
    links = browser.find_elements(By.CSS_SELECTOR, "nav > ul > li > a")
    assert [link.get_attribute("textContent") for link in links] == [*FIRST, *PARTS]
    link = next(each for each in links if each.get_attribute("textContent") == "Class by class")
    link.send_keys(Keys.ENTER)
    opened = browser.find_element(By.CSS_SELECTOR, "details[open]")
    assert opened.find_element(By.TAG_NAME, "h2").text == "Class by class"
    assert 0 <= browser.execute_script(SHOWN, opened.find_element(By.TAG_NAME, "h3")) < 450


def test_the_navigation_stays_in_the_window(browser):
    browser.execute_script(OPEN + "; scrollTo(0, document.documentElement.scrollHeight)")
    links = browser.find_element(By.TAG_NAME, "nav")
    assert -1 <= browser.execute_script(SHOWN, links) < 900


def test_headings_are_in_order(browser):
    browser.execute_script(OPEN)
    levels = [int(each.tag_name[1]) for each in browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_figure_is_seen_whole(browser):
    browser.execute_script(OPEN)
    figures = browser.find_elements(By.TAG_NAME, "img")
    assert len(figures) > 5
    width = browser.execute_script("return document.documentElement.clientWidth")
    for figure in figures:
        assert figure.get_attribute("alt")
        assert figure.is_displayed()
        assert browser.execute_script("return arguments[0].naturalWidth", figure) > 20
        assert 60 < figure.size["width"] <= width
        assert figure.location["x"] + figure.size["width"] <= width


def test_no_text_overflows_the_window(browser):
    """What is wider than the window slides within its frame; the page itself does not."""
    browser.execute_script(OPEN)
    script = "return [document.documentElement.scrollWidth, window.innerWidth]"
    content, window = browser.execute_script(script)
    assert content <= window
    cut = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, p, li, dd, dt, pre, figcaption')]"
        ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.slice(0, 60))"
    )
    assert cut == []


def test_a_click_on_a_column_sorts_the_table(browser):
    browser.execute_script(OPEN)
    table = browser.find_element(By.CSS_SELECTOR, "details .wide table")
    column = table.find_elements(By.CSS_SELECTOR, "th button")[1]

    def parameters():
        rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [row.find_elements(By.TAG_NAME, "td")[0].get_attribute("textContent") for row in rows]

    assert parameters() == ["61,706", "2,742"]
    for expected in (["2,742", "61,706"], ["61,706", "2,742"]):
        browser.execute_script("arguments[0].click()", column)
        assert parameters() == expected
