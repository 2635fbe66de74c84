"""Damaged files of every kind are read or refused in one line: 2,000 here, 100,000 with ``make fuzz``."""

import json
import mmap

import fuzzing
import mutations
import numpy as np
import pytest
import seeds
from readers import Reader, forged, litert, readers
from warm_command import call_warm

from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning
from kerascnn.training.run import Run

SEED, INPUTS = 1, 2_000


def test_whatever_is_damaged_is_read_or_refused_in_one_line(pi_bundle, tmp_path):
    """15 s: in a process of its own, because what is damaged can end it."""
    words = [SEED, 0, INPUTS, tmp_path / "number", pi_bundle]
    code, out, err = call_warm(fuzzing.hunt_in_a_process, [*map(str, words)], tmp_path)
    assert code == 0, f"input {(tmp_path / 'number').read_text()} ended it: {err}"
    told = json.loads(out.splitlines()[-1])
    assert "\n".join(str(fuzzing.Finding(**each)) for each in told["found"]) == ""
    assert set(told["counts"]) == {
        reader.name for reader in (*readers(pi_bundle), litert(), forged(pi_bundle))
    }
    assert sum(told["counts"].values()) == INPUTS


def test_the_sound_files_are_read(pi_bundle, tmp_path):
    for reader in readers(pi_bundle):
        for number, content in enumerate(reader.seeds()):
            folder = tmp_path / reader.name / str(number)
            for name, sound in reader.around.items():
                fuzzing.write(folder / name, sound())
            reader.read(fuzzing.write(folder / reader.file, content))


def test_an_input_follows_from_seed_and_number(tmp_path):
    made = [
        fuzzing.Fuzzer(SEED).lay(number, tmp_path / f"{turn}-{number}")
        for turn in "ab"
        for number in range(60)
    ]
    contents = [path.read_bytes() for path in made]
    assert contents[:60] == contents[60:]
    assert len(set(contents)) > 50


@pytest.mark.parametrize("mutate", [mutations.binary, mutations.text])
def test_damage_stays_small(mutate):
    draw = np.random.default_rng(0)
    assert all(len(mutate(b"a = 1\n" * 9, [b"b"], draw)) <= mutations.LONGEST for _ in range(200))


def _fails(path):
    raise {"long": KerasCnnError("a" * 2_000), "type": TypeError("a\nb"), "memory": MemoryError()}[path.name]


def _fills(path):
    with mmap.mmap(-1, 2**26) as fresh:  # the heap may hold as much that was freed
        fresh.write(bytes(2**26))


def _waits(path):
    while True:
        pass


@pytest.mark.parametrize(
    ("file", "read", "words"),
    [
        ("type", _fails, "TypeError at test_fuzzing.py:"),
        ("memory", _fails, "MemoryError"),
        ("x", _fills, "took more than 16,777,216 bytes"),
        ("x", _waits, "took longer than 1 s"),
        ("long", _fails, ""),  # a message is cut
    ],
)
def test_what_is_neither_read_nor_refused_is_found(monkeypatch, tmp_path, file, read, words):
    monkeypatch.setattr(fuzzing, "SECONDS", 1.0 if read == _waits else 60.0)  # a busy machine is slow
    monkeypatch.setattr(fuzzing, "MEMORY", 2**24)
    reader = Reader("a", file, read, lambda: [b"abc"], mutations.binary)
    monkeypatch.setattr(fuzzing.Fuzzer, "reader", lambda *_: reader)
    found = fuzzing.Fuzzer(SEED).try_one(3, tmp_path)
    assert words in found if words else not found


def test_figures_of_a_run_that_are_none_are_told(tmp_path):
    fuzzing.write(tmp_path / "run.json", seeds.run_record())
    fuzzing.write(
        tmp_path / "metrics.json", seeds.metrics().replace(b'"accuracy": 0.8', b'"accuracy": "high"')
    )
    with pytest.raises(KerasCnnError, match=r"metrics.json is damaged: accuracy must be a valid number"):
        Run.open(tmp_path).metrics()
    with pytest.warns(KerasCnnWarning, match=r"metrics.json is damaged"):
        assert Run.open(tmp_path).to_dict()["state"] == "damaged"
