"""One event, one line for people."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from winnow.cloud_sink.tail.render import render_event, visible
from winnow.cloud_sink.tail.words import describe, size_text
from winnow.cloud_sink.testing import crossing_event
from winnow.events import new_event
from winnow.events.data import DATA_TYPES
from winnow.events.event import decode_data

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OBJECT = {
    "label": "person",
    "track": 7,
    "score": 0.8,
    "box": [0, 0, 1, 1],
    "frame": [768, 576],
    "model": {"name": "tiny", "sha256": "a" * 64},
    "clock": "file",
}
SEEN = {"first_seen": NOON, "last_seen": NOON}
CAMERA_STATS = {
    "camera": "door",
    "frames_decoded": 600,
    "frames_analysed": 300,
    "frames_dropped": {},
    "bytes_in": 25_000_000,
    "bytes_out": 1_200,
    "latency_p50_ms": 1,
    "latency_p95_ms": 2,
}
WORDS: list[tuple[str, dict[str, object], str]] = [
    ("object.started", {**OBJECT, "first_seen": NOON}, "appeared (score 0.80)"),
    ("object.updated", {**OBJECT, "revision": 1, "change": "moving", "moving": True, "zones": []}, "moves again"),
    ("object.updated", {**OBJECT, "revision": 1, "change": "zones", "moving": True, "zones": ["a", "b"]}, "is in a, b"),
    (
        "object.ended",
        {**OBJECT, **SEEN, "dwell_s": 75, "top_score": 0.9, "path": [], "zones": [], "reason": "lost"},
        "gone after 1 min 15 s (top score 0.90)",
    ),
    ("line.crossed", {**OBJECT, "line": "door", "direction": "out"}, "crossed line door, out"),
    ("zone.entered", {**OBJECT, "zone": "yard"}, "entered zone yard"),
    ("zone.exited", {**OBJECT, "zone": "yard", "dwell_s": 4.25}, "left zone yard after 4.2 s"),
    ("zone.dwelled", {**OBJECT, "zone": "yard", "dwell_s": 7500}, "has stayed in zone yard for 2 h 5 min"),
    (
        "zone.occupancy",
        {"zone": "yard", "count": 5, "threshold": 4, "state": "above", "clock": "file"},
        "zone yard holds 5: 4 or more",
    ),
    (
        "sequence.completed",
        {**OBJECT, "name": "loop", "zones": ["a", "b"], "duration_s": 3},
        "completed loop: a → b in 3.0 s",
    ),
    ("camera.online", {"frame": [1920, 1080], "clock": "rtcp"}, "delivers 1920x1080"),
    (
        "camera.online",
        {"frame": [640, 480], "clock": "wall", "recovered_from": "black"},
        "is no longer black, delivers 640x480",
    ),
    ("camera.offline", {"reason": "timed out", "since": NOON}, "delivers nothing: timed out"),
    ("camera.degraded", {"reason": "black", "since": NOON}, "shows nothing useful: black"),
    (
        "node.stats",
        {"period_s": 60, "cameras": [CAMERA_STATS], "spool_depth": 2, "spool_bytes": 9, "model": OBJECT["model"]},
        "300 frames analysed in 1 min 0 s, 25.0 MB in, 1.2 kB out, spool 2",
    ),
    (
        "spool.dropped",
        {"dropped_epoch": "e1", "ranges": [[1, 1]], "count": 1, "reason": "quota"},
        "gave up 1 message: quota",
    ),
    ("model.activated", {"model": OBJECT["model"], "version": "3"}, "uses model tiny 3"),
    ("model.rejected", {"model": OBJECT["model"], "reason": "unsigned"}, "refused model tiny: unsigned"),
    ("model.rolledback", {"model": OBJECT["model"], "reason": "slow"}, "went back to model tiny: slow"),
]


@pytest.mark.parametrize(("kind", "data", "words"), WORDS)
def test_words_say_what_happened(kind: str, data: dict[str, object], words: str) -> None:
    """Each kind of event reads as a plain sentence."""
    assert describe(decode_data(kind, msgspec.json.encode(data))) == words


def test_words_exist_for_every_kind() -> None:
    """No kind of the contract is without words."""
    assert {kind for kind, _, _ in WORDS} == set(DATA_TYPES)


def test_line_stands_in_columns_in_the_zone_asked_for() -> None:
    """Time, place, kind, object and words stand in this order; time is told in the given zone."""
    line = render_event(crossing_event(3), timezone(timedelta(hours=2)))
    expected = "2026-05-01 14:00:03  north/door            line.crossed      person/3        crossed line door, in"
    assert line.plain == expected


@pytest.mark.parametrize("kind_and_data", WORDS)
def test_line_of_every_kind_has_a_style(kind_and_data: tuple[str, dict[str, object], str]) -> None:
    """Every kind can be shown, of a camera and of the node itself."""
    kind, data, words = kind_and_data
    decoded = decode_data(kind, msgspec.json.encode(data))
    event = new_event(id="0" * 32, node="north", camera=None, subject=None, time=NOON, data=decoded)
    assert render_event(event, UTC).plain.endswith(words)


def test_line_shows_hostile_text_instead_of_obeying_it() -> None:
    """Escape codes, markup and direction marks of a label come out as text, on one line."""
    label = "a\x9b31m[bold]\u202e\u2028\x85[/]"
    out = StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, width=200, highlight=False)
    console.print(render_event(crossing_event(1, label=label), UTC), soft_wrap=True)
    shown = out.getvalue()
    assert r"a\x9b31m[bold]\u202e\u2028\x85[/]/1" in shown
    assert len(shown.splitlines()) == 1


@given(text=st.text())
def test_visible_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    """No control, format, surrogate or separator character is left."""
    assert not [char for char in visible(text) if char != " " and unicodedata.category(char)[0] in "CZ"]


def test_line_at_the_end_of_the_calendar_is_shown() -> None:
    """A time that does not exist in the zone is told in UTC."""
    event = new_event(
        id="0" * 32,
        node="north",
        camera=None,
        subject=None,
        time=datetime.max.replace(tzinfo=UTC),
        data=crossing_event(1).data,
    )
    assert render_event(event, timezone(timedelta(hours=2))).plain.startswith("9999-12-31 23:59:59")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (10**15, "1000.0 TB")],
)
def test_size_has_a_unit(size: int, text: str) -> None:
    """Sizes are told with one decimal in powers of 1000."""
    assert size_text(size) == text
