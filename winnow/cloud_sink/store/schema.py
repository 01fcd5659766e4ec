"""The tables, the same for SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times: `timestamptz` in PostgreSQL, sortable text in SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver is given."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc if dialect.name == "postgresql" else in_utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the caller is given."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.replace(tzinfo=UTC)


metadata: Final = MetaData()

_Position: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only in a column of the type INTEGER."""

events: Final = Table(
    "events",
    metadata,
    Column("position", _Position, primary_key=True),
    Column("id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("camera", Text),
    Column("kind", Text, nullable=False),
    Column("label", Text),
    Column("subject", Text),
    Column("time", UtcTime, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("data_json", LargeBinary, nullable=False),
    Column("traceparent", Text),
    Column("digest", Text, nullable=False),
    UniqueConstraint("id", "source"),
    Index("events_by_time", "time"),
    Index("events_by_camera", "camera", "position"),
    Index("events_by_label", "label", "position"),
    Index("events_by_kind", "kind", "position"),
    sqlite_autoincrement=True,
)

thumbnails: Final = Table(
    "thumbnails",
    metadata,
    Column("position", _Position, primary_key=True),
    Column("id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("id", "source"),
    Index("thumbnails_by_event", "event_id", "source"),
    Index("thumbnails_by_sha256", "sha256"),
    sqlite_autoincrement=True,
)
"""No foreign key to `events`: the two come on different topics, so a thumbnail may come first."""

hour_counts: Final = Table(
    "hour_counts",
    metadata,
    Column("hour", UtcTime, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("camera", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""Events with a label an hour of scene time; `camera` is empty for the node itself."""

nodes: Final = Table(
    "nodes",
    metadata,
    Column("node", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", UtcTime),
    Column("version", Text),
    Column("last_event_at", UtcTime),
    Column("spool_depth", BigInteger),
    Column("stats_at", UtcTime),
)

node_certificates: Final = Table(
    "node_certificates",
    metadata,
    Column("node", Text, primary_key=True),
    Column("ends_at", UtcTime),
)
"""Beside `nodes` and not in it: a table that is missing is made, a column is not."""

cameras: Final = Table(
    "cameras",
    metadata,
    Column("node", Text, primary_key=True),
    Column("camera", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", UtcTime),
    Column("reason", Text),
    Column("last_event_at", UtcTime),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
)

sequence_runs: Final = Table(
    "sequence_runs",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("hole_since", UtcTime, nullable=False),
)
"""What is accounted for, tombstones included: see `winnow.cloud_sink.audit`."""

kafka_offsets: Final = Table(
    "kafka_offsets",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)

dead_letters: Final = Table(
    "dead_letters",
    metadata,
    Column("position", _Position, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
