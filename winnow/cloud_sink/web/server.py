"""The page on a port, on a thread of its own, gone within seconds of being asked to stop."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_address
from threading import Event, Thread
from typing import Final

import uvicorn
from starlette.applications import Starlette

from winnow.cloud_sink.access import Accounts
from winnow.cloud_sink.settings import PageTlsSettings
from winnow.cloud_sink.store.store import DEFAULT_LATENESS_S, Store
from winnow.cloud_sink.web.app import create_app
from winnow.cloud_sink.web.login import NoteRefused, OneTimeCodes, unnoted
from winnow.cloud_sink.web.security import LOOPBACK_HOSTS
from winnow.runtime.clock import Clock, SystemClock
from winnow.runtime.file_watch import LOOK_EVERY_S
from winnow.runtime.tls import CertificateWatch, TlsSettings

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080

START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 3
"""How long an answer that is under way may take once the server stops."""

_LOG: Final = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """A server that ends its streams before it waits for them."""

    def __init__(self, app: Starlette, tls: PageTlsSettings | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                lifespan="on",
                ws="none",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
                ssl_certfile=tls.certificate_file if tls else None,
                ssl_keyfile=tls.key_file if tls else None,
            )
        )
        self._feed = app.state.feed
        self._tls = tls
        self._renewing: asyncio.Task[None] | None = None
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tls is not None and self.config.ssl is not None:
            self._renewing = asyncio.create_task(_renew(self.config.ssl, self._tls), name="certificate")
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        self._feed.close()
        await super().shutdown(sockets)


async def _renew(context: ssl.SSLContext, tls: PageTlsSettings) -> None:
    """Show a renewed certificate to whoever comes from now on; one that cannot be used changes nothing."""
    files = TlsSettings(certificate_file=tls.certificate_file, key_file=tls.key_file)
    watch = CertificateWatch(files, SystemClock())
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if watch.has_changed():
            context.load_cert_chain(tls.certificate_file, tls.key_file)
            _LOG.info("The page's certificate was renewed")


@contextmanager
def web_server(  # noqa: PLR0913 - what a server depends on
    store: Store,
    *,
    accounts: Accounts,
    clock: Clock,
    codes: OneTimeCodes | None = None,
    tls: PageTlsSettings | None = None,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    allowed_hosts: Sequence[str] | None = None,
    lateness_s: float = DEFAULT_LATENESS_S,
    caught_up_at: Callable[[], datetime | None] | None = None,
    note_refused: NoteRefused = unnoted,
) -> Iterator[str]:
    """Serve the page while the block runs; yield its address, e.g. `http://127.0.0.1:8080/`.

    Args:
        store: what is shown; stays open after the block.
        accounts: who may see it; stays open too.
        clock: says which hour it is.
        codes: let somebody in once each.
        tls: certificate and key, for https; without them passwords travel readable.
        host: the interface.
        port: 0 picks a free one.
        allowed_hosts: names under which the page may be asked for. Default: those of loopback, and any name if
            `host` is no loopback address.
        lateness_s: how long a missing sequence may be on its way before it is shown as a gap.
        caught_up_at: says up to when everything that was sent to the store is in it; None while nobody knows. What is
            missing later than that may be on its way, and is no gap. Default: now, for a store that is written at once.
        note_refused: told why, each time that a login is refused.

    Raises:
        OSError: the port is taken or not ours to open, or certificate or key cannot be used.
    """
    names = names_answered(host) if allowed_hosts is None else allowed_hosts
    if not _is_loopback(host) and tls is None:
        _LOG.warning("The page is served without TLS: passwords can be read on the way", extra={"host": host})
    listener = _listen(host, port)
    app = create_app(
        store,
        accounts=accounts,
        clock=clock,
        codes=codes,
        allowed_hosts=names,
        lateness_s=lateness_s,
        caught_up_at=caught_up_at,
        note_refused=note_refused,
    )
    server = _Server(app, tls)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(START_TIMEOUT_S):
            raise OSError(f"the page did not start in {START_TIMEOUT_S:.0f} s; the log says why")
        yield _address(host, listener, tls)
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        listener.close()


def names_answered(host: str) -> tuple[str, ...]:
    """Return the names under which a page on the interface `host` may be asked for; "*" stands for all."""
    if not _is_loopback(host):
        return ("*",)
    return (*LOOPBACK_HOSTS, f"[{host}]" if ":" in host else host)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _address(host: str, listener: socket.socket, tls: PageTlsSettings | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
