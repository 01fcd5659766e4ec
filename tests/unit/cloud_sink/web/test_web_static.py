"""The page's own files: nothing from elsewhere, nothing that its content policy would refuse."""

import re
from pathlib import Path

import pytest

from tests.unit.cloud_sink.web.visitor import Visitor
from winnow.cloud_sink.access import Accounts
from winnow.cloud_sink.testing import MemoryStore
from winnow.cloud_sink.web.app import STATIC
from winnow.events.data import DATA_TYPES
from winnow.runtime.testing import ManualClock

FILES = sorted(STATIC.iterdir())
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_names_no_other_host(file: Path) -> None:
    """The page works without the internet: no file mentions another host."""
    addresses = re.findall(r"(?:https?:)?//[a-z0-9-]+\.[^\s\"'`)]+", file.read_text().replace(SVG_NAMESPACE, ""))
    assert addresses == []


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".js"], ids=lambda file: file.name)
def test_scripts_never_make_markup_from_text(file: Path) -> None:
    """No script uses a way by which a label could become markup or code."""
    ways = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text())
    assert ways == []


@pytest.mark.parametrize("file", [STATIC / "index.html", STATIC.parent / "pages" / "login.html"], ids=lambda f: f.name)
def test_page_has_no_inline_script_or_style(file: Path) -> None:
    """What the content policy refuses is not there to be refused."""
    page = file.read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page) == []


def test_every_file_is_served_with_its_type(accounts: Accounts) -> None:
    """Browsers run a module only if its type says JavaScript."""
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
    clock = ManualClock()
    client = Visitor(MemoryStore(clock), clock, accounts)
    for file in FILES:
        answer = client.get(f"/static/{file.name}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"].split(";")[0] == types[file.suffix]
        assert answer.headers["cache-control"] == "no-cache"


def test_page_has_words_for_every_kind() -> None:
    """A kind that the contract knows is a sentence on the page and belongs to a choice of the filter."""
    words = (STATIC / "words.js").read_text()
    told = {kind: len(re.findall(f'"{re.escape(kind)}"', words)) for kind in DATA_TYPES}
    assert {kind for kind, times in told.items() if times < 2} == set()
