"""Compares what an edge accepted with what a database holds: nothing lost, invented, altered, doubled or skipped."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

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


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a row: its content only as a checksum, but for what a tombstone names.

    Attributes:
        content_sha256: of the content as it was read.
        sha256: what the store itself says of a thumbnail's content.
    """

    source: str
    id: str
    kind: str
    epoch: str
    sequence: int
    content_sha256: str
    sha256: str
    dropped_epoch: str = ""
    dropped: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return what matters of a row."""
        tomb = msgspec.json.decode(row.content, type=SpoolDropped) if row.kind == TOMBSTONE else None
        return cls(
            source=row.source,
            id=row.id,
            kind=row.kind,
            epoch=row.epoch,
            sequence=row.sequence,
            content_sha256=sha256_of(row.content),
            sha256=row.sha256,
            dropped_epoch=tomb.dropped_epoch if tomb else "",
            dropped=tuple((first, last) for first, last in tomb.ranges) if tomb else (),
        )


class RefusedOne(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a dead letter; without a place if that cannot be read."""

    sha256: str
    epoch: str = ""
    sequence: int = 0

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return what matters of a dead letter."""
        try:
            recorded = decode_event(content).recorded
        except ContractError:
            recorded = None
        place = {"epoch": recorded.epoch, "sequence": recorded.sequence} if recorded else {}
        return msgspec.convert({"sha256": sha256_of(content), **place}, type=cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a store holds of one node."""

    rows: tuple[Seen, ...]
    refused: tuple[RefusedOne, ...] = ()

    @classmethod
    def of(cls, contents: Contents) -> Self:
        """Return what matters of what was read."""
        return cls(
            rows=tuple(Seen.of(row) for row in contents.rows),
            refused=tuple(RefusedOne.of(content) for content in contents.refused),
        )


def examine(journal: Journal, holdings: Holdings, *, upto: Mapping[str, int] | None = None) -> Findings:
    """Return every difference between a journal and what a store holds of its node.

    Args:
        journal: what was issued and accepted.
        holdings: what is held.
        upto: epoch → the highest sequence that must be there already; None: everything must be.
    """
    rows = holdings.rows
    stored = {(row.source, row.id) for row in rows}
    excused = _tombstoned(rows) | {(one.epoch, one.sequence) for one in holdings.refused if one.epoch}
    refused_hashes = {one.sha256 for one in holdings.refused}
    lost = [
        place_of(entry)
        for entry in journal.accepted
        if (upto is None or entry.sequence <= upto.get(entry.epoch, 0))
        and (entry.source, entry.id) not in stored
        and place_of(entry) not in excused
        and entry.sha256 not in refused_hashes
    ]
    issued = {(entry.source, entry.id): entry.sha256 for entry in journal.issued}
    ours = [row for row in rows if row.kind != TOMBSTONE]
    return Findings(
        lost=tuple(lost),
        invented=tuple(place_of(row) for row in ours if (row.source, row.id) not in issued),
        altered=tuple(_altered(journal, ours, issued)),
        doubled=tuple(_doubled(rows)),
        skipped=tuple(_skipped({place_of(row) for row in rows} | excused, upto)),
    )


def place_of(one: Seen | Entry) -> Place:
    """Return where in which sequence something stands."""
    return one.epoch, one.sequence


def _altered(journal: Journal, rows: Iterable[Seen], issued: dict[tuple[str, str], str]) -> Iterable[Place]:
    places = {(entry.source, entry.id): place_of(entry) for entry in journal.accepted}
    for row in rows:
        identity = row.source, row.id
        content = row.content_sha256
        has_content = content == row.sha256 == issued.get(identity, content)
        if not has_content or place_of(row) != places.get(identity, place_of(row)):
            yield place_of(row)


def _doubled(rows: Iterable[Seen]) -> Iterable[Place]:
    identities: Counter[tuple[str, str]] = Counter()
    places: Counter[Place] = Counter()
    for row in rows:
        identities[row.source, row.id] += 1
        places[place_of(row)] += 1
        if identities[row.source, row.id] > 1 or places[place_of(row)] > 1:
            yield place_of(row)


def _skipped(places: set[Place], upto: Mapping[str, int] | None) -> Iterable[Place]:
    highest: dict[str, int] = {}
    for epoch, sequence in places:
        highest[epoch] = max(sequence, highest.get(epoch, 0))
    for epoch, last in sorted(highest.items()):
        end = last if upto is None else min(last, upto.get(epoch, 0))
        yield from ((epoch, sequence) for sequence in range(1, end + 1) if (epoch, sequence) not in places)


def _tombstoned(rows: Iterable[Seen]) -> set[Place]:
    named: set[Place] = set()
    for row in rows:
        for first, last in row.dropped:
            named |= {(row.dropped_epoch, sequence) for sequence in range(first, last + 1)}
    return named
