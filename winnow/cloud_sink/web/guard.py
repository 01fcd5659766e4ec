"""Nobody gets past it who has not proven who they are.

Theory: everything is closed unless `is_public` names it, so a route that somebody adds later is closed too. Browsers
prove themselves with the cookie of a session, programs with a token in the header `Authorization`. A browser sends its
cookie along with requests that another site made up (CSRF), so a change must carry what only our own pages can read; a
token is never sent by itself, so it needs nothing more. Only admins may change things, except for what is one's own.
"""

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from winnow.cloud_sink.access import Accounts, Principal
from winnow.cloud_sink.store.errors import StoreError
from winnow.cloud_sink.web.api import error_response
from winnow.cloud_sink.web.cookies import SESSION, read_cookie
from winnow.runtime.clock import Clock

PUBLIC_PATHS: Final = frozenset({"/login"})
PUBLIC_FOLDERS: Final = ("/static/", "/welcome/")
"""The login, the files of the pages (they hold nothing that anybody saw), and links that are good once."""
ADMIN_PATHS: Final = ("/api/users", "/api/tokens", "/api/audit")
"""With everything below them, for reading too."""
OWN_CHANGES: Final = frozenset({"/logout", "/logout/everywhere", "/api/password"})
"""What viewers may change: their own."""
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER: Final = "bearer "
POLICY_VIOLATION: Final = 1008
"""Source: RFC 6455, section 7.4.1."""
STREAM_CHECK_S: Final = 5.0
"""An answer that goes on ends at most so long, and one message, after its reader lost their access."""


class _AccessLostError(OSError):
    """The reader of a stream lost their access; an OSError, as if the reader had gone."""


class Guard:
    """ASGI middleware: asks who is there; `request.state.principal` tells the routes.

    Args:
        app: what is guarded.
        accounts: knows who has access.
        clock: says when a stream's reader is asked again.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, clock: Clock) -> None:
        self._app = app
        self._accounts = accounts
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":  # there is none; one that somebody adds is closed until it is asked for here
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        find = self._finder(request)
        try:
            principal = await run_in_threadpool(find)
        except StoreError as exc:
            await error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(exc))(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        refusal = _refusal(request, principal)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        watched = self._watched(find, send)
        try:
            await self._app(scope, receive, watched)
        except Exception as exc:
            if not _is_access_lost(exc):
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _finder(self, request: Request) -> Callable[[], Principal | None]:
        """Return a function that finds out who asks, now and later."""
        header = request.headers.get("Authorization", "")
        if header:
            token = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""
            return lambda: self._accounts.tokens.principal(token) if token else None
        secret = read_cookie(request, SESSION)
        return lambda: self._accounts.sessions.principal(secret) if secret else None

    def _watched(self, find: Callable[[], Principal | None], send: Send) -> Callable[[Message], Awaitable[None]]:
        checked_s = self._clock.monotonic_s()

        async def send_while_allowed(message: Message) -> None:
            nonlocal checked_s
            now_s = self._clock.monotonic_s()
            if message.get("more_body") and now_s - checked_s >= STREAM_CHECK_S:
                checked_s = now_s
                if await run_in_threadpool(find) is None:
                    raise _AccessLostError
            await send(message)

        return send_while_allowed


def is_public(path: str) -> bool:
    """Return whether anybody may ask for the path."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDERS)


def _refusal(request: Request, principal: Principal | None) -> Response | None:
    """Return why the request goes no further, None if it may."""
    path, method = request.scope["path"], request.method
    if principal is None:
        return _to_login(request) if path == "/" and method in {"GET", "HEAD"} else _unknown()
    if method not in _SAFE and principal.csrf is not None:
        sent = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
            return error_response(HTTPStatus.FORBIDDEN, f"the header {CSRF_HEADER} is missing or wrong")
    wants_admin = (method not in _SAFE and path not in OWN_CHANGES) or _is_below(path, ADMIN_PATHS)
    if wants_admin and principal.role != "admin":
        return error_response(HTTPStatus.FORBIDDEN, "only an admin may do this")
    return None


def _is_below(path: str, tops: tuple[str, ...]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in tops)


def _to_login(request: Request) -> Response:
    """Return the way to the login, and back with the same filters."""
    wanted = f"?next={quote('/?' + request.url.query)}" if request.url.query else ""
    return RedirectResponse(f"/login{wanted}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def _unknown() -> Response:
    response = error_response(HTTPStatus.UNAUTHORIZED, "log in, or send a token: Authorization: Bearer …")
    response.headers["WWW-Authenticate"] = 'Bearer realm="winnow"'
    return response


def _is_access_lost(exc: BaseException) -> bool:
    """Return whether it is the end of a stream whose reader lost their access, however a framework wrapped it."""
    if isinstance(exc, BaseExceptionGroup):
        return all(_is_access_lost(one) for one in exc.exceptions)
    return isinstance(exc, _AccessLostError) or isinstance(exc.__context__, _AccessLostError)
