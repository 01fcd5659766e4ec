"""The sink as a process: consumer, audit, page and metrics around one store."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from threading import Event as Flag
from typing import Final

from winnow.cloud_sink.consumer import LAST_RETRY_S, SinkConsumer, pause
from winnow.cloud_sink.gap_alarm import GapAlarm, proven
from winnow.cloud_sink.metrics import SinkMetrics
from winnow.cloud_sink.settings import SinkSettings
from winnow.cloud_sink.store import Store, StoreError, StoreUnavailableError, open_store
from winnow.cloud_sink.worker import WorkerThread
from winnow.runtime.certificate_alarm import CertificateAlarm, watched
from winnow.runtime.certificates import CertificateCollector, Certificates
from winnow.runtime.clock import Clock
from winnow.runtime.metrics import metrics_server
from winnow.runtime.retry import Backoff

AUDIT_EVERY_S: Final = 2.0
GRACE_S: Final = 3.0
"""How long a write may take to finish after a signal. With the consumer's and the page's own 3 s each, the process
ends within 10 s."""

_log: Final = logging.getLogger(__name__)


def run_sink(
    settings: SinkSettings, stopping: Flag, clock: Clock, show_password: Callable[[str, str], None] | None = None
) -> None:
    """Records flow from Kafka into the store, and the page shows them, until `stopping` is set.

    A database or a Kafka that is down is waited for. Where nobody can log in to the page yet, `show_password` shows the
    name and password of a first admin to a person; None if there is none who would see it.

    Raises:
        SettingsError: a password file or a certificate cannot be read.
        StoreUnusableError: the database's address or login is wrong.
        OSError: a port for metrics or page is taken.
    """
    metrics = SinkMetrics()
    certificates = certificates_of(settings)
    metrics.registry.register(CertificateCollector(certificates))
    alarm = CertificateAlarm(certificates, clock, {"kafka": (settings.kafka.tls, settings.kafka.addresses)})
    consumers: list[SinkConsumer] = []
    health = partial(_health, consumers)
    with ExitStack() as stack:
        host, port = stack.enter_context(
            metrics_server(metrics.registry, health, host=settings.metrics.host, port=settings.metrics.port)
        )
        _log.info("Metrics and health are served", extra={"address": f"http://{host}:{port}"})
        stack.enter_context(watched(alarm))
        store = _open_store(settings, stopping, clock)
        if store is None:
            return
        stack.callback(store.close)
        stack.enter_context(_page(settings, store, metrics, clock, partial(_caught_up_at, consumers), show_password))
        consumer = SinkConsumer(settings, store=store, metrics=metrics, seen=certificates.seen_on("kafka"))
        consumers.append(consumer)
        asyncio.run(_serve(consumer, store, metrics, settings.lateness_s, stopping))
    _log.info("Stopped")


def certificates_of(settings: SinkSettings) -> Certificates:
    """Return the certificates that a sink shows."""
    page, store = settings.http.tls if settings.http is not None else None, settings.store.tls
    return Certificates(
        {
            "kafka": settings.kafka.tls.certificate_file if settings.kafka.has_tls else None,
            "store": store.certificate_file if store is not None else None,
            "page": page.certificate_file if page is not None else None,
        }
    )


def _health(consumers: list[SinkConsumer]) -> Mapping[str, object]:
    kafka_ok = any(consumer.kafka_ok for consumer in consumers)
    store_ok = any(consumer.store_ok for consumer in consumers)
    return {"ok": kafka_ok and store_ok, "kafka": kafka_ok, "store": store_ok}


def _caught_up_at(consumers: list[SinkConsumer]) -> datetime | None:
    """Return up to when the store holds everything that Kafka held; None before anything was read to its end."""
    return consumers[0].caught_up_at if consumers else None


def _open_store(settings: SinkSettings, stopping: Flag, clock: Clock) -> Store | None:
    """Return the store once its database answers, None if `stopping` is set before."""
    where, backoff = settings.store, Backoff(first_s=0.5, limit_s=LAST_RETRY_S)
    while not stopping.is_set():
        try:
            return open_store(where.url, password_file=where.password_file, tls=where.tls, clock=clock)
        except StoreUnavailableError as exc:
            _log.warning("The database does not answer; trying again", extra={"reason": str(exc)})
            stopping.wait(backoff.next_delay_s())
    return None


@contextmanager
def _page(  # noqa: PLR0913, PLR0917 - what a page depends on
    settings: SinkSettings,
    store: Store,
    metrics: SinkMetrics,
    clock: Clock,
    caught_up_at: Callable[[], datetime | None],
    show_password: Callable[[str, str], None] | None,
) -> Iterator[None]:
    """Serve the page while the block runs, if one is asked for."""
    if settings.http is None:
        yield
        return
    from winnow.cloud_sink.access import make_first_admin, open_accounts  # noqa: PLC0415 - as below
    from winnow.cloud_sink.web import web_server  # noqa: PLC0415 - a sink without a page needs no web server

    page, where = settings.http, settings.store
    accounts = open_accounts(where.url, password_file=where.password_file, tls=where.tls, clock=clock)
    with closing(accounts):
        make_first_admin(accounts, show_password)
        with web_server(
            store,
            accounts=accounts,
            clock=clock,
            tls=page.tls,
            host=page.host,
            port=page.port,
            lateness_s=settings.lateness_s,
            caught_up_at=caught_up_at,
            note_refused=metrics.note_refused_login,
        ) as address:
            _log.info("The page is served", extra={"address": address})
            yield


async def _serve(consumer: SinkConsumer, store: Store, metrics: SinkMetrics, lateness_s: float, stopping: Flag) -> None:
    async with asyncio.TaskGroup() as tasks:
        work = [
            tasks.create_task(consumer.run(stopping), name="consume"),
            tasks.create_task(_audit(consumer, store, metrics, lateness_s, stopping), name="audit"),
        ]
        tasks.create_task(_end_in_time(work, stopping), name="stop")


async def _audit(consumer: SinkConsumer, store: Store, metrics: SinkMetrics, lateness_s: float, stopping: Flag) -> None:
    """Every gap is an alarm and in the metrics within seconds of being proven."""
    alarm = GapAlarm()
    worker = WorkerThread("audit")
    while not stopping.is_set():
        read_up_to = consumer.caught_up_at  # before the gaps: what fills one may be read in between
        try:
            overdue = await worker.run(partial(store.gaps, lateness_s))
        except (StoreError, TimeoutError) as exc:
            _log.debug("No audit while the database is down", extra={"reason": str(exc)})
        else:
            gaps = proven(overdue, read_up_to, lateness_s)
            alarm.report(gaps)
            metrics.note_gaps(gaps)
        await pause(AUDIT_EVERY_S, stopping)
    worker.stop()


async def _end_in_time(work: list["asyncio.Task[None]"], stopping: Flag) -> None:
    """After `stopping` is set, what is still under way ends within seconds; a write cut off is rolled back."""
    await pause(float("inf"), stopping)
    _, late = await asyncio.wait(work, timeout=GRACE_S)
    for task in late:
        _log.warning("Still at work after the grace time; cut off", extra={"task": task.get_name()})
        task.cancel()
