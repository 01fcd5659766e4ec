"""The spool: what accepting costs, against the disk's own fsync; and delivery through a real Mosquitto, end to end."""

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from paho.mqtt.client import Client, MQTTMessage
from prometheus_client import CollectorRegistry
from rich.table import Table

from scripts.services import MosquittoServer
from winnow.events import Receipt
from winnow.events.mqtt import position_of
from winnow.events.receipts import encode_receipt, receipts_for
from winnow.events.topics import GATEWAY_FILTERS, receipts_topic
from winnow.pipeline.delivery import (
    DeliveryMetrics,
    HandOver,
    Message,
    Publisher,
    SpoolOutbox,
    SqliteSpool,
    paho_connect,
)
from winnow.pipeline.delivery.message import record_all, spooled
from winnow.pipeline.delivery.sealing import Place, ReadableRows, Rows, SealedRows, SpoolKey, checksum
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings, new_client

NODE: Final = "shop-1"
APPENDS: Final = 2000
DELIVERED: Final = 5000
CAMERAS: Final = 16
MOMENTS: Final = 100


def measure() -> Table:
    """Return latencies of the spool and the rate of delivery."""
    table = Table("spool and delivery", "value", title="SQLite in WAL mode, synchronous=FULL")
    with tempfile.TemporaryDirectory(prefix="winnow-bench-", dir=Path.cwd()) as directory:
        root = Path(directory)
        _row(table, "fsync of one 4 KiB page", _fsync_ms(root / "page"))
        singly = _append_ms(root / "one", lambda number: [crossing(number)])
        _row(table, "append, one event", singly)
        table.add_row("events a second, one at a time", f"{1000 / statistics.mean(singly):.0f}")
        batched = _append_ms(root / "ten", lambda number: [crossing(10 * number + one) for one in range(10)])
        _row(table, "append, ten events", batched)
        table.add_row("events a second, ten at a time", f"{10_000 / statistics.mean(batched):.0f}")
        _row(table, "append, an event and an 8 KiB thumbnail", _append_ms(root / "both", _with_thumbnail))
        _row(table, "the same handed over by a camera", _hand_over_ms(root / "handed"))
        cpu, syncs = _cameras_ratio(root / "cameras")
        table.add_row(
            "sixteen cameras, handed over ÷ appended by each: CPU time, transactions", f"{cpu:.2f}, {syncs:.2f}"
        )
        for what, wall, cpu in _sealing_ratios(root / "sealing"):
            table.add_row(f"sealed ÷ readable, {what}: time, CPU time", f"{wall:.2f}, {cpu:.2f}")
        for what, cost_us in _checksum_us():
            table.add_row(f"checksum of {what}, µs of CPU", cost_us)
        table.add_row("opening a spool with 64 MiB, s; of it the check of every page", _opening(root / "opening"))
        _row(table, "receipt for 64 messages", _acknowledge_ms(root / "receipts"))
        table.add_row("bytes of file ÷ bytes that wait", f"{_overhead(root / 'overhead'):.2f}")
        rate, latency_ms = _delivery(root / "delivery")
        table.add_row("messages a second, spool → broker → gateway → receipt", f"{rate:.0f}")
        _row(table, "accepted → receipted, idle edge", latency_ms)
    return table


def _row(table: Table, name: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    table.add_row(f"{name}, ms p50 / p99", f"{p50:.2f} / {p99:.2f}")


def _timed_ms(step: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - started_s)


def _fsync_ms(path: Path) -> list[float]:
    with path.open("wb", buffering=0) as file:

        def write_page() -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        return [_timed_ms(write_page) for _ in range(APPENDS // 4)]


def _open(path: Path, rows: Rows | None = None) -> SqliteSpool:
    metrics = DeliveryMetrics(CollectorRegistry())
    return SqliteSpool(path, node=NODE, clock=SystemClock(), metrics=metrics, max_bytes=2**30, rows=rows)


def _sealing_ratios(path: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what sealing costs: medians of sealed rows by those of readable ones, both spools taking turns."""
    path.mkdir()
    kinds: dict[str, Callable[[int], list[Message]]] = {
        "append, one event": lambda number: [crossing(number)],
        "append, ten events": lambda number: [crossing(10 * number + one) for one in range(10)],
        "append, an event and an 8 KiB thumbnail": _with_thumbnail,
    }
    for number, (what, batch) in enumerate(kinds.items()):
        readable = _open(path / f"{number}-readable", ReadableRows())
        sealed = _open(path / f"{number}-sealed", SealedRows([SpoolKey(bytes(32))]))
        turns = [(_cost_ms(readable, batch(turn)), _cost_ms(sealed, batch(turn))) for turn in range(APPENDS // 2)]
        yield what, _median_ratio(turns, 0), _median_ratio(turns, 1)
        readable.close()
        sealed.close()


def _cost_ms(spool: SqliteSpool, messages: list[Message]) -> tuple[float, float]:
    """Return milliseconds and milliseconds of CPU that accepting takes."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    spool.append(messages)
    return 1000 * (time.perf_counter() - started_s), 1000 * (time.process_time() - cpu_s)


def _median_ratio(turns: list[tuple[tuple[float, float], tuple[float, float]]], cost: int) -> float:
    return statistics.median(sealed[cost] for _, sealed in turns) / statistics.median(plain[cost] for plain, _ in turns)


def _with_thumbnail(number: int) -> list[Message]:
    return [crossing(number), thumbnail(number, size_bytes=8192)]


def _append_ms(path: Path, batch: Callable[[int], list[Message]]) -> list[float]:
    spool = _open(path)
    batches = [batch(number) for number in range(APPENDS)]
    times_ms = [_timed_ms(lambda messages=messages: spool.append(messages)) for messages in batches]  # type: ignore[misc]
    spool.close()
    return times_ms


def _checksum_us() -> Iterator[tuple[str, str]]:
    """Yield what the checksum of one row takes, and of that what making its packet takes."""
    place = Place(NODE, "0" * 10, 1)
    recorded, rows = record_all(
        _with_thumbnail(1), node=NODE, epoch=place.epoch, after=0, at=datetime(2026, 5, 1, tzinfo=UTC)
    )
    for what, message, row in zip(("an event", "an 8 KiB thumbnail"), recorded, rows, strict=True):
        columns = ReadableRows().write(place, row.mqtt)
        checksum_us = _cpu_us(lambda columns=columns: checksum(place, columns))  # type: ignore[misc]
        spooled_us = _cpu_us(lambda message=message: spooled(message))  # type: ignore[misc]
        yield what, f"{checksum_us:.2f} (making the packet: {spooled_us:.1f})"


def _cpu_us(step: Callable[[], object]) -> float:
    times = APPENDS * 5
    cpu_s = time.process_time()
    for _ in range(times):
        step()
    return 1e6 * (time.process_time() - cpu_s) / times


def _opening(path: Path) -> str:
    """Return the seconds of opening and closing, and of checking every page, in the system's cache."""
    spool = _open(path)
    for number in range(64 * 1024 // 40):
        spool.append([*(crossing(5 * number + one) for one in range(5)), thumbnail(number, size_bytes=36 * 1024)])
    spool.close()
    whole_s = statistics.median(_timed_ms(lambda: _open(path).close()) for _ in range(5)) / 1000
    with closing(sqlite3.connect(path)) as database:
        check = "PRAGMA integrity_check(1)"
        check_s = statistics.median(_timed_ms(lambda: database.execute(check).fetchone()) for _ in range(5)) / 1000
    return f"{whole_s:.3f}, {check_s:.3f}"


def _hand_over_ms(path: Path) -> list[float]:
    """Return how long a camera is held, at 200 messages a second."""
    spool, hand_over = _handing(path)
    times_ms = []
    for number in range(APPENDS // 4):
        messages = _with_thumbnail(number)
        times_ms.append(_timed_ms(lambda messages=messages: hand_over.take(messages)))  # type: ignore[misc]
        time.sleep(0.01)
    hand_over.close(10)
    spool.close()
    return times_ms


def _cameras_ratio(path: Path) -> tuple[float, float]:
    """Return what sixteen threads cost that hand over at the same moments, by what they cost if each appends."""
    path.mkdir()
    turns: dict[bool, list[tuple[float, int]]] = {False: [], True: []}
    for turn in range(6):
        is_handed = bool(turn % 2)
        spool, hand_over = _handing(path / f"{turn}")
        turns[is_handed].append(_sixteen_cameras(spool, hand_over.take if is_handed else spool.append))
        hand_over.close(10)
        spool.close()
    costs = [
        [statistics.median(turn[cost] for turn in turns[is_handed]) for cost in (0, 1)] for is_handed in (True, False)
    ]
    return costs[0][0] / costs[1][0], costs[0][1] / costs[1][1]


def _sixteen_cameras(spool: "_CountingSpool", accept: Callable[[list[Message]], object]) -> tuple[float, int]:
    """Return seconds of CPU and transactions for what sixteen threads see at the same moments."""
    spool.transactions = 0
    barrier = threading.Barrier(CAMERAS)

    def camera(number: int) -> None:
        for moment in range(MOMENTS):
            barrier.wait()
            time.sleep(0.02)
            accept([crossing(MOMENTS * number + moment)])

    threads = [threading.Thread(target=camera, args=(number,)) for number in range(CAMERAS)]
    cpu_s = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while spool.depth < CAMERAS * MOMENTS:
        time.sleep(0.001)
    return time.process_time() - cpu_s, spool.transactions


class _CountingSpool(SqliteSpool):
    """A spool that counts its transactions."""

    transactions = 0

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """See `SqliteSpool.append`."""
        self.transactions += 1
        return super().append(messages)


def _handing(path: Path) -> tuple[_CountingSpool, HandOver]:
    """Return a spool, and what hands over to it."""
    metrics = DeliveryMetrics(CollectorRegistry())
    spool = _CountingSpool(path, node=NODE, clock=SystemClock(), metrics=metrics, max_bytes=2**30)
    outbox = SpoolOutbox(spool, notify=lambda: None, metrics=metrics)
    hand_over = HandOver(outbox, metrics=metrics, stopping=threading.Event())
    hand_over.start()
    return spool, hand_over


def _acknowledge_ms(path: Path) -> list[float]:
    spool = _open(path)
    spool.append([crossing(number) for number in range(64 * 100)])
    receipts = [Receipt(epoch=spool.epoch, upto=64 * number) for number in range(1, 101)]
    times_ms = [_timed_ms(lambda receipt=receipt: spool.acknowledge(receipt)) for receipt in receipts]  # type: ignore[misc]
    spool.close()
    return times_ms


def _overhead(path: Path) -> float:
    spool = _open(path)
    for number in range(500):
        spool.append([*(crossing(5 * number + one) for one in range(5)), thumbnail(number, size_bytes=8192)])
    waiting_bytes = spool.size_bytes
    spool.close()
    return path.stat().st_size / waiting_bytes


def _delivery(path: Path) -> tuple[float, list[float]]:
    """Return messages a second for a backlog, and milliseconds from acceptance to receipt for single events."""
    with MosquittoServer() as broker:
        settings = MqttSettings(url=f"mqtt://{broker.address}")
        gateway = _gateway(settings)
        clock, metrics, spool = SystemClock(), DeliveryMetrics(CollectorRegistry()), _open(path)
        connect = paho_connect(settings, node=NODE, version="bench", clock=clock)
        publisher = Publisher(spool, connect=connect, version="bench", clock=clock, metrics=metrics)
        for number in range(0, DELIVERED, 50):
            spool.append([crossing(number + one) for one in range(50)])
        started_s = time.perf_counter()
        publisher.start()
        _wait_until_empty(spool)
        rate = DELIVERED / (time.perf_counter() - started_s)
        latency_ms = []
        for number in range(200):
            time.sleep(0.01)
            started_s = time.perf_counter()
            spool.append([crossing(DELIVERED + number)])
            publisher.notify()
            _wait_until_empty(spool)
            latency_ms.append(1000 * (time.perf_counter() - started_s))
        publisher.stop()
        spool.close()
        gateway.disconnect()
        gateway.loop_stop()
    return rate, latency_ms


def _wait_until_empty(spool: SqliteSpool) -> None:
    while spool.depth:
        time.sleep(0.0002)


def _gateway(settings: MqttSettings) -> Client:
    """Return a client that receipts what it gets, one by one."""
    subscribed = threading.Event()

    def answer(client: Client, _data: object, message: MQTTMessage) -> None:
        position = position_of(getattr(message.properties, "UserProperty", ()))
        for receipt in receipts_for(position[0], [position[1]]) if position else ():
            client.publish(receipts_topic(NODE), encode_receipt(receipt), qos=1)

    client = new_client(settings, client_id="gateway")
    client.on_message = answer
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(*settings.address)
    client.subscribe([(topic, 1) for topic in GATEWAY_FILTERS])
    client.loop_start()
    subscribed.wait(10)
    return client
