"""Compares what an edge accepted with what a database holds: nothing lost, invented, altered, doubled or skipped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from tests.end_to_end.contents import Contents, Row
from tests.faults.journal import Entry, Journal
from winnow.events import ContractError, decode_event
from winnow.events.data import SpoolDropped
from winnow.events.thumbnail import sha256_of

TOMBSTONE = "spool.dropped"
Place = tuple[str, int]
"""Epoch and sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong; empty if nothing is.

    Attributes:
        lost: accepted, and neither stored nor refused nor named by a tombstone.
        invented: stored, and never issued.
        altered: stored with another content, or at another place of the sequence, than was accepted.
        doubled: stored more than once, by identity or by place.
        skipped: places below the highest one of their epoch where nothing is.
    """

    lost: tuple[Place, ...] = ()
    invented: tuple[Place, ...] = ()
    altered: tuple[Place, ...] = ()
    doubled: tuple[Place, ...] = ()
    skipped: tuple[Place, ...] = ()


def examine(journal: Journal, contents: Contents) -> Findings:
    """Return every difference between a journal and the rows of its node."""
    stored = {(row.source, row.id): row for row in contents.rows}
    excused = _tombstoned(contents.rows) | _refused(contents.refused)
    refused_hashes = {sha256_of(content) for content in contents.refused}
    lost = [
        place_of(entry)
        for entry in journal.accepted
        if (entry.source, entry.id) not in stored
        and place_of(entry) not in excused
        and entry.sha256 not in refused_hashes
    ]
    issued = {(entry.source, entry.id): entry.sha256 for entry in journal.issued}
    ours = [row for row in contents.rows if row.kind != TOMBSTONE]
    return Findings(
        lost=tuple(lost),
        invented=tuple(place_of(row) for row in ours if (row.source, row.id) not in issued),
        altered=tuple(_altered(journal, ours, issued)),
        doubled=tuple(_doubled(contents.rows)),
        skipped=tuple(_skipped({place_of(row) for row in contents.rows} | excused)),
    )


def place_of(one: Row | Entry) -> Place:
    """Return where in which sequence something stands."""
    return one.epoch, one.sequence


def _altered(journal: Journal, rows: Iterable[Row], issued: dict[tuple[str, str], str]) -> Iterable[Place]:
    places = {(entry.source, entry.id): place_of(entry) for entry in journal.accepted}
    for row in rows:
        identity = row.source, row.id
        content = sha256_of(row.content)
        has_content = content == row.sha256 == issued.get(identity, content)
        if not has_content or place_of(row) != places.get(identity, place_of(row)):
            yield place_of(row)


def _doubled(rows: Iterable[Row]) -> Iterable[Place]:
    identities: Counter[tuple[str, str]] = Counter()
    places: Counter[Place] = Counter()
    for row in rows:
        identities[row.source, row.id] += 1
        places[place_of(row)] += 1
        if identities[row.source, row.id] > 1 or places[place_of(row)] > 1:
            yield place_of(row)


def _skipped(places: set[Place]) -> Iterable[Place]:
    highest: dict[str, int] = {}
    for epoch, sequence in places:
        highest[epoch] = max(sequence, highest.get(epoch, 0))
    for epoch, last in sorted(highest.items()):
        yield from ((epoch, sequence) for sequence in range(1, last + 1) if (epoch, sequence) not in places)


def _tombstoned(rows: Iterable[Row]) -> set[Place]:
    named: set[Place] = set()
    for row in rows:
        if row.kind == TOMBSTONE:
            dropped = msgspec.json.decode(row.content, type=SpoolDropped)
            for first, last in dropped.ranges:
                named |= {(dropped.dropped_epoch, sequence) for sequence in range(first, last + 1)}
    return named


def _refused(contents: Iterable[bytes]) -> set[Place]:
    places: set[Place] = set()
    for content in contents:
        try:
            recorded = decode_event(content).recorded
        except ContractError:
            continue
        if recorded is not None:
            places.add((recorded.epoch, recorded.sequence))
    return places
