"""``verify``: a bundle that was damaged, or changed on purpose, is found on both sides."""

import json
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bundles import FAILED, PICTURES, on_device, one_line, resummed
from refusals import refused

from kerascnn.tflite.bundle.bundle import bundle
from kerascnn.tflite.bundle.verify import verify


def test_verify_compares_with_the_run(cli, pi_bundle, bundled_run, run, tmp_path):
    assert cli("verify", pi_bundle, "--run", bundled_run).code == 0
    other = Path(shutil.copytree(run, tmp_path / "other"))
    with (other / "model.keras").open("ab") as file:
        file.write(b" ")
    refused_by = cli("verify", pi_bundle, "--run", other, "--json")
    assert refused_by.code == FAILED
    assert json.loads(refused_by.out)["problems"] == [
        f"it was made from a different model than that of {other}"
    ]


def _truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_truncated, _changed, Path.unlink])
def test_every_damaged_file_is_found_on_both_sides(pi_bundle, changeable, damage):
    names = sorted(each.relative_to(pi_bundle) for each in pi_bundle.rglob("*") if each.is_file())
    assert len(names) > PICTURES
    guarded = {name.suffix: name for name in names if name.parts[0] == "golden"}  # one of each kind
    others = ("model.tflite", "model.json", "labels.txt", "pixels.py", "SHA256SUMS")
    guarded |= {name: Path(name) for name in others}
    for name in names:
        damage(changeable / name)
        assert verify(changeable).problems, name
        if name in guarded.values():
            one_line(on_device(changeable, "--selftest"), FAILED, "this folder is damaged")
        shutil.copy(pi_bundle / name, changeable / name)
    assert not verify(changeable).problems


def test_a_surprise_in_a_folder_is_found(changeable):
    (changeable / "setup.sh").write_text("true")
    (changeable / "golden" / "link.png").symlink_to("/etc/hostname")
    problems = verify(changeable).problems
    assert "setup.sh does not belong to a bundle" in problems
    assert "golden/link.png is a link or not a regular file" in problems


def test_traps_in_an_archive_are_found_without_unpacking(cli, bundled_run, tmp_path):
    whole = bundle(bundled_run, out=tmp_path / "pi.zip").path
    assert not verify(whole).problems
    link = zipfile.ZipInfo("pi/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("/etc/passwd", "x")
        archive.writestr("pi/../../outside", "x")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("other/run.py", "x")
        archive.writestr(zipfile.ZipInfo(""), "x")
    problems = verify(whole).problems
    assert "/etc/passwd would be written outside the bundle's folder" in problems
    assert "pi/../../outside would be written outside the bundle's folder" in problems
    assert "link is a link or not a regular file" in problems
    assert "run.py is there twice" in problems
    assert "a file without a name does not belong to a bundle" in problems
    assert "the archive has more than one folder" in problems
    _truncated(whole)
    refused(cli("verify", whole), FAILED, "is not a complete archive")
    refused(cli("verify", "gone"), FAILED, "gone is neither a folder nor a file")


def _with_card(**changes):
    def change(folder):
        card = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(card | changes, indent=2, ensure_ascii=False) + "\n")

    return change


def _negated(folder):
    outputs = np.load(folder / "golden/outputs.npy")
    np.save(folder / "golden/outputs.npy", -outputs)


def _widened(folder):
    """Let a device compute whatever it likes."""
    highest = np.load(folder / "golden/highest.npy")
    np.save(folder / "golden/highest.npy", np.full_like(highest, 127))


def _claiming(name, shape):
    """Let an array's header claim another shape."""

    def change(folder):
        path = folder / f"golden/{name}.npy"
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.encode() + path.read_bytes()[128:])

    return change


def _huge_picture(folder):
    path = sorted((folder / "golden").glob("*.png"))[0]
    content = path.read_bytes()
    path.write_bytes(content[:16] + (60_000).to_bytes(4) * 2 + content[24:])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda folder: (folder / "evil.sh").write_text("true"), "evil.sh does not belong to a bundle"),
        (
            lambda folder: (folder / "run.py").write_text("print('owned')"),
            "run.py differs from what this kerascnn",
        ),
        (lambda folder: (folder / "requirements.txt").write_text("evil"), "requirements.txt requires"),
        (lambda folder: (folder / "LICENSE").unlink(), "LICENSE is missing"),
        (_negated, "the golden outputs are not those of the model"),
        (_widened, "the golden outputs are not those of the model"),
        (_with_card(keras_sha256="ab" * 32), "the model was not made from the run that model.json names"),
        (_with_card(classes=list("abcdefghij")), "name other classes"),
        (_with_card(run="/" + "srv/x"), "model.json contains a path of another machine"),
        (_with_card(preprocessing={}), "its content is inconsistent"),
        (
            _with_card(preprocessing={"height": 10**5, "width": 10**5, "channels": 1}),
            "images another size than",
        ),
        (_claiming("outputs", "(1000000000000,)"), "outputs.npy does not contain the data that it declares"),
        (_claiming("inputs", "(1, 0, 4, 4)"), "inputs.npy does not contain the data that it declares"),
        (_huge_picture, "is larger than 512 pixels per side"),
    ],
)
def test_a_bundle_changed_on_purpose_is_found_too(changeable, change, problem):
    change(changeable)
    resummed(changeable)
    assert any(problem in each for each in verify(changeable).problems), verify(changeable).problems


def test_figures_that_the_run_does_not_have_are_found(pi_bundle, bundled_run, changeable):
    tested = json.loads((pi_bundle / "model.json").read_text())["test"]
    _with_card(test=tested | {"accuracy": 1.0})(changeable)
    text = (changeable / "README.md").read_text()
    (changeable / "README.md").write_text(
        text.replace(f"{tested['accuracy']:.2%}".replace("%", " %"), "100.00 %")
    )
    resummed(changeable)
    assert not verify(changeable).problems  # it agrees with itself
    assert any("differ from those in" in each for each in verify(changeable, run=bundled_run).problems)


def test_what_stands_before_or_behind_an_archive_is_found(cli, bundled_run, tmp_path):
    printed = cli("bundle", bundled_run, "--out", "v1:2.zip", "--json").json
    whole = tmp_path / "v1:2.zip"
    assert verify(whole).problems == ()
    assert verify(whole).sha256 == printed["sha256"]
    content = whole.read_bytes()
    whole.write_bytes(b"#!/bin/sh\n" + content)
    assert "there is data before the archive" in verify(whole).problems
    whole.write_bytes(content + b"more")
    assert "there is data after the archive" in verify(whole).problems


def test_an_archive_that_lists_its_folders_is_whole(pi_bundle, tmp_path):
    with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
        for each in [pi_bundle, *sorted(pi_bundle.rglob("*"))]:
            archive.write(each, Path("pi") / each.relative_to(pi_bundle))
    assert any(name.endswith("/") for name in archive.namelist())
    assert verify(tmp_path / "again.zip").problems == ()


def test_a_list_cut_at_a_line_is_found(changeable):
    sums = changeable / "SHA256SUMS"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:-1]))
    one_line(on_device(changeable, "--selftest"), FAILED, "run.py is missing")


def test_a_picture_put_beside_the_golden_ones_is_not_one_of_them(changeable):
    (changeable / "golden" / "zz.png").write_bytes(b"surplus")
    answer = on_device(changeable, "--selftest")
    assert (answer.returncode, f"{PICTURES} images" in answer.stdout) == (0, True)


def test_a_bundle_of_too_many_or_too_large_files_is_one_line(cli, pi_bundle, changeable, tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(5_000):
            archive.writestr(f"pi/{number}", "")
    refused(cli("verify", "many.zip"), FAILED, "many.zip holds 5,000 files: it is not a bundle")
    for number in range(300):
        (changeable / str(number)).touch()
    refused(cli("verify", changeable), FAILED, "holds more than 256 files")
    with zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pi/model.json", bytes(2**21))
    refused(cli("verify", "large.zip"), FAILED, "model.json in the bundle has 2,097,152 bytes")
