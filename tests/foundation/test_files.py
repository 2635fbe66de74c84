"""Files appear whole, also when two processes write the same one and when one of them was killed."""

import os
import time

import pytest

from kerascnn.foundation.files import replaced_together, whole_file


def test_two_processes_that_write_one_file_do_not_write_into_each_other(tmp_path, monkeypatch):
    path = tmp_path / "a[1].txt"
    with whole_file(path) as first:
        first.write_text("first")
        monkeypatch.setattr(os, "getpid", lambda: 7)
        with whole_file(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
        monkeypatch.undo()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_goes_after_a_day(tmp_path):
    fresh, old, other = (tmp_path / name for name in (".a.1.part.txt", ".a.2.part.txt", ".b.2.part.txt"))
    for left in (fresh, old, other):
        left.touch()
    for left in (old, other):
        os.utime(left, (0, time.time() - 90_000))
    with whole_file(tmp_path / "a.txt") as aside:
        aside.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", fresh.name, other.name}


def test_files_are_replaced_together_or_not_at_all(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / ".together-killed.part").mkdir()
    for name in ("report.md", "figures/one.svg", "notes.txt"):
        (tmp_path / name).write_text("old")

    def write(folder):
        (folder / "figures").mkdir()
        (folder / "figures/one.svg").write_text("new")
        (folder / "report.md").write_text("new")

    def write_and_fail():
        with replaced_together(tmp_path) as folder:
            write(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"old"}
    with replaced_together(tmp_path) as folder:
        write(folder)
    assert [(tmp_path / name).read_text() for name in ("report.md", "figures/one.svg", "notes.txt")] == [
        "new",
        "new",
        "old",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "notes.txt", "report.md"]
