"""Opens the edge's spool and keeps its publisher running, for `run` and `replay`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from winnow import __version__
from winnow.cli.console import fail
from winnow.cli.spool_keys import spool_rows
from winnow.pipeline.bandwidth import Accounts, DailyBudget, DayFile
from winnow.pipeline.delivery import (
    DeliveryMetrics,
    HandOver,
    Packing,
    Publisher,
    SpoolError,
    SpoolOutbox,
    SqliteSpool,
    paho_connect,
)
from winnow.pipeline.delivery.key_file import KeyFileError
from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.clock import Clock
from winnow.runtime.settings import SettingsError
from winnow.runtime.tls import Seen

WRITE_WITHIN_S: Final = 2.0
"""How long the end of the process waits for a disk that has stalled."""
FAREWELL_S: Final = 4.0
"""How long it waits for receipts; with everything else it stays below ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An open spool, the publisher that empties it, and the accounts of what that costs."""

    outbox: HandOver
    publisher: Publisher
    accounts: Accounts


@contextmanager
def open_delivery(  # noqa: PLR0913 - what a delivery depends on
    settings: EdgeSettings,
    *,
    registry: CollectorRegistry,
    clock: Clock,
    stopping: Flag,
    command: Callable[[bytes], None] = lambda _: None,
    seen: Seen | None = None,
) -> Iterator[Delivery]:
    """Yield a delivery that runs; at the end of the block it sends what it can, and the rest stays in the spool.

    Nobody waits for room in front of the disk once `stopping` is set. `command` is given the payload of each command
    that arrives, and must not block; `seen` the certificate that the broker shows.

    Ends the command if the spool or the broker's settings cannot be used.
    """
    metrics = DeliveryMetrics(registry)
    path = settings.spool.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        spool = SqliteSpool(
            path,
            node=settings.node,
            clock=clock,
            metrics=metrics,
            max_bytes=settings.spool.max_bytes,
            rows=spool_rows(settings.spool),
        )
        metrics.watch(spool)
    except (SpoolError, KeyFileError) as exc:
        fail(str(exc))
    except OSError as exc:
        fail(f"spool {path}: {exc.strerror}; choose another spool.path")
    try:
        connect = paho_connect(settings.mqtt, node=settings.node, version=__version__, clock=clock, seen=seen)
        link = settings.link
        publisher = Publisher(
            spool,
            connect=connect,
            version=__version__,
            clock=clock,
            metrics=metrics,
            command=command,
            packing=Packing(settings.node, wait_s=link.picture_wait_s) if link.batches else None,
        )
    except SettingsError as exc:
        spool.close()
        fail(str(exc))
    accounts = Accounts(
        sent=publisher.wire.of,
        waiting_bytes=lambda: spool.size_bytes,
        file=DayFile(path.with_name(f"{path.name}.days.json")),
        budget=DailyBudget(link.daily_bytes),
        zone=ZoneInfo(link.day_zone),
        clock=clock,
    )
    outbox = HandOver(SpoolOutbox(spool, notify=publisher.notify, metrics=metrics), metrics=metrics, stopping=stopping)
    publisher.start()
    outbox.start()
    try:
        yield Delivery(outbox=outbox, publisher=publisher, accounts=accounts)
    finally:
        is_written = outbox.close(WRITE_WITHIN_S)
        publisher.stop(FAREWELL_S if is_written else 0.0)
        if is_written:  # else the disk hangs, and would hang these too
            accounts.close()
            spool.close()
