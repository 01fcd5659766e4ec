"""`winnow users` and `winnow tokens` as a person types them."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winnow.cli.root import app
from winnow.cloud_sink.access import Accounts, open_accounts

Type = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return where the store will be."""
    return f"sqlite:///{tmp_path}/winnow.db"


@pytest.fixture
def type_in(store: str) -> Type:
    """Return a function that types a command about the store."""

    def run(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [*words, "--store", store], input=stdin)

    return run


def accounts_of(store: str) -> "closing[Accounts]":
    """Return who has access now."""
    return closing(open_accounts(store))


def test_user_is_let_in_with_a_password_that_is_shown_once(type_in: Type, store: str) -> None:
    """The password alone is on standard output; it is kept nowhere."""
    added = type_in("users", "add", "alice")
    assert added.exit_code == 0
    password = added.stdout.strip()
    assert len(password) == 23
    with accounts_of(store) as accounts:
        assert accounts.password_matches("alice", password)
        (user,) = accounts.users()
        assert (user.name, user.role) == ("alice", "viewer")
        (line,) = accounts.audit_lines()
        assert (line.what, line.about, line.origin) == ("user added", "alice (viewer)", "command line")
        assert line.who.startswith("cli:")
    listed = type_in("users", "list").stdout
    assert "alice" in listed
    assert password not in listed


def test_password_may_be_piped_in(type_in: Type, store: str) -> None:
    """It is never an argument, where other users of the machine would see it."""
    result = type_in("users", "add", "root", "--role", "admin", "--ask", stdin="seven-quiet-otters\n")
    assert result.exit_code == 0
    assert "otters" not in result.output
    with accounts_of(store) as accounts:
        assert accounts.password_matches("root", "seven-quiet-otters")


def test_roles_passwords_and_users_are_changed(type_in: Type, store: str) -> None:
    """Each is a line of the audit; the last admin stays."""
    type_in("users", "add", "root", "--role", "admin")
    type_in("users", "add", "alice")
    assert type_in("users", "role", "alice", "admin").exit_code == 0
    assert len(type_in("users", "password", "alice").stdout.strip()) == 23
    assert type_in("users", "remove", "root").exit_code == 0
    refused = type_in("users", "remove", "alice")
    assert refused.exit_code == 2
    assert "alice is the last admin" in refused.stderr
    told = type_in("users", "audit").stdout.splitlines()
    wanted = [
        "user added root",
        "user added alice",
        "role changed alice",
        "password changed alice",
        "user removed root",
    ]
    assert len(told) == len(wanted)
    assert all(what in line for what, line in zip(wanted, told, strict=True))
    assert all(line.endswith("from command line") for line in told)
    with accounts_of(store) as accounts:
        assert [user.role for user in accounts.users()] == ["admin"]


def test_token_is_made_listed_and_revoked(type_in: Type, store: str) -> None:
    """The secret alone is on standard output, this once."""
    made = type_in("tokens", "create", "grafana", "--days", "30")
    token = made.stdout.strip()
    assert token.startswith("winnow_")
    with accounts_of(store) as accounts:
        assert accounts.tokens.principal(token) is not None
    listed = type_in("tokens", "list").stdout
    assert "grafana" in listed
    assert "until" in listed
    assert token not in listed
    assert type_in("tokens", "revoke", "grafana").exit_code == 0
    with accounts_of(store) as accounts:
        assert accounts.tokens.principal(token) is None
    assert type_in("tokens", "revoke", "grafana").exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "add", "a b"), "a name has 1 to 64"),
        (("users", "add", "alice", "--role", "owner"), "a role is one of viewer, admin"),
        (("users", "remove", "nobody"), "there is no such user"),
    ],
)
def test_what_cannot_be_is_one_sentence(type_in: Type, words: tuple[str, ...], said: str) -> None:
    """Exit code 2."""
    result = type_in(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By settings, by address, or by the environment."""
    monkeypatch.delenv("WINNOW_STORE", raising=False)
    result = CliRunner().invoke(app, ["users", "list"])
    assert result.exit_code == 2
    assert "name the store with -c or --store" in result.stderr


def test_user_is_logged_out_everywhere(type_in: Type, store: str) -> None:
    """Their sessions are over, their password stays good; a name that nobody has ends the command with a sentence."""
    type_in("users", "add", "alice")
    with accounts_of(store) as accounts:
        session = accounts.sessions.start("alice", "192.0.2.1")
        assert type_in("users", "logout", "alice").exit_code == 0
        assert accounts.sessions.principal(session) is None
        assert accounts.audit_lines()[0].what == "logged out everywhere"
    refused = type_in("users", "logout", "mallory")
    assert refused.exit_code == 2
    assert "there is no such user" in refused.output
