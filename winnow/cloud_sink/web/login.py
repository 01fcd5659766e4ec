"""Coming and going: the login form, links that are good once, logout."""

import hmac
import logging
import secrets
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from string import Template
from threading import Lock
from typing import Final, Literal

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from winnow.cloud_sink.access import Accounts, Caller, LoginLimiter
from winnow.cloud_sink.access.sessions import LONGEST
from winnow.cloud_sink.web.api import json_response
from winnow.cloud_sink.web.bodies import read_form
from winnow.cloud_sink.web.cookies import FORM, SESSION, delete_cookie, read_cookie, set_cookie
from winnow.cloud_sink.web.password_checks import PasswordChecks

_PAGE: Final = Path(__file__).parent / "pages" / "login.html"
_FORM_AGE_S: Final = 3600
_MAX_NAME: Final = 64
_WRONG: Final = "Name or password is wrong."
_TOO_OFTEN: Final = "Too many tries. Wait {minutes} min, then try again."
_STALE: Final = "The page was open for too long, or cookies are off. Try again."

_log: Final = logging.getLogger(__name__)


Reason = Literal["password", "too_many", "form", "link"]
"""Name or password is wrong; too many tries; a form that is old or another site's; a link that was used."""

NoteRefused = Callable[[Reason], None]


def unnoted(_reason: Reason) -> None:
    """Nobody counts."""


class OneTimeCodes:
    """Codes that let somebody in once: for `winnow demo`, which shows them on the terminal that started it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._names: dict[str, str] = {}

    def make(self, name: str) -> str:
        """Return a code that lets the user in."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._names[code] = name
        return code

    def take(self, code: str) -> str | None:
        """Return whom the code lets in, None if it was used or never made."""
        with self._lock:
            return self._names.pop(code, None)


class Login:
    """The endpoints.

    Args:
        accounts: keeps the sessions.
        checks: knows the passwords.
        limiter: slows guessing down.
        codes: let in once.
        note_refused: told why, each time that somebody is not let in.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        checks: PasswordChecks,
        limiter: LoginLimiter,
        codes: OneTimeCodes,
        note_refused: NoteRefused = unnoted,
    ) -> None:
        self._accounts = accounts
        self._checks = checks
        self._limiter = limiter
        self._codes = codes
        self._note_refused = note_refused
        self._template = Template(_PAGE.read_text(encoding="utf-8"))

    async def form(self, request: Request) -> Response:
        """Return the form."""
        return self._form(request, _wanted(request.query_params.get("next", "")))

    async def submit(self, request: Request) -> Response:
        """Let somebody in who knows a password, with a session that nobody knew before."""
        fields = await read_form(request)
        name, password = fields.get("name", "").strip()[:_MAX_NAME] or "-", fields.get("password", "")
        wanted = _wanted(fields.get("next", ""))
        sent, kept = fields.get("csrf", ""), read_cookie(request, FORM) or ""
        if not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
            self._note_refused("form")
            return self._form(request, wanted, problem=_STALE, status=HTTPStatus.FORBIDDEN)
        network = network_of(origin_of(request))
        wait_s = self._limiter.begin(network, name)
        if wait_s:
            self._note_refused("too_many")
            _log.warning("Login refused: too many tries", extra={"origin": origin_of(request), "wait_s": round(wait_s)})
            problem = _TOO_OFTEN.format(minutes=int(wait_s // 60) + 1)
            response = self._form(request, wanted, problem=problem, status=HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["Retry-After"] = str(int(wait_s) + 1)
            return response
        if not await self._checks.match(name, password):
            self._note_refused("password")
            await run_in_threadpool(self._accounts.note_refused, name, origin_of(request), "login refused")
            return self._form(request, wanted, problem=_WRONG, status=HTTPStatus.UNAUTHORIZED)
        self._limiter.succeeded(network, name)
        return await self._enter(request, name, wanted)

    async def welcome(self, request: Request) -> Response:
        """Let somebody in who has a code that was not used yet."""
        name = self._codes.take(request.path_params["code"])
        if name is None:
            self._note_refused("link")
            problem = "This link was used already: it is good once."
            return self._form(request, "/", problem=problem, status=HTTPStatus.UNAUTHORIZED)
        return await self._enter(request, name, "/")

    async def logout(self, request: Request) -> Response:
        """End the session; the browser forgets it, and the pictures that it kept."""
        secret = read_cookie(request, SESSION)
        if secret is not None:
            caller = caller_of(request)
            await run_in_threadpool(self._accounts.sessions.end, secret, caller)
        return self._left(request)

    async def logout_everywhere(self, request: Request) -> Response:
        """End all sessions of who asks, this one too."""
        caller = caller_of(request)
        if request.state.principal.csrf is None:
            raise HTTPException(HTTPStatus.FORBIDDEN, "a program has no sessions; revoke its token")
        await run_in_threadpool(self._accounts.log_out_everywhere, caller.who, caller)
        return self._left(request)

    def _left(self, request: Request) -> Response:
        response = json_response({"ok": True})
        response.headers["Clear-Site-Data"] = '"cache"'
        delete_cookie(request, response, SESSION)
        return response

    async def _enter(self, request: Request, name: str, wanted: str) -> Response:
        start, before = self._accounts.sessions.start, read_cookie(request, SESSION)
        secret = await run_in_threadpool(start, name, origin_of(request), instead_of=before)
        response = RedirectResponse(wanted, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        set_cookie(request, response, SESSION, secret, int(LONGEST.total_seconds()))
        delete_cookie(request, response, FORM)
        return response

    def _form(self, request: Request, wanted: str, *, problem: str = "", status: int = HTTPStatus.OK) -> Response:
        csrf = read_cookie(request, FORM) or secrets.token_urlsafe(32)
        shown = {"csrf": csrf, "next": wanted, "problem": problem, "hidden": "" if problem else "hidden"}
        html = self._template.substitute({key: escape(value) for key, value in shown.items()})
        response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
        set_cookie(request, response, FORM, csrf, _FORM_AGE_S)
        return response


def origin_of(request: Request) -> str:
    """Return the address that the request came from; a proxy on this machine may name another."""
    return request.client.host if request.client else "unknown"


def caller_of(request: Request) -> Caller:
    """Return who asks, for the audit; the guard let nobody through whom it does not know."""
    return Caller(who=request.state.principal.name, origin=origin_of(request))


def _wanted(text: str) -> str:
    """Return where to go after the login: our page, with filters or without, and nowhere else."""
    return text if text.startswith("/?") and text.isprintable() else "/"


def network_of(origin: str) -> str:
    """Return what counts as one guesser: an IPv4 address, or the 64 bits of an IPv6 one that a customer gets."""
    try:
        address = ip_address(origin)
    except ValueError:
        return origin
    return str(ip_network(f"{origin}/64", strict=False)) if isinstance(address, IPv6Address) else origin
