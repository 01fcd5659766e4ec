"""What a database really holds, read with queries of the tests' own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import NullPool, create_engine, text

from winnow.events.thumbnail import sha256_of


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Row:
    """One event or thumbnail.

    Attributes:
        content: an event's data as JSON, or a thumbnail's JPEG.
        event_id: the event that a thumbnail belongs to; empty for an event.
        sha256: what the database says of a thumbnail's content; of an event, computed here.
    """

    source: str
    id: str
    kind: str
    epoch: str
    sequence: int
    content: bytes
    sha256: str
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The rows of one node, and whatever was refused.

    Attributes:
        rows: events and thumbnails.
        refused: contents of the dead letters, of every node.
    """

    rows: tuple[Row, ...]
    refused: tuple[bytes, ...] = ()


_EVENTS = "SELECT source, id, kind, epoch, sequence, data_json FROM events WHERE source LIKE :node ORDER BY position"
_THUMBNAILS = (
    "SELECT source, id, epoch, sequence, bytes, sha256, event_id FROM thumbnails WHERE source LIKE :node"
    " ORDER BY position"
)


_PLACES = (
    "SELECT epoch, sequence FROM events WHERE source LIKE :node"
    " UNION ALL SELECT epoch, sequence FROM thumbnails WHERE source LIKE :node"
)
_DELAYS = (
    "SELECT recorded_at, stored_at, epoch, sequence, camera, kind FROM events WHERE source LIKE :node ORDER BY position"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """When an event was accepted at the edge and written into the store, both by this machine's clock."""

    recorded_at: datetime
    stored_at: datetime
    epoch: str
    sequence: int
    camera: str
    kind: str

    @property
    def took_s(self) -> float:
        """Return the seconds between the two."""
        return (self.stored_at - self.recorded_at).total_seconds()


def read_places(url: str, node: str) -> set[tuple[str, int]]:
    """Return epoch and sequence of whatever the database at `url` holds of a node: a light question, to be repeated."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        return {(row.epoch, row.sequence) for row in connection.execute(text(_PLACES), {"node": f"/nodes/{node}%"})}


def read_arrivals(url: str, node: str) -> list[Arrival]:
    """Return the arrivals of a node's events in a SQLite database, in the order in which they were written."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        rows = connection.execute(text(_DELAYS), {"node": f"/nodes/{node}%"}).all()
    return [
        Arrival(
            recorded_at=datetime.fromisoformat(row.recorded_at),
            stored_at=datetime.fromisoformat(row.stored_at),
            epoch=row.epoch,
            sequence=row.sequence,
            camera=row.camera,
            kind=row.kind,
        )
        for row in rows
    ]


def read_contents(url: str, node: str) -> Contents:
    """Return what the database at `url` holds of a node."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        of_node = {"node": f"/nodes/{node}%"}
        events = connection.execute(text(_EVENTS), of_node).all()
        thumbnails = connection.execute(text(_THUMBNAILS), of_node).all()
        refused = connection.execute(text("SELECT value FROM dead_letters")).all()
    rows = [
        Row(
            source=row.source,
            id=row.id,
            kind=row.kind,
            epoch=row.epoch,
            sequence=row.sequence,
            content=bytes(row.data_json),
            sha256=sha256_of(bytes(row.data_json)),
        )
        for row in events
    ]
    rows += [
        Row(
            source=row.source,
            id=row.id,
            kind="thumbnail.captured",
            epoch=row.epoch,
            sequence=row.sequence,
            content=bytes(row.bytes),
            sha256=row.sha256,
            event_id=row.event_id,
        )
        for row in thumbnails
    ]
    return Contents(rows=tuple(rows), refused=tuple(bytes(row.value) for row in refused))
