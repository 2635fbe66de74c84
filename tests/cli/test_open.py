"""``--open``: the page that a command has written, in the user's browser."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from refusals import USAGE, refused
from waiting import wait_until


@pytest.fixture
def browser(tmp_path):
    """A program that notes what it is asked to open, and the environment in which it is the browser."""
    noted, script = tmp_path / "noted", tmp_path / "browser"
    script.write_text(f"#!/bin/sh\necho \"$1\" >> '{noted}'\n")
    script.chmod(0o755)
    return noted, os.environ | {"BROWSER": f"{script} %s"}


def opened(noted):
    wait_until(noted.is_file, "the browser is called", seconds=30)
    wait_until(lambda: noted.read_text().endswith("\n"), "it has noted the address", seconds=30)
    (address,) = noted.read_text().splitlines()
    assert address.startswith("file:///")
    return Path(unquote(urlsplit(address).path))


def test_the_page_that_was_written_is_opened(cli, bundled_run, browser, tmp_path):
    noted, environment = browser
    cli("bundle", bundled_run, "--target", "web", "--out", "a page.html", "--open", env=environment)
    assert opened(noted) == tmp_path / "a page.html"
    noted.unlink()
    answer = cli("runs", "--runs-dir", bundled_run.parent, "--html", "runs.html", "--open", env=environment)
    assert (answer.code, opened(noted)) == (0, tmp_path / "runs.html")


def test_without_a_browser_its_address_is_told(cli, bundled_run, tmp_path):
    bare = os.environ | {"BROWSER": "", "PATH": str(tmp_path), "DISPLAY": ""}
    given = ("runs", "--runs-dir", bundled_run.parent, "--html", "runs.html", "--open")
    answer = cli(*given, env=bare)
    assert answer.code == 0
    assert answer.err == f"No browser could be started. Open {(tmp_path / 'runs.html').as_uri()}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["bundle", "--open"], "--open needs --target web."),
        (["runs", "--open"], "--open needs --html."),
        (["report", "--format", "md", "--open"], "--open opens the HTML page: add --format html."),
        (["compare", "--format", "json", "--open"], "--open opens the HTML page: add --format html."),
    ],
)
def test_what_writes_no_page_opens_none(cli, run, command, words):
    name, *options = command
    refused(cli(name, *([] if name == "runs" else [run]), *options), USAGE, words)
