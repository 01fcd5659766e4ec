"""The API of access: who I am, my password; for admins users, tokens and what everybody did."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from winnow.cloud_sink.access import AccessError, Accounts, Caller, LoginLimiter, Role
from winnow.cloud_sink.web.api import json_response
from winnow.cloud_sink.web.bodies import read_json
from winnow.cloud_sink.web.login import caller_of, network_of
from winnow.cloud_sink.web.parameters import check_known, read_number
from winnow.cloud_sink.web.password_checks import PasswordChecks

DEFAULT_LINES = 100
MAX_LINES = 1000
Secret = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(max_length=64)]


class _NewUser(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    role: Role
    password: Secret


class _UserChange(msgspec.Struct, forbid_unknown_fields=True):
    role: Role | None = None
    password: Secret | None = None


class _NewToken(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    role: Role = "viewer"
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class _OwnPassword(msgspec.Struct, forbid_unknown_fields=True):
    old: Secret
    new: Secret


class People:
    """The endpoints. The guard has seen to it that only admins come to those of users, tokens and audit.

    Args:
        accounts: knows who has access.
        checks: knows the passwords.
        limiter: slows guessing one's own password down, too.
    """

    def __init__(self, accounts: Accounts, checks: PasswordChecks, limiter: LoginLimiter) -> None:
        self._accounts = accounts
        self._checks = checks
        self._limiter = limiter

    async def me(self, request: Request) -> Response:
        """Return who asks, and what their page must send with changes."""
        principal = request.state.principal
        return json_response({"name": principal.name, "role": principal.role, "csrf": principal.csrf})

    async def password(self, request: Request) -> Response:
        """Change one's own password, which must be known; one is logged out everywhere."""
        principal = request.state.principal
        if principal.csrf is None:
            raise HTTPException(HTTPStatus.FORBIDDEN, "a program has no password")
        wanted = await read_json(request, _OwnPassword)
        caller = caller_of(request)
        network = network_of(caller.origin)
        wait_s = self._limiter.begin(network, principal.name)
        if wait_s:
            later = {"Retry-After": str(int(wait_s) + 1)}
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, "too many tries", headers=later)
        if not await self._checks.match(principal.name, wanted.old):
            what = "password change refused"
            await run_in_threadpool(self._accounts.note_refused, principal.name, caller.origin, what)
            raise HTTPException(HTTPStatus.FORBIDDEN, "the old password is wrong")
        self._limiter.succeeded(network, principal.name)
        return await self._do(request, lambda by: self._accounts.set_password(principal.name, wanted.new, by))

    async def users(self, _request: Request) -> Response:
        """Return everybody who can log in."""
        return json_response({"users": await run_in_threadpool(self._accounts.users)})

    async def add_user(self, request: Request) -> Response:
        """Let somebody in."""
        new = await read_json(request, _NewUser)
        return await self._do(request, lambda by: self._accounts.add_user(new.name, new.role, new.password, by))

    async def change_user(self, request: Request) -> Response:
        """Give somebody another role or password."""
        name, change = request.path_params["name"], await read_json(request, _UserChange)

        def apply(by: Caller) -> None:
            if change.role is not None:
                self._accounts.set_role(name, change.role, by)
            if change.password is not None:
                self._accounts.set_password(name, change.password, by)

        return await self._do(request, apply)

    async def remove_user(self, request: Request) -> Response:
        """Let somebody in no more."""
        name = request.path_params["name"]
        return await self._do(request, lambda by: self._accounts.remove_user(name, by))

    async def tokens(self, _request: Request) -> Response:
        """Return every program's access; no secret is among it."""
        return json_response({"tokens": await run_in_threadpool(self._accounts.tokens.all)})

    async def create_token(self, request: Request) -> Response:
        """Return a new token: this once."""
        new = await read_json(request, _NewToken)
        lasts = None if new.days is None else timedelta(days=new.days)
        made: list[str] = []
        create = self._accounts.tokens.create
        await self._do(request, lambda by: made.append(create(new.name, new.role, by, lasts=lasts)))
        return json_response({"name": new.name, "token": made[0]}, HTTPStatus.CREATED)

    async def revoke_token(self, request: Request) -> Response:
        """Let a program in no more."""
        name = request.path_params["name"]
        return await self._do(request, lambda by: self._accounts.tokens.revoke(name, by))

    async def audit(self, request: Request) -> Response:
        """Return who did what, the newest first."""
        check_known(request.query_params, {"limit"})
        limit = read_number(request.query_params, "limit", default=DEFAULT_LINES, lowest=1, highest=MAX_LINES)
        return json_response({"lines": await run_in_threadpool(self._accounts.audit_lines, limit)})

    async def _do(self, request: Request, change: Callable[[Caller], None]) -> Response:
        try:
            await run_in_threadpool(change, caller_of(request))
        except AccessError as exc:
            raise HTTPException(HTTPStatus.CONFLICT, str(exc)) from exc
        return json_response({"ok": True})
