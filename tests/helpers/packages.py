"""Packages that offer names by entry points, as pip lays them out; nothing is downloaded for it."""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pages import pieces


def lay_package(
    folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], code: str = ""
) -> Path:
    """Put a package with one module of its name into a folder, and return the folder."""
    module = name.replace("-", "_")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{entry} = {where}\n" for entry, where in entries.items())
            for group, entries in entry_points.items()
        )
    )
    (folder / f"{module}.py").write_text(code, "utf-8")
    return folder


def lay_package_of(page: Path, folder: Path) -> Path:
    """Put the package that a page shows into a folder, and return the folder."""
    code, pyproject = module_and_project(page)
    project = tomllib.loads(pyproject)["project"]
    return lay_package(folder, project["name"], project["entry-points"], code)


def module_and_project(page: Path) -> tuple[str, str]:
    """Return the module whose pieces a page shows, and its ``pyproject.toml``."""
    found = pieces(page)
    code = "\n".join(piece.code for piece in found if piece.language == "python" and piece.output is None)
    (project,) = (piece.code for piece in found if piece.language == "toml")
    return code, project


def installed(folder: Path) -> None:
    """Let this process find what is in a folder."""
    sys.path.insert(0, str(folder))
