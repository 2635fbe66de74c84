"""Bytes inside a page: many parts behind each other, compressed once, as text."""

import zlib

import numpy as np
from numpy.typing import NDArray

_LOST = np.array([0, 13, 60], np.uint8)  # NUL and CR become other characters in HTML, < may begin a tag


class Parts:
    """Collects bytes; a page's facts name each part by where it begins and how long it is."""

    def __init__(self) -> None:
        self._content = bytearray()

    def add(self, part: bytes) -> list[int]:
        """Append bytes, from a multiple of eight on, and return their place and length."""
        self._content += bytes(-len(self._content) % 8)
        place = len(self._content)
        self._content += part
        return [place, len(part)]

    def text(self) -> str:
        """Return all of them as the text that ``data.js`` reads."""
        return packed(bytes(self._content))


def packed(content: bytes) -> str:
    """Return bytes as text: deflate without a header, how many bytes that are, then seven bits a character.

    A page is UTF-8, where base64 would take 17 % more. Characters that HTML does not keep share one of two
    bytes with the seven bits behind them.
    """
    deflate = zlib.compressobj(9, wbits=-15)
    deflated = deflate.compress(content) + deflate.flush()
    digits = _digits(deflated)
    places = np.flatnonzero(np.isin(digits, _LOST))
    in_row = places - np.arange(len(places))  # the same for neighbours
    first = places[np.searchsorted(in_row, in_row)]
    escaped = places[(places - first) % 2 == 0]  # the one behind each of them goes with it
    behind = np.append(digits, 0)[escaped + 1]
    characters = digits.astype("<u2")
    characters[escaped] = 128 * (1 + np.searchsorted(_LOST, digits[escaped])) + behind
    kept = np.ones(len(digits) + 1, bool)
    kept[escaped + 1] = False
    return f"{len(deflated)} {characters[kept[:-1]].tobytes().decode('utf-16-le')}"


def unpacked(text: str, most: int) -> bytes:
    """Return the bytes of a text that ``packed`` made.

    Raises:
        ValueError: It is another text, or holds more than ``most`` bytes.
    """
    inflate = zlib.decompressobj(-15)
    try:
        length, _, characters = text.partition(" ")
        content = inflate.decompress(_bytes(characters)[: int(length)], most)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof or inflate.unused_data:
        raise ValueError("it is longer or shorter than its data")
    return content


def _digits(content: bytes) -> NDArray[np.uint8]:
    """Return bytes as numbers of seven bits, the highest bits first."""
    padded = np.frombuffer(content + bytes(-len(content) % 7), np.uint8)
    return _regrouped(padded.reshape(-1, 7), 8)[: -(-8 * len(content) // 7)]


def _bytes(text: str) -> bytes:
    """Return the bytes of characters."""
    characters = np.frombuffer(text.encode("utf-16-le"), "<u2")
    pairs = characters >= 128
    lost = np.minimum(characters[pairs] // 128 - 1, len(_LOST) - 1)
    digits = np.repeat((characters % 128).astype(np.uint8), 1 + pairs)
    digits[np.flatnonzero(pairs) + np.arange(len(lost))] = _LOST[lost]
    padded = np.append(digits, np.zeros(-len(digits) % 8, np.uint8))
    return _regrouped(padded.reshape(-1, 8), 7).tobytes()[: 7 * len(digits) // 8]


def _regrouped(groups: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Cut the 56 bits of each group into that many numbers, all in a row."""
    bits = 56 // groups.shape[1]
    whole = np.zeros(len(groups), np.uint64)
    for column in groups.T:
        whole = (whole << np.uint64(bits)) | column
    bits = 56 // count
    parts = np.empty((len(groups), count), np.uint8)
    for place in range(count):
        parts[:, place] = (whole >> np.uint64(56 - bits * (place + 1))) & np.uint64(2**bits - 1)
    return parts.reshape(-1)
