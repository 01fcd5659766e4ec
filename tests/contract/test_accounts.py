"""Who has access: the same on SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from winnow.cloud_sink.access import AccessError, Accounts, Caller, make_first_admin, open_accounts
from winnow.cloud_sink.access.passwords import Passwords
from winnow.cloud_sink.access.sessions import IDLE, LONGEST
from winnow.cloud_sink.testing import quick_passwords
from winnow.runtime.testing import ManualClock

ROOT = Caller(who="cli:root", origin="command line")
PASSWORD = "seven-quiet-otters"  # noqa: S105 - of a store that lives as long as a test


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the accounts."""
    return ManualClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Accounts]:
    """Return accounts with one admin and one viewer."""
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with closing(open_accounts(url, clock=clock, passwords=quick_passwords())) as opened:
        opened.add_user("root", "admin", PASSWORD, ROOT)
        opened.add_user("alice", "viewer", PASSWORD, ROOT)
        yield opened


def everything_stored(accounts: Accounts) -> str:
    """Return every cell of every table as text."""
    with accounts._engine.begin() as connection:
        tables = ("users", "sessions", "tokens", "audit_lines")
        return repr([connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables])  # noqa: S608


def test_only_hashes_are_stored(accounts: Accounts) -> None:
    """A database that is stolen holds nothing that logs anybody in."""
    token = accounts.tokens.create("grafana", "viewer", ROOT)
    session = accounts.sessions.start("alice", "192.0.2.1")
    principal = accounts.sessions.principal(session)
    assert principal is not None
    stored = everything_stored(accounts)
    assert "$argon2id$" in stored
    for secret in (PASSWORD, token, session, principal.csrf):
        assert secret is not None
        assert secret not in stored


def test_password_is_checked_and_strangers_have_none(accounts: Accounts) -> None:
    """A wrong one, another user's, an empty one, and a name that nobody has: no."""
    assert accounts.password_matches("alice", PASSWORD)
    assert not accounts.password_matches("alice", PASSWORD + "x")
    assert not accounts.password_matches("alice", "")
    assert not accounts.password_matches("mallory", PASSWORD)
    accounts.set_password("alice", "another-long-one", ROOT)
    assert not accounts.password_matches("alice", PASSWORD)
    assert accounts.password_matches("alice", "another-long-one")


def test_session_ends_when_it_rests_too_long(accounts: Accounts, clock: ManualClock) -> None:
    """Use keeps it alive, to the longest that a session may last."""
    session = accounts.sessions.start("alice", "192.0.2.1")
    clock.advance(IDLE.total_seconds() - 1)
    assert accounts.sessions.principal(session) is not None
    clock.advance(IDLE.total_seconds())
    assert accounts.sessions.principal(session) is None
    session = accounts.sessions.start("alice", "192.0.2.1")
    for _ in range(int(LONGEST / (IDLE / 2)) - 1):
        clock.advance(IDLE.total_seconds() / 2)
        assert accounts.sessions.principal(session) is not None
    clock.advance(IDLE.total_seconds() / 2)
    assert accounts.sessions.principal(session) is None


def test_session_ends_with_the_users_access(accounts: Accounts) -> None:
    """A new password, a user who is gone, a login in its place, a logout: at once. A new role counts at once too."""
    first = accounts.sessions.start("alice", "192.0.2.1")
    second = accounts.sessions.start("alice", "192.0.2.1", instead_of=first)
    assert first != second
    assert accounts.sessions.principal(first) is None
    accounts.set_role("alice", "admin", ROOT)
    principal = accounts.sessions.principal(second)
    assert principal is not None
    assert principal.role == "admin"
    accounts.set_password("alice", "another-long-one", ROOT)
    assert accounts.sessions.principal(second) is None
    third = accounts.sessions.start("alice", "192.0.2.1")
    accounts.remove_user("alice", ROOT)
    assert accounts.sessions.principal(third) is None
    fourth = accounts.sessions.start("root", "192.0.2.1")
    accounts.sessions.end(fourth, Caller(who="root", origin="192.0.2.1"))
    assert accounts.sessions.principal(fourth) is None


def test_everybody_waits_as_long_for_the_answer() -> None:
    """Even the very first try after a start costs the same for a name that nobody has."""
    calls: list[str] = []

    class Counted(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            calls.append("hash")
            return super().hash(password, salt=salt)

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - as it is inherited
            calls.append("verify")
            return super().verify(hash, password)

    hasher = Counted(time_cost=1, memory_cost=8, parallelism=1)
    stored = hasher.hash(PASSWORD)
    costs = []
    for known in (stored, None):
        passwords = Passwords(hasher)
        for _ in range(2):
            calls.clear()
            passwords.matches(known, "guessed")
            costs.append(tuple(calls))
    assert costs == [("hash", "verify"), ("verify",)] * 2


def test_user_is_logged_out_everywhere(accounts: Accounts) -> None:
    """All sessions of one person are over, and no one else's; a stranger has none."""
    sessions = [accounts.sessions.start(name, "192.0.2.1") for name in ("alice", "alice", "root")]
    accounts.log_out_everywhere("alice", ROOT)
    assert [accounts.sessions.principal(session) is not None for session in sessions] == [False, False, True]
    assert accounts.password_matches("alice", PASSWORD)
    with pytest.raises(AccessError, match="no such user"):
        accounts.log_out_everywhere("mallory", ROOT)


def test_token_ends_when_it_is_revoked_or_old(accounts: Accounts, clock: ManualClock) -> None:
    """It opens with its role until then; a secret that was never made opens nothing."""
    token = accounts.tokens.create("grafana", "viewer", ROOT)
    short = accounts.tokens.create("probe", "admin", ROOT, lasts=timedelta(days=1))
    principal = accounts.tokens.principal(token)
    assert principal is not None
    assert (principal.name, principal.role, principal.csrf) == ("token:grafana", "viewer", None)
    assert accounts.tokens.principal(token + "x") is None
    assert accounts.tokens.principal(short) is not None
    clock.advance(24 * 3600)
    assert accounts.tokens.principal(short) is None
    accounts.tokens.revoke("grafana", ROOT)
    assert accounts.tokens.principal(token) is None
    assert [one.name for one in accounts.tokens.all()] == ["probe"]


def test_last_admin_stays(accounts: Accounts) -> None:
    """Nobody locks everybody out."""
    with pytest.raises(AccessError, match="root is the last admin"):
        accounts.remove_user("root", ROOT)
    with pytest.raises(AccessError, match="root is the last admin"):
        accounts.set_role("root", "viewer", ROOT)
    accounts.set_role("alice", "admin", ROOT)
    accounts.remove_user("root", ROOT)
    assert [user.name for user in accounts.users()] == ["alice"]


@pytest.mark.parametrize("name", ["", "a b", "<script>", "x" * 65, "-x", "a\n", "ä"])
def test_names_that_a_log_would_escape_are_refused(accounts: Accounts, name: str) -> None:
    """For users and tokens."""
    with pytest.raises(AccessError, match="a name has 1 to 64 letters"):
        accounts.add_user(name, "viewer", PASSWORD, ROOT)
    with pytest.raises(AccessError, match="a name has 1 to 64 letters"):
        accounts.tokens.create(name, "viewer", ROOT)


def test_names_are_taken_once_and_passwords_are_long(accounts: Accounts) -> None:
    """The message says what is wrong."""
    with pytest.raises(AccessError, match="there is a user alice already"):
        accounts.add_user("alice", "viewer", PASSWORD, ROOT)
    with pytest.raises(AccessError, match="10 to 200 characters"):
        accounts.set_password("alice", "short", ROOT)
    accounts.tokens.create("grafana", "viewer", ROOT)
    with pytest.raises(AccessError, match="there is a token grafana already"):
        accounts.tokens.create("grafana", "viewer", ROOT)


def test_every_login_and_change_is_a_line(accounts: Accounts, clock: ManualClock) -> None:
    """Who, what, about whom, from where, when; a name that nobody has is not repeated: it may be a password."""
    session = accounts.sessions.start("alice", "192.0.2.1")
    accounts.note_refused("alice", "192.0.2.2", "login refused")
    accounts.note_refused("my-secret-passphrase", "192.0.2.3", "login refused")
    accounts.sessions.end(session, Caller(who="alice", origin="192.0.2.1"))
    accounts.tokens.create("grafana", "viewer", ROOT)
    accounts.tokens.revoke("grafana", ROOT)
    accounts.set_role("alice", "admin", ROOT)
    accounts.set_password("alice", PASSWORD, ROOT)
    accounts.remove_user("alice", ROOT)
    told = [(line.who, line.what, line.about, line.origin) for line in reversed(accounts.audit_lines())]
    assert told == [
        ("cli:root", "user added", "root (admin)", "command line"),
        ("cli:root", "user added", "alice (viewer)", "command line"),
        ("alice", "login", "", "192.0.2.1"),
        ("alice", "login refused", "", "192.0.2.2"),
        ("-", "login refused", "", "192.0.2.3"),
        ("alice", "logout", "", "192.0.2.1"),
        ("cli:root", "token created", "grafana (viewer)", "command line"),
        ("cli:root", "token revoked", "grafana", "command line"),
        ("cli:root", "role changed", "alice (admin)", "command line"),
        ("cli:root", "password changed", "alice", "command line"),
        ("cli:root", "user removed", "alice", "command line"),
    ]
    assert {line.at for line in accounts.audit_lines()} == {clock.now()}


def test_change_that_fails_leaves_no_line(accounts: Accounts) -> None:
    """The line is part of the change."""
    before = accounts.audit_lines()
    with pytest.raises(AccessError):
        accounts.tokens.revoke("nobody", ROOT)
    with pytest.raises(AccessError):
        accounts.set_role("nobody", "admin", ROOT)
    assert accounts.audit_lines() == before


def test_first_password_is_shown_once_and_to_people_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without anybody who would see it nobody is made; a second start shows nothing."""
    shown: list[tuple[str, str]] = []
    with closing(open_accounts(f"sqlite:///{tmp_path}/first.db")) as accounts:
        make_first_admin(accounts, None)
        assert accounts.users() == []
        assert "Nobody can log in" in caplog.text
        make_first_admin(accounts, lambda name, password: shown.append((name, password)))
        make_first_admin(accounts, lambda name, password: shown.append((name, password)))
        ((name, password),) = shown
        assert accounts.password_matches(name, password)
        assert [user.role for user in accounts.users()] == ["admin"]
        assert "$argon2id$v=19$m=65536,t=3,p=4$" in everything_stored(accounts), "RFC 9106's second choice"
    assert password not in caplog.text
