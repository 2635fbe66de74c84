"""Files appear whole, also when two processes write the same one and when one of them was killed."""

import os
import time

from kerascnn.foundation.files import whole_file


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
