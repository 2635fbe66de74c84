"""Damage, drawn from a seeded generator: what transport, editors and forgers do to a file."""

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence

import numpy as np

Draw = np.random.Generator
Mutation = Callable[[bytes, Sequence[bytes], Draw], bytes]

MOST = 4  # damages of one input
LONGEST = 2**20  # bytes of an input

#: Lengths, offsets and counts that readers stumble over.
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)

#: What stands where a text file has a word, a number or a sign.
WORDS = tuple(
    word.encode("utf-8", "surrogatepass")
    for word in (
        *(
            "",
            "0",
            "-1",
            "1e999",
            "-0.0",
            "NaN",
            "Infinity",
            "null",
            "true",
            "[]",
            "{}",
            '""',
            "[[[[",
            "9" * 400,
        ),
        *(
            "1979-05-27",
            "0x10",
            "inf",
            "''",
            '"\\ud800"',
            '"\\u001b[2J\\u202e"',
            "\x1b[31m",
            "\u202e",
            "\ud800",
        ),
        *("\n", "\r", "\0", "'", '"', ",", ":", "=", "\\", "#", "é", "€" * 500, "a" * 20_000, "[" * 50_000),
        *('{"a":' * 5_000, "../../etc/passwd", "format", "2", "999999999999999999999"),
    )
)


def binary(content: bytes, others: Sequence[bytes], draw: Draw) -> bytes:
    """Damage bytes: flipped, set, cut, doubled, spliced, with forged lengths."""
    found = bytearray(content)
    for _ in range(draw.integers(1, MOST, endpoint=True)):
        _damage(found, others, draw)
    return bytes(found[:LONGEST])


def text(content: bytes, others: Sequence[bytes], draw: Draw) -> bytes:
    """Damage a text file: words exchanged, lines dropped, doubled or moved; or its bytes."""
    if draw.random() < 0.2:
        return binary(content, others, draw)
    for _ in range(draw.integers(1, MOST, endpoint=True)):
        content = _rewritten(content, others, draw)
    return content[:LONGEST]


def gzipped(content: bytes, others: Sequence[bytes], draw: Draw) -> bytes:
    """Damage what a gzip file holds and pack it again, so that its checksum is right; or the file."""
    if draw.random() < 0.3:
        return binary(content, others, draw)
    inside = [gzip.decompress(each) for each in (content, *others[:1])]
    return gzip.compress(binary(inside[0], inside[1:], draw), 1, mtime=0)


def zipped(member: Mutation, mend: Callable[[dict[str, bytes]], dict[str, bytes]] | None = None) -> Mutation:
    """Return a mutation of one member of an archive, packed again with its right checksum; or of the file.

    What stands before the archive, as the network of a ``.tflite`` file does, stays.

    Args:
        member: How the member is damaged.
        mend: Makes an archive whole again that guards itself; then only members are damaged, and no network.
    """

    def mutate(content: bytes, others: Sequence[bytes], draw: Draw) -> bytes:
        if not mend and draw.random() < 0.3:
            return binary(content, others, draw)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
            before = content[: min(info.header_offset for info in archive.infolist())]
        name = str(draw.choice([name for name in members if not (mend and name.endswith(".tflite"))]))
        members[name] = member(members[name], list(members.values()), draw)
        if draw.random() < 0.1 and not mend:
            members[member(name.encode(), [], draw)[:100].decode(errors="replace")] = members.pop(name)
        file = io.BytesIO(before)
        file.seek(len(before))
        with zipfile.ZipFile(file, "a") as archive:
            for name, data in (mend(members) if mend else members).items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return file.getvalue()

    return mutate


def _damage(found: bytearray, others: Sequence[bytes], draw: Draw) -> None:
    """Change bytes in place, in one of the ways."""
    size = len(found)
    place = int(draw.integers(size + 1))
    length = int(min(size - place, 2 ** draw.integers(0, 12)))
    match draw.integers(8):
        case 0 if place < size:
            found[place] ^= 1 << int(draw.integers(8))
        case 1 if place < size:
            found[place] = int(draw.integers(256))
        case 2:
            del found[place:]
        case 3:
            del found[place : place + length]
        case 4:
            found[place:place] = found[place : place + length] * int(draw.integers(1, 4))
        case 5 if others:
            other = others[int(draw.integers(len(others)))]
            start = int(draw.integers(len(other) + 1))
            found[place : place + length] = other[start : start + length]
        case _:
            _forge(found, draw)


def _forge(found: bytearray, draw: Draw) -> None:
    """Overwrite a number of 2, 4 or 8 bytes, at a place where formats have one."""
    width = int(draw.choice((2, 4, 4, 4, 8)))
    if len(found) >= width:
        place = int(draw.integers(len(found) // width)) * width
        number = int(NUMBERS[int(draw.integers(len(NUMBERS)))])
        order = "little" if draw.random() < 0.7 else "big"
        found[place : place + width] = (number % 2 ** (8 * width)).to_bytes(width, order)


def _rewritten(content: bytes, others: Sequence[bytes], draw: Draw) -> bytes:
    """Return a text with a word, a line or a sign exchanged."""
    kind = draw.integers(6)
    if kind < 2:  # a word becomes another
        spans = _words(content)
        if spans:
            start, end = spans[int(draw.integers(len(spans)))]
            return content[:start] + WORDS[int(draw.integers(len(WORDS)))] + content[end:]
    if kind == 2:  # something is typed in
        place = int(draw.integers(len(content) + 1))
        return content[:place] + WORDS[int(draw.integers(len(WORDS)))] + content[place:]
    if kind == 3 and others:
        return binary(content, others, draw)
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    one, other = (int(each) for each in draw.integers(len(lines), size=2))
    if kind == 4:
        lines.insert(other, lines[one])
    else:
        del lines[one]
    return b"".join(lines)


def _words(content: bytes) -> list[tuple[int, int]]:
    """Return where the words and numbers of a text begin and end."""
    spans, start = [], None
    for place, sign in enumerate(content):
        inside = chr(sign).isalnum() or sign in b"._+-"
        if inside and start is None:
            start = place
        elif not inside and start is not None:
            spans.append((start, place))
            start = None
    return spans
