"""Who may look, who may change, and who did what.

Errors:
    AccessError     a name is taken or unknown, or a rule forbids it: the message says what to do
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

Role = Literal["viewer", "admin"]
"""Viewers look at everything; admins also give and take access."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class AccessError(Exception):
    """What was asked for cannot be; the message says why, and shows no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who wants something, for the audit.

    Attributes:
        who: a user's name, `token:NAME` for a program, `cli:NAME` for somebody on the machine.
        origin: the address it came from, or `command line`.
    """

    who: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who can log in."""

    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's access.

    Attributes:
        name: what people call it.
        role: what it may do.
        created_by: who made it.
        created_at: when.
        expires_at: when it ends by itself; None: never.
        used_at: about when it was used last, to the minute; None: never.
    """

    name: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, once that is proven.

    Attributes:
        name: of the user, or `token:NAME`.
        role: what it may do.
        csrf: what a page of the same session must send with every change; None for a program, which has no session.
    """

    name: str
    role: Role
    csrf: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Who did what, when and from where.

    Attributes:
        at: when.
        who: see `Caller.who`; `-` for somebody whom nobody knows.
        what: such as `login`, `login refused`, `user added`.
        about: the user or token that it was done to, if another.
        origin: see `Caller.origin`.
    """

    at: datetime
    who: str
    what: str
    about: str
    origin: str


def checked_name(name: str) -> str:
    """Return the name if users and tokens may have it.

    Raises:
        AccessError: it is too long, or has characters that a log or a page would have to escape.
    """
    if not _NAME.fullmatch(name):
        raise AccessError("a name has 1 to 64 letters, digits and . _ @ -, and begins with a letter or digit")
    return name


def checked_role(role: str) -> Role:
    """Return the role if there is one of that name.

    Raises:
        AccessError: there is none.
    """
    for known in ROLES:
        if role == known:
            return known
    raise AccessError(f"a role is one of {', '.join(ROLES)}")
