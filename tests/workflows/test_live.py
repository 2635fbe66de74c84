"""``train --live``: who may look, what is seen, what the controls do, and what is refused."""

import base64
import json
import os
import socket
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import background
from live_page import Viewer
from refusals import FAILED, USAGE, nothing_written, refused

import kerascnn
from kerascnn.analysis.interpretability.conv_blocks import conv_blocks
from kerascnn.data.dataset import Dataset, Split
from kerascnn.foundation.errors import UsageError
from kerascnn.models.network import build
from kerascnn.workflows.live.pictures import Camera

MISSING = 5
LONG = ("train", "lenet", "--head", "nin", "--epochs", 2_000, "--batch-size", 32, "--live", "--name", "a")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("live")


def is_shown(state):
    """Whether it is paused and its pictures are those of its last step: none follow."""
    place = [state.get("epoch"), state.get("step")]
    return state["phase"] == "paused" and state["pictures"] and state["pictures"]["place"] == place


@pytest.fixture(scope="module")
def training(folder):
    """A training that waits after its first steps. 4 s of processor time."""
    with background(*LONG, cwd=folder) as process:
        viewer = Viewer(process)
        viewer.until("it trains", lambda state: state.get("step") == 0)
        viewer.control("pause")
        viewer.until("it is paused and shown", is_shown)
        yield process, viewer


@pytest.mark.parametrize("path", ["/", "/state", "/facts", "/control"])
def test_a_wrong_token_is_refused(training, path):
    _, viewer = training
    body = {"do": "stop"} if path == "/control" else None
    for token in ("", "wrong", viewer.token[:-1], "ä"):
        status, text = viewer.ask(path, body, x_token=token)
        assert (status, text) == (403, "Open the address that kerascnn printed: its token is missing.")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", ""])
def test_a_page_of_another_host_is_refused(training, host):
    _, viewer = training
    status, text = viewer.ask("/state", host=host)
    assert (status, text) == (403, "This page is served to this machine only.")


def test_the_page_asks_only_its_own_server(training):
    _, viewer = training
    status, page = viewer.ask(f"/?token={viewer.token}", x_token="")
    assert status == 200
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")
    assert viewer.token not in page


@pytest.mark.parametrize(
    "asked",
    [{"do": "explode"}, {"do": "rate", "value": "2"}, {"do": "choose", "value": 24}, {}, [], 7, "x" * 2000],
)
def test_a_control_that_there_is_not_changes_nothing(training, asked):
    _, viewer = training
    before = viewer.state()
    status, text = viewer.ask("/control", asked)
    assert status == 400
    assert json.loads(text)["error"]
    assert viewer.state() == before


@pytest.mark.parametrize("times", [0, -1, 1e9, 10**400, True])
def test_a_factor_that_makes_no_sense_is_refused(training, times):
    _, viewer = training
    assert viewer.ask("/control", {"do": "rate", "value": times})[0] == 400
    assert viewer.state()["factor"] == 1


def test_the_pictures_are_those_of_the_network(training):
    _, viewer = training
    facts, seen = json.loads(viewer.ask("/facts")[1]), viewer.state()["pictures"]
    assert facts["classes"] == [str(digit) for digit in range(10)]
    assert [image["label"] for image in facts["images"]] == [*range(10), *range(10), 0, 1, 2, 3]
    assert facts["shape"] == [32, 32, 1]
    assert {len(base64.b64decode(image["pixels"])) for image in facts["images"]} == {32 * 32}
    assert (seen["filters"]["name"], seen["filters"]["shape"]) == ("conv1", [6, 5, 5])
    assert [maps["shape"] for maps in seen["maps"]][:2] == [[6, 28, 28], [16, 10, 10]]
    for answers in seen["answers"]:
        shares = [share for _, share in answers]
        assert len(answers) == 3
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1.001
    assert viewer.state(seen=viewer.state()["number"])["pictures"] is None  # they travel once


def test_a_step_is_one_step_and_its_change_is_shown(training):
    _, viewer = training
    before = viewer.state()
    viewer.control("step")
    after = viewer.until(
        "a step is made and shown",
        lambda state: (
            state["phase"] == "paused"
            and state["pictures"]["place"] == [state["epoch"], state["step"]]
            and state["number"] > before["number"]
        ),
    )
    here, there = ((state["epoch"] - 1) * state["steps"] + state["step"] for state in (before, after))
    assert there == here + 1
    assert after["pictures"]["before"] == [before["epoch"], before["step"]]
    assert 0 < after["pictures"]["change"]["largest"] < 0.1


def test_a_second_viewer_sees_and_changes_the_same(training):
    process, viewer = training
    second = Viewer(process)
    second.control("choose", 7)
    viewer.until("the choice is shown", lambda state: state["pictures"]["chosen"] == 7)
    viewer.control("choose", 3)
    second.until("the choice is shown", lambda state: state["pictures"]["chosen"] == 3)


def test_a_viewer_that_goes_in_the_middle_of_an_answer_harms_nobody(training):
    process, viewer = training
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", viewer.port)) as half:
            half.sendall(
                f"GET /state?token={viewer.token} HTTP/1.1\r\nHost: 127.0.0.1:{viewer.port}\r\n\r\n".encode()
            )
    assert viewer.state()["phase"] == "paused"
    assert process.poll() is None


def test_changes_go_on_record_and_stop_keeps_the_run(training, folder):
    """The last of these: it ends the training."""
    process, viewer = training
    config = folder / "runs" / "a" / "config.toml"
    at = viewer.state()
    viewer.control("rate", 0.5)
    viewer.control("rate", 0.5)
    changed = viewer.until("the rate is changed", lambda state: state["interventions"])
    place = {"epoch": at["epoch"], "step": at["step"]}
    assert changed["interventions"] == [place | {"learning_rate_factor": changed["factor"]}]
    assert tomllib.loads(config.read_text())["interventions"] == changed["interventions"]
    viewer.control("continue")
    viewer.until("it continues", lambda state: state["epoch"] > at["epoch"])
    viewer.control("stop")
    ended = viewer.until("it has ended", lambda state: state["phase"] == "done")
    assert ended["run"] == "runs/a"
    assert process.wait() == 0, process.err
    stored = tomllib.loads(config.read_text())["interventions"]
    assert stored == ended["interventions"]
    assert stored[-1]["stop"] is True
    assert json.loads((folder / "runs/a/metrics.json").read_text())["ended"] == "stopped"
    assert json.loads((folder / "runs/a/run.json").read_text())["state"] == "done"
    with pytest.raises(ConnectionRefusedError):
        viewer.ask("/state")


def test_the_address_is_told_once_and_opened(tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    env = dict(os.environ) | {"BROWSER": f"{browser} %s"}
    given = ("train", "lenet", "--head", "nin", "--epochs", 1, "--live", "--open", "--json")
    with background(*given, cwd=tmp_path, env=env) as process:
        viewer = Viewer(process)
        assert process.wait() == 0, process.err
        assert process.err.count("Live: ") == 1
        assert json.loads(process.out)["state"] == "done"
    assert (tmp_path / "opened").read_text() == viewer.address


def test_a_port_in_use_is_refused(cli, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(cli(*LONG, "--live-port", port), FAILED, f"Port {port} is in use", "--live-port")
    assert nothing_written(tmp_path)


def no_free_port():
    def bind(self, address):
        raise OSError(98, "Address already in use")

    socket.socket = type("Socket", (socket.socket,), {"bind": bind})


def test_no_free_port_is_told(cli, tmp_path):
    refused(cli(*LONG, before=no_free_port), FAILED, "There is no free port on 127.0.0.1 for --live")
    assert nothing_written(tmp_path)


def without_the_server():
    sys.modules["uvicorn"] = None


def test_a_library_that_is_not_installed_has_its_install_line(cli, tmp_path):
    refused(cli(*LONG, before=without_the_server), MISSING, "--live needs", "pip install 'kerascnn[live]'")
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--open"], "--live-port and --open need --live"),
        (["--live-port", 8000], "--live-port and --open need --live"),
        (["--live", "--live-port", 70000], "70000 is not in the range"),
        (["--live", "--distribute"], "A distributed training cannot be watched live"),
    ],
)
def test_options_that_do_not_fit(cli, tmp_path, options, words):
    answer = cli("train", "lenet", *options)
    assert answer.code == USAGE
    assert words in answer.err
    assert nothing_written(Path(tmp_path))


def test_an_observer_in_python_has_its_methods():
    with pytest.raises(UsageError, match=r"observer must be an Observer\. Received: observer=7"):
        kerascnn.train("lenet", observer=7)


def test_filters_over_colour_are_colours_and_photos_are_few():
    """3 s of processor time."""
    rng = np.random.default_rng(1)
    split = Split(rng.integers(0, 256, (30, 80, 80, 3), np.uint8), np.arange(30, dtype=np.int32) % 3)
    data = Dataset("photos", ("red", "green", "blue"), split, split, split)
    model = build("alexnet", variant="small_stem", image_size=80, channels=3, classes=3, head="nin")
    camera = Camera(model, data)
    first, again = camera.take((1, 1), 0), camera.take((1, 2), 0)
    (kernel,) = (layer.kernel for layer in model.layers if layer.name == "conv1")
    weights = np.asarray(kernel).transpose(3, 0, 1, 2)
    shown = first.filters.values * (first.filters.largest / 127)
    assert shown.shape == weights.shape
    np.testing.assert_allclose(shown, weights, atol=first.filters.largest / 127)
    assert again.change.largest == 0
    assert list(camera.labels) == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [maps.of for maps in first.maps] == [block.shape[2] for block in conv_blocks(model)][
        : len(first.maps)
    ]
    assert max(max(maps.values.shape[1:]) for maps in first.maps) <= 32
    assert [maps.sides for maps in first.maps] == [block.shape[:2] for block in conv_blocks(model)][
        : len(first.maps)
    ]
