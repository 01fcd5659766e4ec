"""Prometheus metrics and a health answer on a loopback port."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Health = Callable[[], Mapping[str, object]]
"""Answers what state a process is in; the key `ok` (bool) decides between 200 and 503."""

_OK: Final = 200
_UNAVAILABLE: Final = 503


@contextmanager
def metrics_server(registry: CollectorRegistry, health: Health, *, host: str, port: int) -> Iterator[tuple[str, int]]:
    """Serve `/metrics` and `/healthz` while the block runs; yield the address that is listened on.

    Args:
        registry: the metrics of this process.
        health: called once per `/healthz` request.
        host: the interface, loopback unless an operator says otherwise.
        port: 0 picks a free one.

    Raises:
        OSError: the port is taken or not ours to open.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(_OK, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif self.path == "/healthz":
                state = health()
                status = _OK if state.get("ok") else _UNAVAILABLE
                self._answer(status, "application/json", json.dumps(state, default=str).encode())
            else:
                self.send_error(404)

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep scrapes out of the log."""

    server = ThreadingHTTPServer((host, port), Handler)
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield host, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
