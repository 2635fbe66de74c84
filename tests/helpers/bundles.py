"""What the tests of bundles share: the program as a device runs it, and a list of hashes written anew."""

import hashlib
import subprocess
import sys

FAILED, MISSING = 1, 5
PICTURES = 32


def on_device(folder, *arguments, python=sys.executable, **kwargs):
    """Run a bundle's program as a device does: from another folder, without this package's help."""
    return subprocess.run(
        [str(python), str(folder / "run.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        **kwargs,
    )


def one_line(answer, code, *words):
    assert answer.returncode == code, answer
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("INFO:")]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("Error: ")
    assert all(word in lines[0] for word in words), lines


def resummed(folder):
    """Write the list of hashes anew, as whoever changes a bundle on purpose would."""
    sums = "".join(
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.relative_to(folder).as_posix()}\n"
        for each in sorted(folder.rglob("*"))
        if each.is_file() and each.name != "SHA256SUMS"
    )
    (folder / "SHA256SUMS").write_text(sums)
