"""The store on SQLite or PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from winnow.cloud_sink.store import reading
from winnow.cloud_sink.store.dialects import take_turn, writing
from winnow.cloud_sink.store.errors import StoreUnavailableError, StoreUnusableError
from winnow.cloud_sink.store.intake import sort_records
from winnow.cloud_sink.store.rows import (
    Bandwidth,
    CameraRow,
    DeadLetter,
    EventFilter,
    Gap,
    HourCount,
    NodeRow,
    StoredEvent,
    WriteResult,
)
from winnow.cloud_sink.store.schema import cameras, kafka_offsets, metadata, thumbnails
from winnow.cloud_sink.store.store import DEFAULT_LATENESS_S, EVERYTHING, TopicPartition
from winnow.cloud_sink.store.writing import write_intake, write_offsets
from winnow.events.kafka import KafkaRecord
from winnow.runtime.clock import Clock

MAX_LIMIT: Final = 10_000
"""Most events that one call returns."""


_ADVICE: Final = {
    "certificate verify failed": "the authority in ca_file (sslrootcert) does not vouch for this server",
    "requires a valid client certificate": "name one in certificate_file and key_file (sslcert, sslkey)",
    "alert unknown ca": "the server's authority does not vouch for this end's certificate",
    "alert certificate expired": "this end's certificate has ended; renew it",
    "alert certificate revoked": "this end's certificate was withdrawn",
}
"""What OpenSSL says of a refused handshake, and what it means here."""


class SqlStore:
    """Events in a database; every method is one transaction. See `Store`.

    Args:
        engine: where the tables are.
        clock: stamps what is stored and tells how old a gap is.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def create_tables(self) -> None:
        """The tables are there."""
        with self._turn_to_write() as connection:
            metadata.create_all(connection)

    def write(self, records: Sequence[KafkaRecord], offsets: Mapping[TopicPartition, int] | None = None) -> WriteResult:
        """See `Store.write`."""
        intake = sort_records(records)
        with self._turn_to_write() as connection:
            result = write_intake(connection, intake, self._clock.now())
            write_offsets(connection, offsets or {})
        return result

    def offsets(self) -> dict[TopicPartition, int]:
        """See `Store.offsets`."""
        with self._reading() as connection:
            rows = connection.execute(select(kafka_offsets)).all()
        return {(row.topic, row.partition): row.next_offset for row in rows}

    def events(
        self,
        wanted: EventFilter = EVERYTHING,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[StoredEvent]:
        """See `Store.events`."""
        query = reading.select_events(
            wanted, after=after, before=before, limit=min(limit, MAX_LIMIT), newest_first=newest_first
        )
        with self._reading() as connection:
            return [reading.stored_event(row) for row in connection.execute(query)]

    def thumbnail(self, thumbnail_id: str) -> bytes | None:
        """See `Store.thumbnail`."""
        query = select(thumbnails.c.bytes).where(thumbnails.c.sha256 == thumbnail_id).limit(1)
        with self._reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)

    def counts_per_hour(self, wanted: EventFilter = EVERYTHING) -> list[HourCount]:
        """See `Store.counts_per_hour`."""
        with self._reading() as connection:
            return [reading.hour_count(row) for row in connection.execute(reading.select_hour_counts(wanted))]

    def nodes(self) -> list[NodeRow]:
        """See `Store.nodes`."""
        with self._reading() as connection:
            return reading.read_nodes(connection)

    def cameras(self) -> list[CameraRow]:
        """See `Store.cameras`."""
        with self._reading() as connection:
            return reading.read_cameras(connection)

    def bandwidth(self) -> Bandwidth:
        """See `Store.bandwidth`; summed here, because a database's sum may overflow."""
        with self._reading() as connection:
            rows = connection.execute(select(cameras.c.bytes_in, cameras.c.bytes_out)).all()
        return Bandwidth(bytes_in=sum(row.bytes_in for row in rows), bytes_out=sum(row.bytes_out for row in rows))

    def gaps(self, lateness_s: float = DEFAULT_LATENESS_S) -> list[Gap]:
        """See `Store.gaps`."""
        overdue = self._clock.now() - timedelta(seconds=lateness_s)
        with self._reading() as connection:
            return [gap for gap in reading.read_gaps(connection) if gap.since <= overdue]

    def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Store.dead_letters`."""
        with self._reading() as connection:
            return reading.read_dead_letters(connection, min(limit, MAX_LIMIT))

    def close(self) -> None:
        """See `Store.close`."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(self._engine), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _turn_to_write(self) -> Iterator[Connection]:
        with translated(self._engine), writing(self._engine).begin() as connection:
            take_turn(connection)
            yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn a database library's errors into ours inside the block; no message shows a password."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as exc:
        raise StoreUnavailableError(f"{address_of(engine)}: {_reason(exc)}") from exc
    except DBAPIError as exc:
        raise StoreUnusableError(f"{address_of(engine)}: {_reason(exc)}") from exc


def address_of(engine: Engine) -> str:
    """Return the store's address as people write it, a password hidden."""
    url = engine.url.set(drivername=engine.url.get_backend_name())
    return url.render_as_string(hide_password=True)


def _reason(exc: Exception) -> str:
    """Return the first line of what the driver said, and what to do where it does not say it."""
    lines = str(getattr(exc, "orig", None) or exc).strip().splitlines()
    said = lines[0] if lines else type(exc).__name__
    advice = next((advice for words, advice in _ADVICE.items() if words in said), None)
    return f"{said}: {advice}" if advice else said
