"""The oracle itself: it is silent about a faithful store, and names whatever is lost, invented, altered or doubled."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.end_to_end.contents import Contents, Row
from tests.faults.journal import Entry, Journal, JournalWriter, entry_of, read_journal
from tests.faults.oracle import TOMBSTONE, Findings, Holdings, examine
from winnow.events import Event, Thumbnail, encode_event
from winnow.events.data import SpoolDropped
from winnow.events.event import Recorded
from winnow.events.thumbnail import sha256_of
from winnow.pipeline.delivery.testing import crossing, thumbnail, update

EPOCH = "e1"
UNRECORDED: tuple[Event | Thumbnail, ...] = (crossing(0), thumbnail(0), update(1), update(2))
MESSAGES = [
    message.with_record(Recorded(epoch=EPOCH, sequence=sequence, at=datetime(2026, 5, 1, tzinfo=UTC)))
    for sequence, message in enumerate(UNRECORDED, start=1)
]
JOURNAL = Journal(
    issued=tuple(entry_of("issued", 0, message) for message in MESSAGES),
    accepted=tuple(entry_of("accepted", 0, message) for message in MESSAGES),
)


def row_of(entry: Entry, message: Event | Thumbnail) -> Row:
    """Return what a faithful store holds of a message."""
    content = message.jpeg if isinstance(message, Thumbnail) else message.data_json
    return Row(
        source=entry.source,
        id=entry.id,
        kind=entry.kind,
        epoch=entry.epoch,
        sequence=entry.sequence,
        content=content,
        sha256=sha256_of(content),
    )


ROWS = tuple(row_of(entry, message) for entry, message in zip(JOURNAL.accepted, MESSAGES, strict=True))
"""A faithful store."""


def found(*rows: Row, refused: tuple[bytes, ...] = ()) -> Findings:
    """Return what the oracle says of a store with these rows."""
    return examine(JOURNAL, Holdings.of(Contents(rows=rows, refused=refused)))


def test_faithful_store_gives_no_findings() -> None:
    """Everything accepted, once, in whatever order it came."""
    assert found(*reversed(ROWS)) == Findings()


@pytest.mark.parametrize("position", range(len(ROWS)))
def test_any_missing_row_is_a_loss(position: int) -> None:
    """Whichever row is dropped, event or thumbnail, the oracle names its place."""
    findings = found(*ROWS[:position], *ROWS[position + 1 :])

    assert findings.lost == ((EPOCH, position + 1),)


def test_missing_row_in_the_middle_is_a_skipped_sequence_too() -> None:
    """A hole below the highest sequence is reported without asking the journal."""
    assert found(ROWS[0], ROWS[2], ROWS[3]).skipped == ((EPOCH, 2),)


def test_empty_store_loses_everything() -> None:
    """No row at all is not mistaken for nothing to compare."""
    assert len(found().lost) == len(MESSAGES)


def test_row_that_was_never_issued_is_invented() -> None:
    """A row with an id that the edge never made is reported."""
    assert found(*ROWS, replace(ROWS[3], id="f" * 32, sequence=5)).invented == ((EPOCH, 5),)


def test_changed_content_is_an_alteration() -> None:
    """One byte more, even with a matching checksum beside it, is reported."""
    content = ROWS[0].content + b" "

    assert found(replace(ROWS[0], content=content, sha256=sha256_of(content)), *ROWS[1:]).altered == ((EPOCH, 1),)


def test_thumbnail_whose_checksum_does_not_fit_is_an_alteration() -> None:
    """The database's own sha256 must be that of the bytes beside it."""
    assert found(ROWS[0], replace(ROWS[1], sha256="0" * 64), *ROWS[2:]).altered == ((EPOCH, 2),)


def test_row_at_another_place_of_the_sequence_is_an_alteration() -> None:
    """Content that moved to another sequence is reported, and so is the hole that it left."""
    findings = found(*ROWS[:3], replace(ROWS[3], sequence=7))

    assert findings.altered == ((EPOCH, 7),)
    assert findings.skipped == ((EPOCH, 4), (EPOCH, 5), (EPOCH, 6))


def test_same_event_twice_is_doubled() -> None:
    """A second row of the same identity is reported."""
    assert found(*ROWS, ROWS[2]).doubled == ((EPOCH, 3),)


def test_same_place_twice_is_doubled() -> None:
    """Two identities at one place of the sequence are reported."""
    assert found(*ROWS, replace(ROWS[2], id="f" * 32)).doubled == ((EPOCH, 3),)


@pytest.mark.parametrize("position", range(len(MESSAGES)))
def test_dead_letter_accounts_for_what_it_holds_and_nothing_else(position: int) -> None:
    """A refused event or thumbnail is not lost; another one that is missing still is."""
    message = MESSAGES[position]
    refused = message.jpeg if isinstance(message, Thumbnail) else encode_event(message)
    others = [row for number, row in enumerate(ROWS) if number != position]

    assert found(*others, refused=(refused,)).lost == ()
    assert found(*others[1:], refused=(refused,)).lost == ((EPOCH, others[0].sequence),)


def test_tombstone_accounts_for_the_range_that_it_names_and_nothing_else() -> None:
    """Sequences that were given up by name are neither lost nor skipped; others are."""
    dropped = SpoolDropped(dropped_epoch=EPOCH, ranges=[(2, 3)], count=2, reason="space")
    tombstone = replace(ROWS[0], id="e" * 32, kind=TOMBSTONE, sequence=5, content=msgspec.json.encode(dropped))

    assert found(ROWS[0], ROWS[3], tombstone) == Findings()
    assert found(ROWS[0], tombstone).lost == ((EPOCH, 4),)


def test_journal_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    """What a killed process had written in full is read; the rest of a line is not."""
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)
    writer.write("issued", 3, MESSAGES)
    writer.write("accepted", 3, MESSAGES[:2])
    with path.open("ab") as file:
        file.write(b'{"what": "acce')

    journal = read_journal(path)

    assert (len(journal.issued), len(journal.accepted), journal.last_number) == (4, 2, 3)
