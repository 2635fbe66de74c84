"""Find splits and classes in a folder, whatever the archive's names and nesting."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.image_search import LeftOut, images_below
from kerascnn.data.listing import folded, subfolders
from kerascnn.foundation.errors import KerasCnnError

SPLITS = ("train", "validation", "test")
UNLABELLED = "unlabelled"
#: What people call a split, folded and without separators; a decoration may stand before and behind it.
WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
    UNLABELLED: ("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled"),
}
DECORATIONS = (
    *("set", "data", "dataset", "split", "subset", "folder", "seg", "sample", "samples", "crop", "crops"),
    *("image", "images", "img", "imgs", "picture", "pictures", "pic", "pics", "photo", "photos"),
)
ALSO_CLASSES = {"valid", "val", "dev"}  # with images in it, such a folder may well be a class
_KINDS = {word: kind for kind, words in WORDS.items() for word in words}
_DECORATION = f"(?:{'|'.join(DECORATIONS)})"
_NAME = re.compile(rf"{_DECORATION}*?({'|'.join(_KINDS)}){_DECORATION}*(?:(?:19|20)\d\d)?")


@dataclass(frozen=True)
class Layout:
    """The folders of splits and classes.

    Attributes:
        splits: The folders with class folders, by ``train``, ``validation`` and ``test`` as far as they are
            there; of a folder without splits, itself as ``train``.
        divided: Whether the folder has splits.
        classes: Class names, which are the folders of the training images.
        notes: Assumptions and omissions, one sentence each.
    """

    splits: dict[str, Path]
    divided: bool
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def layout_of(folder: Path) -> Layout:
    """Find the splits and classes in a folder.

    Raises:
        KerasCnnError: A folder may be a split as well as a class, two are the same split, splits stand below
            classes, there is no training split, or a folder cannot be read.
    """
    top = _unwrapped(folder)
    names = subfolders(top)
    kinds = _kinds(top, names)
    layout = _divided(folder, top, names, kinds) if kinds else _flat(top, names)
    if top == folder or layout.divided:
        return layout
    wrapped = f"The classes are the folders of {top.relative_to(folder)}, the only folder in {folder.name}."
    return Layout(layout.splits, layout.divided, layout.classes, (wrapped, *layout.notes))


def split_kind(name: str) -> str | None:
    """Return the split that a folder's name means, ``None`` for another name."""
    found = _NAME.fullmatch("".join(_words(name)))
    return _KINDS[found[1]] if found else None


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", folded(name)) if word]


def _unwrapped(folder: Path, kind: str | None = None, classes: Sequence[str] = ()) -> Path:
    """Skip outer folders that hold nothing but one folder of folders.

    Args:
        folder: The outermost.
        kind: The split that it is: only a split that repeats its name is a wrapping.
        classes: Those of training, which are no wrapping.
    """
    while True:
        inner = subfolders(folder)
        if len(inner) != 1 or inner[0] in classes or split_kind(inner[0]) not in (None, kind):
            return folder
        if not _own_folders(folder / inner[0]):
            return folder
        folder = folder / inner[0]


def _own_folders(folder: Path) -> tuple[str, ...]:
    """Return the folders in a folder; none for a link, which may lead to a folder above itself."""
    found = tuple(subfolders(folder))
    return () if folder.is_symlink() else found


def _kinds(top: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the folders with the name of a split, each with the split.

    Names that have the same words before or behind (``asl_train``, ``asl_test``) are compared without them.
    """
    found = {name: kind for name in names if (kind := split_kind(name))}
    if not found and len(names) > 1:
        words = [_words(name) for name in names]
        before, behind = _shared(words), _shared([each[::-1] for each in words])
        cores = ["".join(each[before : len(each) - behind]) for each in words]
        kinds = [split_kind(core) for core in cores]
        if "train" in kinds:
            found = {name: kind for name, kind in zip(names, kinds, strict=True) if kind}
    if "train" not in found.values():
        found = {name: kind for name, kind in found.items() if not _is_class(top / name)}
    return found


def _shared(words: Sequence[Sequence[str]]) -> int:
    """Return the number of words that all lists begin with."""
    return next(
        (number for number, same in enumerate(zip(*words, strict=False)) if len(set(same)) > 1),
        min(map(len, words)) - 1,
    )


def _is_class(folder: Path) -> bool:
    return folded(folder.name) in ALSO_CLASSES and not subfolders(folder)


def _divided(folder: Path, top: Path, names: Sequence[str], kinds: dict[str, str]) -> Layout:
    """Return the layout of a folder that contains folders with names of splits."""
    named: dict[str, list[str]] = defaultdict(list)
    for name, kind in kinds.items():
        named[kind].append(name)
    others = [name for name in names if name not in kinds]
    labelled = [kind for kind in SPLITS if named[kind]]
    copies = [name for name in others if {*map(folded, kinds)} <= {*map(folded, subfolders(top / name))}]
    classes = {
        folded(each) for name, kind in kinds.items() for each in subfolders(_unwrapped(top / name, kind))
    }
    empty = [
        name
        for name in others
        if name not in copies and folded(name) not in classes and not images_below(top / name, LeftOut())
    ]
    strange = [name for name in others if name not in (*copies, *empty)]
    _require_splits(top, named, strange)
    train = _unwrapped(top / named["train"][0], "train")
    inner = _flat(train, subfolders(train))
    found = {"train": train}
    for kind in labelled[1:]:
        found[kind] = _unwrapped(top / named[kind][0], kind, inner.classes)
    notes = list(inner.notes)
    if any(path != folder / kind for kind, path in found.items()):
        splits = (f"{path.relative_to(folder)} as {kind}" for kind, path in found.items())
        notes.append(f"Splits of {folder.name}: {', '.join(splits)}.")
    notes += [
        f"{_inside(folder, top / name)} is left out: its images have no class." for name in named[UNLABELLED]
    ]
    notes += [
        f"{_inside(folder, top / name)} is left out: it holds the same splits again." for name in copies
    ]
    notes += [f"{_inside(folder, top / name)} is left out: it holds no image." for name in empty]
    return Layout(found, True, inner.classes, tuple(notes))


def _require_splits(top: Path, named: dict[str, list[str]], strange: Sequence[str]) -> None:
    """Refuse duplicate splits, a missing training split, and splits that may be classes."""
    first = next(name for kind in (*SPLITS, UNLABELLED) for name in named[kind])
    whole = bool(named["train"]) and bool(subfolders(top / named["train"][0]))
    if strange and whole:
        raise KerasCnnError(
            f"{top / strange[0]} is beside splits, but is not called train, validation or test: move it out "
            f"of {top}, or give it one of these names."
        )
    if strange:
        raise KerasCnnError(
            f"{top / first} may be a split or a class like {strange[0]}: move a split out of {top}, or "
            f"rename a class, for instance to {first}_class."
        )
    for kind in SPLITS:
        if len(named[kind]) > 1:
            raise KerasCnnError(
                f"{top} holds {' and '.join(named[kind])}, both {kind} images: keep one there."
            )
    if not named["train"]:
        held = ", ".join(sorted(name for names in named.values() for name in names))
        raise KerasCnnError(f"{top} holds {held} but no train folder.")
    for kind in SPLITS:
        for name in named[kind]:
            if not subfolders(top / name) and any((top / name).iterdir()):
                raise KerasCnnError(
                    f"{top / name} has no folder for each class: sort its images into such folders, or "
                    f"move it out of {top}."
                )


def _flat(top: Path, names: Sequence[str]) -> Layout:
    """Return the layout of a folder that contains classes only."""
    inner = {name: _own_folders(top / name) for name in names}
    for name, below in inner.items():
        if below and {split_kind(each) for each in below} & {"train", "test"} and all(map(split_kind, below)):
            raise KerasCnnError(
                f"{top / name} holds {', '.join(below)}: move the splits above classes, as in "
                f"{top.name}/{below[0]}/{name}, or name the folder of splits with --data."
            )
    copies = _copies(top, inner)
    notes = tuple(f"{top.name}/{name} is left out: it holds the other classes again." for name in copies)
    alike = {frozenset(map(folded, below)) for below in inner.values()}
    if len(inner) > 1 and len(alike) == 1 and len(*alike) > 1:
        held = ", ".join(next(iter(inner.values()))[:3])
        notes += (
            f"Each of {', '.join(names[:3])} holds folders of the same names ({held}) and is read as a "
            "class. If those are the classes, put the images of each together.",
        )
    return Layout({"train": top}, False, tuple(name for name in names if name not in copies), notes)


def _copies(top: Path, inner: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the folders that contain all classes a second time.

    Where every class has folders of such names (digits by person, both numbered), none is a copy.

    Raises:
        KerasCnnError: A folder holds several of the classes, but not all.
    """
    own = {name: folded(name) for name in inner}
    shared = {name: {*map(folded, below)} & {*own.values()} - {own[name]} for name, below in inner.items()}
    plain = {own[name] for name in inner if len(shared[name]) < 2}
    holders = [name for name in inner if len(shared[name]) > 1 and len(plain) > 1]
    for name in holders:
        if shared[name] & plain and not plain <= shared[name]:
            alike = ", ".join(sorted(shared[name]))
            raise KerasCnnError(
                f"{top / name} contains folders named like other classes ({alike}): move it out of "
                f"{top}, or name it with --data."
            )
    return [name for name in holders if plain <= shared[name]]


def _inside(folder: Path, path: Path) -> Path:
    return Path(folder.name) / path.relative_to(folder)
