"""Serves the page to whoever started it, and to nobody else.

A snapshot is an unredacted picture, so the server listens on loopback only, every address begins with a secret that is
printed once, names other than those of loopback are refused (a foreign page may have its own name resolve to this
machine), nothing may be kept by the browser, and the server is gone when the command ends.
"""

import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Final

import msgspec

from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.zone_page.plan import PlanProblemsError, decode_plan, plan_of, settings_of, yaml_of

STATIC: Final = Path(__file__).parent / "static"
LOOPBACK: Final = "127.0.0.1"
NAMES: Final = frozenset({LOOPBACK, "localhost", "[::1]"})
"""Names under which the page may be asked for; the port may differ, as behind `ssh -L`."""

MAX_BODY_BYTES: Final = 64 * 1024
READ_TIMEOUT_S: Final = 10

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
FILES: Final = {"": "index.html"} | {
    name: name for name in ("style.css", "page.js", "stage.js", "shapes.js", "panel.js", "dom.js", "icon.svg")
}

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One picture of the camera, unredacted, as a file for the browser.

    Attributes:
        content_type: e.g. `image/jpeg`.
        content: the file.
        width: pixels.
        height: pixels.
    """

    content_type: str
    content: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZonePage:
    """What the page shows, and what came of it.

    Attributes:
        camera: its name.
        settings: its settings when the page is opened.
        labels: what the camera looks for.
        snapshot: what is drawn on.
        keep: writes the YAML down; None if there is nowhere to.
        saves_to: where, for people.
        done: set when the person is done.
        result: the YAML with which the person was done.
    """

    camera: str
    settings: CameraSettings
    labels: tuple[str, ...]
    snapshot: Snapshot
    keep: Callable[[str], None] | None = None
    saves_to: str | None = None
    done: Flag = field(default_factory=Flag)
    result: list[str] = field(default_factory=list)

    def begin(self) -> bytes:
        """Return what the page needs to begin, as JSON."""
        return msgspec.json.encode(
            {
                "camera": self.camera,
                "width": self.snapshot.width,
                "height": self.snapshot.height,
                "labels": self.labels,
                "saves_to": self.saves_to,
                "plan": plan_of(self.settings),
            }
        )

    def write(self, plan: bytes) -> str:
        """Return the YAML of a plan.

        Raises:
            PlanProblemsError: the plan is wrong.
        """
        return yaml_of(self.camera, settings_of(decode_plan(plan), self.settings))


@contextmanager
def zone_page(page: ZonePage, *, port: int = 0) -> Iterator[str]:
    """Serve the page while the block runs; yield its address with its secret.

    Raises:
        OSError: the port is taken or not ours to open.
    """
    secret = secrets.token_urlsafe(24)

    class Handler(_Handler):
        pass

    Handler.page, Handler.secret = page, secret
    with ThreadingHTTPServer((LOOPBACK, port), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="zone page", daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_address[1]}/{secret}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    page: ZonePage
    secret: str
    protocol_version = "HTTP/1.1"
    timeout = READ_TIMEOUT_S

    def do_GET(self) -> None:
        """Give a file of the page, what it begins with, or the snapshot."""
        path = self._path()
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif path == "begin":
            self._answer("application/json", self.page.begin())
        elif path == "snapshot":
            self._answer(self.page.snapshot.content_type, self.page.snapshot.content)
        elif path in FILES:
            file = STATIC / FILES[path]
            self._answer(TYPES[file.suffix], file.read_bytes())
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Give the YAML of a plan; save it, or be done, if that is asked for."""
        path = self._path()
        length = self.headers.get("Content-Length", "")
        if path not in {"yaml", "save", "done"}:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif self.headers.get("Content-Type") != "application/json" or self._is_foreign():
            self._refuse(HTTPStatus.FORBIDDEN)
        elif not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer("application/json", self._act(path, self.rfile.read(int(length))))
            if path == "done" and self.page.result:
                self.page.done.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Log nothing: an address here holds the secret."""

    def _act(self, path: str, body: bytes) -> bytes:
        try:
            text = self.page.write(body)
            if path == "done":
                self.page.result.append(text)
            if path == "save" and self.page.keep is not None:
                self.page.keep(text)
        except PlanProblemsError as exc:
            return msgspec.json.encode({"problems": exc.problems})
        except OSError as exc:
            return msgspec.json.encode({"problems": [f"{self.page.saves_to}: {exc.strerror}"]})
        return msgspec.json.encode({"yaml": text})

    def _path(self) -> str | None:
        """Return what is asked for, None if the asker does not know the secret or comes under another name."""
        name = self.headers.get("Host", "").rsplit(":", 1)[0] if "]" not in self.headers.get("Host", "") else "[::1]"
        first, _, rest = self.path.removeprefix("/").partition("/")
        knows = hmac.compare_digest(first.encode(), self.secret.encode())
        return rest if knows and name in NAMES else None

    def _is_foreign(self) -> bool:
        """Return whether another site's page sent this."""
        origin = self.headers.get("Origin")
        return origin is not None and origin != f"http://{self.headers.get('Host')}"

    def _answer(self, content_type: str, content: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._answer("text/plain", status.phrase.encode(), status)
