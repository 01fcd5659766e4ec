"""The store: what writing costs against the disk's own fsync, and what the page's questions cost on 100 000 events."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.table import Table

from scripts.services import PostgresServer
from winnow.cloud_sink.store import EventFilter, Store, open_store
from winnow.cloud_sink.testing import crossing_event
from winnow.events.kafka import KafkaRecord, to_kafka

BATCH: Final = 500
EVENTS: Final = 100_000
SINGLE_WRITES: Final = 200


def measure() -> Table:
    """Return rates and times of SQLite and PostgreSQL beside each other."""
    table = Table("store", "SQLite", "PostgreSQL", title=f"{EVENTS} events, every commit on the disk")
    with tempfile.TemporaryDirectory(prefix="winnow-bench-", dir=Path.cwd()) as directory, ExitStack() as stack:
        path = Path(directory) / "events.db"
        fsync = f"{_median_ms(_fsync(Path(directory) / 'page'), SINGLE_WRITES):.2f}"
        table.add_row("fsync of one 4 KiB page, ms", fsync, fsync)
        stores = [open_store(f"sqlite:///{path}"), stack.enter_context(_postgresql())]
        for name, figures in _figures(stores).items():
            table.add_row(name, *(f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}" for figure in figures))  # noqa: PLR2004
        table.add_row("bytes of file an event", f"{path.stat().st_size / EVENTS:.0f}", "")
        stores[0].close()
    return table


@contextmanager
def _postgresql() -> Iterator[Store]:
    with PostgresServer() as server:
        store = open_store(server.address)
        yield store
        store.close()


def _figures(stores: list[Store]) -> dict[str, list[float]]:
    """Return name of the figure → one value a store."""
    rows: dict[str, list[float]] = {}
    for store in stores:
        for name, figure in _measure_store(store):
            rows.setdefault(name, []).append(figure)
    return rows


def _measure_store(store: Store) -> Iterator[tuple[str, float]]:
    batches = [_batch(start) for start in range(1, EVENTS, BATCH)]
    started_s = time.perf_counter()
    for batch in batches:
        store.write(batch)
    yield f"events a second, {BATCH} a transaction", EVENTS / (time.perf_counter() - started_s)
    started_s = time.perf_counter()
    for batch in batches[:20]:
        store.write(batch)
    yield "the same again (duplicates), events a second", 20 * BATCH / (time.perf_counter() - started_s)
    numbers = iter(range(EVENTS + 1, 2 * EVENTS))
    yield (
        "write one event, ms (median)",
        _median_ms(lambda: store.write([to_kafka(crossing_event(next(numbers)))]), SINGLE_WRITES),
    )
    last = store.events(newest_first=True, limit=1)[0].position
    rare = EventFilter(cameras=("cam-3",), labels=("car",))
    questions: dict[str, Callable[[], object]] = {
        "newest 100 events, ms": lambda: store.events(newest_first=True),
        "newest 100 of one camera and label, ms": lambda: store.events(rare, newest_first=True),
        "what is new, nothing, ms": lambda: store.events(after=last),
        "counts an hour, ms": store.counts_per_hour,
        "gaps, ms": store.gaps,
    }
    for name, question in questions.items():
        yield name, _median_ms(question, 20)


def _batch(start: int) -> list[KafkaRecord]:
    numbers = range(start, start + BATCH)
    return [
        to_kafka(crossing_event(n, camera=f"cam-{n % 8}", label="car" if n % 50 == 3 else "person"))  # noqa: PLR2004
        for n in numbers
    ]


def _fsync(path: Path) -> Callable[[], None]:
    file = path.open("wb", buffering=0)

    def write_page() -> None:
        file.write(bytes(4096))
        os.fsync(file.fileno())

    return write_page


def _median_ms(step: Callable[[], object], times: int) -> float:
    taken_ms = []
    for _ in range(times):
        started_s = time.perf_counter()
        step()
        taken_ms.append(1000 * (time.perf_counter() - started_s))
    return sorted(taken_ms)[times // 2]
