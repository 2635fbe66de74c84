"""The run folder: its record, its name, and what a failure leaves."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import whole_file, write_json
from kerascnn.training.run import Run, RunRecord, list_runs
from kerascnn.training.run_folder import continued_run, free_name, named_folder, new_run

RECORD = RunRecord(
    created=datetime(2026, 1, 2, tzinfo=UTC),
    model="lenet",
    variant="modern",
    head="fc",
    source="digits",
    seed=1,
)


def _make(folder, content="new", **options):
    with new_run(folder, RECORD, **options) as run:
        (run.path / "card.md").write_text(content)
        return run.marked("done")


def test_a_run_has_its_name_and_state_from_the_first_second(tmp_path):
    with new_run(tmp_path / "runs" / "a", RECORD):
        assert Run.open(tmp_path / "runs" / "a").record.state == "running"
    assert _make(tmp_path / "b").record.state == "done"
    assert Run.open(tmp_path / "b").record == RECORD.model_copy(update={"state": "done"})


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), new_run(tmp_path / "a", RECORD):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_not_touched_without_overwrite(tmp_path):
    _make(tmp_path / "a", "old")
    with pytest.raises(KerasCnnError, match=r"a exists.*--overwrite.*free: a-1"):
        _make(tmp_path / "a")
    assert (tmp_path / "a" / "card.md").read_text() == "old"


def test_overwrite_replaces_only_when_the_new_run_is_whole(tmp_path):
    _make(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), new_run(tmp_path / "a", RECORD, overwrite=True):
        raise ZeroDivisionError
    assert (tmp_path / "a" / "card.md").read_text() == "old"
    _make(tmp_path / "a", "new", overwrite=True)
    assert (tmp_path / "a" / "card.md").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_killed_overwrite_does_not_cost_the_old_run(tmp_path):
    run = _make(tmp_path / "a", "old")
    program = (
        "import os, pathlib, signal\n"
        "from kerascnn.training.run import Run\n"
        "from kerascnn.training.run_folder import new_run\n"
        f"path = pathlib.Path({str(run.path)!r})\n"
        "record = Run.open(path).record.model_copy(update={'state': 'running'})\n"
        "with new_run(path, record, overwrite=True):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert Run.open(run.path).record.state == "running"
    with pytest.raises(ZeroDivisionError), new_run(run.path, RECORD, overwrite=True):
        raise ZeroDivisionError
    assert (run.path / "card.md").read_text() == "old"


def test_an_unfinished_overwrite_keeps_the_old_run_beside_it(tmp_path):
    _make(tmp_path / "a", "old")

    def fail(error):
        with new_run(tmp_path / "a", RECORD, overwrite=True) as run:
            run.model_path.write_text("half trained")
            raise error

    for number, error in enumerate((KeyboardInterrupt, ZeroDivisionError), start=1):
        with pytest.raises(error):
            fail(error)
        assert (tmp_path / "a" / "model.keras").exists()
        assert Run.open(tmp_path / "a").record.state == "interrupted"
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "a",
            *(f"a-{n + 1}" for n in range(number)),
        ]
    assert (tmp_path / "a-1" / "card.md").read_text() == "old"


def test_a_kill_between_setting_aside_and_beginning_costs_nothing(tmp_path):
    _make(tmp_path / "a", "old")
    (tmp_path / "a").rename(tmp_path / ".a.replaced")
    with pytest.raises(KerasCnnError, match=r"a exists"):
        _make(tmp_path / "a")
    assert (tmp_path / "a" / "card.md").read_text() == "old"


def test_a_run_that_is_being_trained_is_not_overwritten(tmp_path):
    with new_run(tmp_path / "a", RECORD):
        with pytest.raises(KerasCnnError, match="a is in use by another kerascnn process"):
            _make(tmp_path / "a", overwrite=True)
        assert Run.open(tmp_path / "a").record.state == "running"


def test_the_same_name_at_the_same_moment_takes_the_next_number(tmp_path):
    def taken_meanwhile(folder):
        (tmp_path / "lenet-1").mkdir()
        (tmp_path / "lenet-1" / "run.json").touch()

    with new_run(tmp_path / "lenet-1", RECORD, stem="lenet", begin=taken_meanwhile) as run:
        assert run.path.name == "lenet-2"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["lenet-1", "lenet-2"]


def test_a_name_that_is_taken_at_the_same_moment_costs_the_other_nothing(tmp_path):
    def taken_meanwhile(folder):
        (tmp_path / "a" / "plots").mkdir(parents=True)

    with (
        pytest.raises(KerasCnnError, match="could not be created"),
        new_run(tmp_path / "a", RECORD, begin=taken_meanwhile),
    ):
        pass
    assert (tmp_path / "a" / "plots").exists()


def test_ctrl_c_says_how_to_go_on(tmp_path):
    def interrupted():
        with new_run(tmp_path / "a", RECORD) as run:
            run.model_path.touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"a is kept\. Resume: kerascnn train --resume .*a"):
        interrupted()
    with pytest.raises(KeyboardInterrupt, match="Resume: "), continued_run(Run.open(tmp_path / "a")):
        raise KeyboardInterrupt


def test_a_leftover_of_a_finished_overwrite_is_not_taken_for_the_run(tmp_path):
    _make(tmp_path / "a", "whole")
    (tmp_path / ".a.replaced").mkdir()  # killed while it removed what was replaced
    with pytest.raises(ZeroDivisionError), new_run(tmp_path / "a", RECORD, overwrite=True):
        raise ZeroDivisionError
    assert (tmp_path / "a" / "card.md").read_text() == "whole"


def test_a_folder_that_cannot_be_made_gives_the_old_run_back(tmp_path, monkeypatch):
    _make(tmp_path / "a", "old")

    def refuse(path, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "mkdir", refuse)
    with pytest.raises(KerasCnnError, match="No space left"):
        _make(tmp_path / "a", overwrite=True)
    assert (tmp_path / "a" / "card.md").read_text() == "old"


def test_ctrl_c_after_the_model_is_saved_keeps_it(tmp_path):
    def interrupted():
        with new_run(tmp_path / "a", RECORD) as run:
            run.model_path.touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Run.open(tmp_path / "a").record.state == "interrupted"
    assert Run.open(tmp_path / "a").to_dict()["files"] == ["model.keras"]


def test_a_run_is_found_around_its_files(tmp_path):
    run = _make(tmp_path / "a")
    for inside in (run.path, run.model_path, run.tflite_dir / "float16.tflite"):
        found = Run.around(inside)
        assert found is not None
        assert found.path == run.path
    assert Run.around(tmp_path / "elsewhere.keras") is None


def test_no_folder_has_no_runs(tmp_path):
    assert list_runs(tmp_path / "absent") == []


def test_overwrite_never_removes_what_is_not_a_run(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dear.jpg").touch()
    with pytest.raises(KerasCnnError, match="is not a run"):
        _make(tmp_path / "photos", overwrite=True)
    assert (tmp_path / "photos" / "dear.jpg").exists()


@pytest.mark.parametrize("record", ['{"x": 1}', "", "[]", '{"format": 99}'])
def test_overwrite_never_removes_a_folder_with_somebody_elses_run_json(tmp_path, record):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "run.json").write_text(record)
    (mine / "diary.txt").write_text("dear diary")
    with pytest.raises(KerasCnnError, match="mine is not overwritten"):
        _make(mine, overwrite=True)
    assert {path.name for path in mine.iterdir()} == {"run.json", "diary.txt"}


@pytest.mark.parametrize(
    "name",
    [
        "diary.txt",
        "tflite/notes.txt",
        "photos/a.jpg",
        "plots/mine.svg",
        "report/thesis.odt",
        "learned/x/a.png",
    ],
)
def test_overwrite_never_removes_a_file_that_is_not_the_runs(tmp_path, name):
    run = _make(tmp_path / "a", "old")
    (run.path / name).parent.mkdir(parents=True, exist_ok=True)
    (run.path / ".DS_Store").touch()
    (run.path / name).write_text("mine")
    with pytest.raises(
        KerasCnnError, match=rf"a is not overwritten: {name} in it was not written by kerascnn"
    ):
        _make(run.path, overwrite=True)
    assert (run.path / name).read_text() == "mine"
    assert (run.path / "card.md").read_text() == "old"


def test_a_link_to_a_run_is_replaced_not_the_run(tmp_path):
    elsewhere = _make(tmp_path / "disk" / "a", "old")
    link = tmp_path / "runs" / "a"
    link.parent.mkdir()
    link.symlink_to(elsewhere.path)
    with pytest.raises(ZeroDivisionError), new_run(link, RECORD, overwrite=True):
        raise ZeroDivisionError
    assert link.is_symlink()  # an interruption gives it back
    for content in ("new", "newer"):
        _make(link, content, overwrite=True)
        assert (link / "card.md").read_text() == content
        assert not link.is_symlink()
    assert (elsewhere.path / "card.md").read_text() == "old"
    assert [path.name for path in elsewhere.path.parent.iterdir()] == ["a"]
    assert [path.name for path in link.parent.iterdir()] == ["a"]


def test_the_next_free_number(tmp_path):
    for number in (1, 2, 4):
        (tmp_path / f"lenet-{number}").mkdir()
    assert free_name(tmp_path, "lenet").name == "lenet-3"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", ".hidden", "a\0"])
def test_a_name_is_that_of_one_folder(tmp_path, name):
    with pytest.raises(UsageError, match="plain folder name"):
        named_folder(tmp_path, name)


@pytest.mark.parametrize("document", ["[]", "{}", '{"format": "1"}', '{"format": 1}', "no json", ""])
def test_a_damaged_record_is_one_clear_error(tmp_path, document):
    (tmp_path / "run.json").write_text(document)
    with pytest.raises(KerasCnnError, match=r"run\.json"):
        Run.open(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    run = _make(tmp_path / "a")
    stored = json.loads((run.path / "run.json").read_text())
    write_json(run.path / "run.json", stored | {"format": 2, "novelty": True})
    with pytest.raises(KerasCnnError, match="format 2, newer than this kerascnn's 1"):
        Run.open(run.path)


def test_the_list_passes_over_what_is_no_run(tmp_path):
    _make(tmp_path / "a")
    (tmp_path / "other").mkdir()
    (tmp_path / "note.txt").touch()
    assert [run.path.name for run in list_runs(tmp_path)] == ["a"]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model.json"
    target.write_text("old")

    def fail_half_way():
        with whole_file(target) as aside:
            aside.write_text("half")
            raise OSError("boom")

    with pytest.raises(KerasCnnError, match="could not be written: boom"):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
