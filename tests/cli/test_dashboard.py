"""What a person sees while a command works: the panel on a real terminal, plain lines elsewhere."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
from dataclasses import replace
from functools import partial

import pytest
from commands import background, begun_part
from waiting import wait_until

from kerascnn.cli.terminal.dashboard import ASCII, sparkline
from kerascnn.foundation.text.wording import duration
from kerascnn.training.loop.status import TrainingFigures

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
ERASE = re.compile(r"\r\x1b\[2K((?:\x1b\[1A\x1b\[2K)*)")  # the line of the cursor, and lines above it


def _on_a_terminal(folder, *arguments, columns=60, rows=10, **environment):
    """Run a command on a pseudo-terminal and return all that it wrote there."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    surroundings = os.environ | {"TERM": "xterm-256color"} | environment
    sit = partial(_sit_at, os.ttyname(follower), environment.get("PYTHONIOENCODING", "utf-8"))
    shown = b""

    def ended():
        nonlocal shown
        over = process.poll() is not None  # asked before the last words are read
        while select.select([leader], [], [], 0)[0]:
            shown += os.read(leader, 65_536)
        return over

    with background(*arguments, cwd=folder, env=surroundings, before=sit) as process:
        wait_until(ended, "the command ends")
        assert process.wait() == 0, shown
    os.close(leader)
    os.close(follower)
    return shown.decode().replace("\r\n", "\n")


def _sit_at(terminal, encoding):
    """Make a terminal the standard input and error of this process."""
    for descriptor in (0, 2):
        os.dup2(os.open(terminal, os.O_RDWR), descriptor)
    # A stream of its own: the old one takes its descriptor for a file, in which it may seek.
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding=encoding, closefd=False)


def _remains(shown):
    """Return the lines that stand on the screen at the end: each redrawing first erases what it replaces."""
    screen, position = [""], 0
    for move in [*ERASE.finditer(shown), None]:
        first, *others = CONTROL.sub("", shown[position : move.start() if move else None]).split("\n")
        screen[-1] += first
        screen += others
        if move:
            screen[len(screen) - 1 - move.group(1).count("A") :] = [""]
            position = move.end()
    return [line for line in screen if line.strip()]


TRAIN = ["train", "lenet", "--head", "nin", "--epochs", "3", "--name", "a"]


def test_a_terminal_sees_the_panel(tmp_path):
    shown = _on_a_terminal(tmp_path, *TRAIN)
    assert COLOUR.search(shown)
    panel = _remains(shown)
    assert len(panel) == 8, panel
    assert {len(line) for line in panel} == {60}
    assert panel[0].startswith("╭─ training lenet5 (modern), head nin, on digits: runs/a ─")
    assert re.match(r"│ epoch 3/3  step 20/20 +[\d,]+ images/s │$", panel[1])
    assert re.match(r"│ 100 % ━+ \d+ s +│$", panel[2])
    accuracies = [row.split(",") for row in (tmp_path / "runs/a/history.csv").read_text().splitlines()[1:]]
    (_, loss, accuracy, val_loss, val_accuracy, *_) = map(float, accuracies[-1])
    assert re.match(rf"│ training +{loss:.4f}  █[▁-█]▁ +{100 * accuracy:.2f} %  ▁[▁-█]█ +│$", panel[4])
    assert re.match(
        rf"│ validation +{val_loss:.4f}  █[▁-█]▁ +{100 * val_accuracy:.2f} %  [▁-█]{{3}} ", panel[5]
    )
    best = max(float(row[4]) for row in accuracies)
    assert f"best validation {100 * best:.2f} % in epoch " in panel[6]


def test_a_terminal_sees_something_at_once_that_leaves_no_trace(tmp_path):
    shown = _on_a_terminal(tmp_path, "conv", "7x7x1", "--filters", "1", "--kernel", "3")
    assert shown.startswith("starting\r\x1b[2K")
    assert _remains(shown) == []


def test_a_comparison_is_one_bar_over_all_its_trainings(tmp_path, whole_study):
    begun_part(whole_study[0], ["nin", "conv1x1"], tmp_path / "study", cells=["nin-1"])
    given = ("--heads", "nin,conv1x1", "--seeds", "1", "--epochs", "2", "--out", "study", "--format", "csv")
    shown = _on_a_terminal(tmp_path, "compare", "lenet", *given, columns=80)
    assert re.search(r"study .*conv1x1, seed 1: training", shown)
    trainings, layers = _remains(shown)
    assert re.search(r"study ━+ \d+ s 2 of 2 trainings done", CONTROL.sub("", shown))
    assert re.match(r"study  \d+ s$", trainings)
    assert re.match(r"comparing layers ━+ \d+ s \d+ operators$", layers)


@pytest.mark.long
def test_a_console_without_blocks_and_colours_sees_the_panel_too(tmp_path):
    shown = _on_a_terminal(tmp_path, *TRAIN, PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert not COLOUR.search(shown)
    panel = _remains(shown)
    assert panel[0].startswith("+- training lenet5 (modern), head nin, on digits: runs/a -")
    assert re.search(r"training +[\d.]+  #[-_.:=+*#]_ ", panel[4])
    assert "?" not in "".join(panel)


def test_a_terminal_that_cannot_move_its_cursor_sees_plain_lines(tmp_path, run):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    shown = _on_a_terminal(tmp_path, "benchmark", file, "--runs", "20", TERM="dumb")
    assert "\x1b" not in shown
    assert re.match(r"[a-z ]+: 0/\d+", shown)
    assert re.search(r"^timing one image: 20/20", shown, re.MULTILINE)


def test_without_a_terminal_there_are_short_plain_lines(trained):
    lines = trained[1].err.splitlines()
    assert lines[0] == "training: 0/60  epoch 1/3"
    assert re.match(r"training: 60/60  epoch 3/3  loss \d\.\d{4}  best validation \d+\.\d\d %$", lines[-1])
    assert [line.partition("  ")[0] for line in lines].count("training: 60/60") == 1
    assert max(map(len, lines)) <= 100


def test_figures_as_text_and_as_curves():
    rows = [{"epoch": n, "loss": 1 / n, "val_loss": 1.0, "val_accuracy": 0.5} for n in (1, 2)]
    running = TrainingFigures(3, 10, 4, 20, 1e4, loss=0.25, accuracy=0.9, finished=tuple(rows))
    assert str(running) == "epoch 3/10  loss 0.2500  best validation 50.00 %"
    assert running.best is rows[1]  # the latest of equals
    assert running.curve("loss") == [1.0, 0.5, 0.25]
    assert running.curve("val_loss") == [1.0, 1.0]
    assert replace(running, epoch=2).curve("loss") == [1.0, 0.5]  # validated: its row is there
    assert str(TrainingFigures(1, 10, 0, 20)) == "epoch 1/10"


def test_a_curve_spans_its_levels():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([2.0, float("nan"), 1.0, float("inf")], ASCII) == "#?_?"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99.4, "99 s"), (99.6, "2 min"), (5_900, "98 min"), (12_240, "3.4 h")]
)
def test_a_duration_has_one_to_three_digits(seconds, text):
    assert duration(seconds) == text
