"""The web application: the page, the API behind it, and one task that looks for news."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from winnow.cloud_sink.access import Accounts, LoginLimiter
from winnow.cloud_sink.store.errors import StoreError
from winnow.cloud_sink.store.store import DEFAULT_LATENESS_S, Store
from winnow.cloud_sink.web.api import Api, error_response
from winnow.cloud_sink.web.feed import Feed
from winnow.cloud_sink.web.guard import Guard
from winnow.cloud_sink.web.login import Login, NoteRefused, OneTimeCodes, unnoted
from winnow.cloud_sink.web.parameters import ParameterError
from winnow.cloud_sink.web.password_checks import PasswordChecks
from winnow.cloud_sink.web.people import People
from winnow.cloud_sink.web.security import LOOPBACK_HOSTS, SecurityHeaders
from winnow.cloud_sink.web.stream import Stream
from winnow.runtime.clock import Clock

STATIC: Final = Path(__file__).parent / "static"
_REVALIDATE: Final = {"Cache-Control": "no-cache"}
"""Kept, but asked for again each time: an upgrade shows at once, and an unchanged file costs no bytes."""


def create_app(  # noqa: PLR0913 - what a page depends on
    store: Store,
    *,
    accounts: Accounts,
    clock: Clock,
    codes: OneTimeCodes | None = None,
    allowed_hosts: Sequence[str] = LOOPBACK_HOSTS,
    lateness_s: float = DEFAULT_LATENESS_S,
    caught_up_at: Callable[[], datetime | None] | None = None,
    note_refused: NoteRefused = unnoted,
) -> Starlette:
    """Return the application; its `state.feed` must be closed when its server is asked to stop.

    Args:
        store: what is shown; stays open when the application ends.
        accounts: who may see it; stays open too.
        codes: let somebody in once each.
        clock: says which hour it is.
        allowed_hosts: names under which the page may be asked for; "*" allows all.
        lateness_s: how long a missing sequence may be on its way before it is shown as a gap.
        caught_up_at: says up to when everything that was sent to the store is in it; None while nobody knows. What is
            missing later than that may be on its way, and is no gap. Default: now, for a store that is written at once.
        note_refused: told why, each time that a login is refused.
    """
    feed = Feed(store, clock)
    api = Api(store, clock, lateness_s, caught_up_at)
    limiter, checks = LoginLimiter(clock), PasswordChecks(accounts)
    login = Login(accounts, checks=checks, limiter=limiter, codes=codes or OneTimeCodes(), note_refused=note_refused)
    people = People(accounts, checks, limiter)
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/login", login.form),
            Route("/login", login.submit, methods=["POST"]),
            Route("/welcome/{code}", login.welcome),
            Route("/logout", login.logout, methods=["POST"]),
            Route("/logout/everywhere", login.logout_everywhere, methods=["POST"]),
            Route("/api/me", people.me),
            Route("/api/password", people.password, methods=["POST"]),
            Route("/api/users", people.users),
            Route("/api/users", people.add_user, methods=["POST"]),
            Route("/api/users/{name}", people.change_user, methods=["PATCH"]),
            Route("/api/users/{name}", people.remove_user, methods=["DELETE"]),
            Route("/api/tokens", people.tokens),
            Route("/api/tokens", people.create_token, methods=["POST"]),
            Route("/api/tokens/{name}", people.revoke_token, methods=["DELETE"]),
            Route("/api/audit", people.audit),
            Route("/api/events", api.events),
            Route("/api/stream", Stream(store, feed).endpoint),
            Route("/api/counts", api.counts),
            Route("/api/nodes", api.nodes),
            Route("/api/cameras", api.cameras),
            Route("/api/bandwidth", api.bandwidth),
            Route("/api/gaps", api.gaps),
            Route("/thumbnails/{thumbnail_id}.jpg", api.thumbnail),
            Mount("/static", _Static(directory=STATIC)),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
            Middleware(Guard, accounts=accounts, clock=clock),
        ],
        exception_handlers={
            ParameterError: _parameter_error,
            StoreError: _store_error,
            HTTPException: _http_error,
        },
        lifespan=_lifespan,
    )
    app.state.feed = feed
    return app


class _Static(StaticFiles):
    """Files of the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_REVALIDATE)
        return response


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app.state.feed.run(), name="feed")
        yield
        app.state.feed.close()


def _page(_request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers=_REVALIDATE)


def _parameter_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ParameterError)  # noqa: S101 - registered for no other
    return error_response(HTTPStatus.BAD_REQUEST, f"{exc.parameter}: {exc}", exc.parameter)


def _store_error(_request: Request, exc: Exception) -> Response:
    response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(exc))
    response.headers["Retry-After"] = "1"
    return response


def _http_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for no other
    response = error_response(exc.status_code, exc.detail)
    response.headers.update(exc.headers or {})
    return response
