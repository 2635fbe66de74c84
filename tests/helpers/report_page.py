"""A page of a report as a parser sees it."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

VOID = {"meta", "img"}


class Page(HTMLParser):
    """A page: its text, tables and addresses; every tag must be closed by its own."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses, self.tables, self.alts = [], "", [], [], []
        self.pictures, self.captions = [], []
        self.source = text
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [named[name] for name in ("src", "href") if name in named]
        if tag == "img":
            self.alts.append(named["alt"])
            kind, content = named["src"].removeprefix("data:image/").split(";base64,")
            self.pictures.append((kind, base64.b64decode(content)))
        if tag == "figcaption":
            self.captions.append("")
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "figcaption" in self.open:
            self.captions[-1] += data
        if {"td", "th"}.intersection(self.open):
            self.tables[-1][-1][-1] += data


def pixels(file):
    with Image.open(file) as picture:
        return np.asarray(picture.convert("L"))


def no_blank_or_network(page):
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"https?:", page.source)
    assert "None" not in page.text
    assert "nan" not in re.findall(r"\w+", page.text)
    assert all(cell.strip() for table in page.tables for row in table for cell in row)
    assert all(alt.strip() for alt in page.alts)
