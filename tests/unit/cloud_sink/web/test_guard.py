"""Nobody in: every route, every guard.

Long, because a route that is missing from this one list would be the open door.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from tests.unit.cloud_sink.web.browser import PASSWORD, Browser
from tests.unit.cloud_sink.web.visitor import TESTER
from winnow.cloud_sink.access import Accounts
from winnow.cloud_sink.access.limiter import TRIES_OF_PAIR, WINDOW_S
from winnow.cloud_sink.metrics import LOGIN_REFUSALS, SinkMetrics
from winnow.cloud_sink.testing import MemoryStore, crossing_event
from winnow.cloud_sink.web import create_app
from winnow.cloud_sink.web.guard import STREAM_CHECK_S
from winnow.cloud_sink.web.login import Reason
from winnow.events.kafka import to_kafka
from winnow.runtime.testing import ManualClock

PUBLIC = {("GET", "/login"), ("HEAD", "/login"), ("POST", "/login"), ("GET", "/static/app.js")} | {
    (method, "/welcome/code") for method in ("GET", "HEAD")
}
"""Everything that anybody may ask for. Whatever is added here is open to the world: say why in the guard."""
CHANGES = [
    ("POST", "/api/users", {"name": "bob", "role": "viewer", "password": PASSWORD}),
    ("PATCH", "/api/users/alice", {"role": "admin"}),
    ("DELETE", "/api/users/alice", None),
    ("POST", "/api/tokens", {"name": "t"}),
    ("DELETE", "/api/tokens/old", None),
]


@pytest.fixture
def clock() -> ManualClock:
    """Return the application's clock."""
    return ManualClock()


@pytest.fixture
def people(accounts: Accounts) -> Accounts:
    """Return accounts with an admin, a viewer and a token."""
    accounts.add_user("root", "admin", PASSWORD, TESTER)
    accounts.add_user("alice", "viewer", PASSWORD, TESTER)
    accounts.tokens.create("old", "viewer", TESTER)
    return accounts


@pytest.fixture
def app(people: Accounts, clock: ManualClock) -> Starlette:
    """Return the application."""
    return create_app(MemoryStore(clock), accounts=people, clock=clock)


@pytest.fixture
def browser(app: Starlette) -> Browser:
    """Return a browser that nobody has logged in with."""
    return Browser(app)


def every_route(app: Starlette) -> Iterator[tuple[str, str]]:
    """Give method and path of all that the application answers."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/app.js"
        elif isinstance(route, Route):
            path = route.path.format(thumbnail_id="0" * 64, name="alice", code="code")
            for method in sorted(route.methods or ()):
                yield method, path


def test_every_route_but_the_public_ones_asks_who_is_there(app: Starlette, browser: Browser) -> None:
    """401 for programs, the login for somebody who opens the page; a route that is added later is closed too."""
    asked = list(every_route(app))
    assert len(asked) > 25
    assert set(asked) >= PUBLIC
    for method, path in asked:
        answer = browser.ask(method, path)
        if (method, path) in PUBLIC:
            continue
        if path == "/":
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/api/nothing", "//api/events", "/login/", "/static", "/staticfoo", "/API/events", "/login/../api/events"]
)
def test_what_is_no_route_is_closed_too(browser: Browser, path: str) -> None:
    """Nobody learns what there is, and no spelling gets past."""
    assert browser.ask("GET", path).status_code in {401, 303}
    assert browser.ask("POST", path).status_code == 401


@pytest.mark.parametrize("path", ["/static/../api/events", "/static/%2e%2e/api/events", "/static/..%2fapi/events"])
def test_public_folder_leads_nowhere_else(browser: Browser, path: str) -> None:
    """The folder of the page's files holds those alone."""
    assert browser.ask("GET", path).status_code in {401, 404}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic YWxpY2U6eA==", "bearer winnow_" + "a" * 43]
)
def test_wrong_token_is_nobody(browser: Browser, header: str) -> None:
    """Even beside a good session: a program that sends a token means it."""
    assert browser.ask("GET", "/api/events", headers={"Authorization": header}).status_code == 401
    browser.log_in("alice")
    expected = 401 if header else 200
    assert browser.ask("GET", "/api/events", headers={"Authorization": header}).status_code == expected


def test_login_leads_to_the_page_with_its_filters(browser: Browser) -> None:
    """Who opens a link with filters gets there by way of the login."""
    answer = browser.ask("GET", "/?camera=door&label=person")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/%3Fcamera%3Ddoor%26label%3Dperson")
    answer = browser.log_in("alice", next="/?camera=door&label=person")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?camera=door&label=person")
    assert browser.ask("GET", "/").status_code == 200
    assert browser.ask("GET", "/api/me").json()["role"] == "viewer"


@pytest.mark.parametrize(
    "wanted", ["//evil.example/", "https://evil.example", "/\\evil.example", "/api/me", "/?\r\nX: y"]
)
def test_login_leads_nowhere_else(browser: Browser, wanted: str) -> None:
    """A link to the login that somebody made up does not send people to another site."""
    assert browser.log_in("alice", next=wanted).headers["location"] == "/"


def test_markup_in_the_form_stays_text(browser: Browser) -> None:
    """What the address says is escaped."""
    form = browser.ask("GET", "/login", params={"next": '/?"><script>alert(1)</script>'})
    assert "<script" not in form.text


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app: Starlette) -> None:
    """HttpOnly, SameSite, for the whole page; over https Secure and bound to the host."""
    for scheme, prefix, secure in (("http", "", False), ("https", "__Host-", True)):
        browser = Browser(app, scheme=scheme)
        form = browser.ask("GET", "/login").headers["set-cookie"]
        entered = browser.log_in("alice").headers["set-cookie"]
        for cookie, name in ((form, "winnow_form"), (entered, "winnow_session")):
            assert cookie.startswith(f"{prefix}{name}=")
            parts = {part.strip().lower() for part in cookie.split(",")[0].split(";")[1:]}
            assert {"httponly", "samesite=lax", "path=/"} <= parts
            assert ("secure" in parts) == secure
            assert not any(part.startswith("domain") for part in parts)
        assert browser.ask("GET", "/api/me").status_code == 200


def test_login_begins_a_session_that_nobody_knew(people: Accounts, browser: Browser) -> None:
    """A session that somebody planted in the browser, or that was there before, is not the one that is logged in."""
    planted = "A" * 43
    browser.cookies.set("winnow_session", planted, domain="127.0.0.1")
    browser.log_in("alice")
    first = browser.cookies.get("winnow_session")
    assert first not in {None, planted}
    assert people.sessions.principal(planted) is None
    browser.log_in("alice")
    second = browser.cookies.get("winnow_session")
    assert second not in {None, first}
    assert people.sessions.principal(str(first)) is None, "the one before is over"


def test_logout_ends_the_session_on_the_server(browser: Browser) -> None:
    """A copy of the cookie is worth nothing afterwards."""
    browser.log_in("alice")
    copy = httpx.Cookies(browser.cookies)
    answer = browser.change("POST", "/logout")
    assert answer.status_code == 200
    assert answer.headers["clear-site-data"] == '"cache"'
    assert browser.cookies.get("winnow_session") is None
    browser.cookies = copy
    assert browser.ask("GET", "/api/events").status_code == 401


@pytest.mark.parametrize("sent", [None, "", "x", "0" * 64])
def test_change_without_the_pages_own_token_is_refused(browser: Browser, people: Accounts, sent: str | None) -> None:
    """403, and nothing has changed: another site can send the cookie, not the header."""
    browser.log_in("root")
    headers = {} if sent is None else {"X-CSRF-Token": sent}
    before = people.audit_lines()
    for method, path, body in [*CHANGES, ("POST", "/logout", None), ("POST", "/api/password", {"old": "", "new": ""})]:
        answer = browser.ask(method, path, json=body, headers=headers)
        assert answer.status_code == 403, (method, path)
        assert "X-CSRF-Token" in answer.json()["error"]["message"]
    assert people.audit_lines() == before
    assert browser.ask("GET", "/api/me").status_code == 200, "still logged in"


def test_another_sessions_token_is_no_good(app: Starlette, browser: Browser) -> None:
    """It belongs to one session."""
    browser.log_in("root")
    other = Browser(app)
    other.log_in("root")
    csrf = other.ask("GET", "/api/me").json()["csrf"]
    assert browser.ask("POST", "/logout", headers={"X-CSRF-Token": csrf}).status_code == 403


def test_login_form_of_another_site_is_refused(browser: Browser) -> None:
    """Nobody is logged in as somebody else without knowing: the form must be ours."""
    browser.ask("GET", "/login")
    for fields in ({}, {"csrf": ""}, {"csrf": "x"}):
        answer = browser.ask("POST", "/login", data={"name": "alice", "password": PASSWORD} | fields)
        assert answer.status_code == 403
        assert browser.cookies.get("winnow_session") is None
    browser.cookies.clear()
    answer = browser.ask("POST", "/login", data={"name": "alice", "password": PASSWORD, "csrf": ""})
    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_viewer_may_change_nothing(browser: Browser, people: Accounts, method: str, path: str, body: Any) -> None:
    """403 with a session as with a token; an admin may."""
    browser.log_in("alice")
    before = people.audit_lines()
    assert browser.change(method, path, json=body).status_code == 403
    token = people.tokens.create("viewer", "viewer", TESTER)
    program = {"Authorization": f"Bearer {token}"}
    assert browser.ask(method, path, json=body, headers=program).status_code == 403
    assert len(people.audit_lines()) == len(before) + 1, "the token's own line alone"
    browser.log_in("root")
    assert browser.change(method, path, json=body).status_code in {200, 201}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/api/events", "/api/nodes", "/api/something-new"])
def test_change_that_nobody_thought_of_is_for_admins(browser: Browser, method: str, path: str) -> None:
    """A viewer is refused wherever they ask for it (403); only an admin learns that there is nothing to change."""
    browser.log_in("alice")
    assert browser.change(method, path).status_code == 403
    browser.log_in("root")
    assert browser.change(method, path).status_code in {404, 405}


@pytest.mark.parametrize("path", ["/api/users", "/api/tokens", "/api/audit"])
def test_viewer_does_not_see_who_has_access(browser: Browser, path: str) -> None:
    """Admins do."""
    browser.log_in("alice")
    assert browser.ask("GET", path).status_code == 403
    browser.log_in("root")
    assert browser.ask("GET", path).status_code == 200


def test_guessing_is_slowed_down(browser: Browser, app: Starlette, people: Accounts, clock: ManualClock) -> None:
    """After five misses even the right password waits; another address does not; the tries beyond leave no rows."""
    for _ in range(TRIES_OF_PAIR):
        assert browser.log_in("alice", "wrong").status_code == 401
    lines = len(people.audit_lines())
    for password in ("wrong", PASSWORD):
        answer = browser.log_in("alice", password)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 800
    assert len(people.audit_lines()) == lines
    assert Browser(app, address="192.0.2.8").log_in("alice").status_code == 303
    clock.advance(WINDOW_S)
    assert browser.log_in("alice").status_code == 303


def test_every_refused_login_is_counted_by_its_reason(people: Accounts, clock: ManualClock) -> None:
    """Once, where it is refused; a good login is none."""
    metrics = SinkMetrics()
    app = create_app(MemoryStore(clock), accounts=people, clock=clock, note_refused=metrics.note_refused_login)
    browser = Browser(app)
    assert browser.log_in("alice").status_code == 303
    for _ in range(TRIES_OF_PAIR + 2):
        browser.log_in("alice", "wrong")
    browser.ask("POST", "/login", data={"name": "alice", "password": PASSWORD, "csrf": "x"})
    browser.ask("GET", "/welcome/used")
    counted = {
        reason: metrics.registry.get_sample_value("winnow_sink_refused_logins_total", {"reason": reason})
        for reason in LOGIN_REFUSALS
    }
    assert counted == {"password": TRIES_OF_PAIR, "too_many": 2, "form": 1, "link": 1}
    assert get_args(Reason) == LOGIN_REFUSALS, "the labels are a closed set"


def test_neighbours_in_one_network_are_one_guesser(app: Starlette) -> None:
    """A customer has 2**64 addresses of IPv6: they count as one."""
    for number in range(TRIES_OF_PAIR):
        assert Browser(app, address=f"2001:db8::{number + 1}").log_in("alice", "wrong").status_code == 401
    assert Browser(app, address="2001:db8::ffff").log_in("alice", "wrong").status_code == 429
    assert Browser(app, address="2001:db8:0:1::1").log_in("alice", "wrong").status_code == 401


def test_own_password_is_changed_by_who_knows_the_old_one(browser: Browser, app: Starlette) -> None:
    """Every session of the user is over then; guessing the old one is slowed down too."""
    elsewhere = Browser(app)
    elsewhere.log_in("alice")
    browser.log_in("alice")
    new = "another-long-one"
    assert browser.change("POST", "/api/password", json={"old": "wrong", "new": new}).status_code == 403
    assert browser.change("POST", "/api/password", json={"old": PASSWORD, "new": "short"}).status_code == 409
    assert browser.change("POST", "/api/password", json={"old": PASSWORD, "new": new}).status_code == 200
    assert elsewhere.ask("GET", "/api/me").status_code == 401
    assert browser.log_in("alice", new).status_code == 303
    for _ in range(TRIES_OF_PAIR):
        browser.change("POST", "/api/password", json={"old": "wrong", "new": new})
    assert browser.change("POST", "/api/password", json={"old": new, "new": new}).status_code == 429


def test_revoked_token_opens_nothing(browser: Browser, people: Accounts) -> None:
    """From the next question on."""
    browser.log_in("root")
    token = browser.change("POST", "/api/tokens", json={"name": "probe", "days": 1}).json()["token"]
    program = {"Authorization": f"Bearer {token}"}
    browser.cookies.clear()
    assert browser.ask("GET", "/api/events", headers=program).status_code == 200
    people.tokens.revoke("probe", TESTER)
    assert browser.ask("GET", "/api/events", headers=program).status_code == 401


def test_stream_ends_when_its_reader_loses_access(people: Accounts, clock: ManualClock) -> None:
    """What was open stays open for seconds, not for days."""
    token = people.tokens.create("listener", "viewer", TESTER)
    store = MemoryStore(clock)
    app = create_app(store, accounts=people, clock=clock)
    sent: list[bytes] = []

    async def listen() -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": "/api/stream",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
        }

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))
            if b"event: snapshot" in sent[-1]:
                people.tokens.revoke("listener", TESTER)
                clock.advance(STREAM_CHECK_S)
                store.write([to_kafka(crossing_event(1))])

        async with asyncio.TaskGroup() as tasks:
            feed = tasks.create_task(app.state.feed.run())
            await asyncio.wait_for(app(scope, receive, send), 10)
            app.state.feed.close()
            feed.cancel()

    asyncio.run(listen())
    assert any(b"event: snapshot" in body for body in sent)
    assert not any(b"line.crossed" in body for body in sent), "news after the access was lost"


@pytest.mark.parametrize("path", ["/login", "/", "/api/events", "/static/app.js", "/welcome/x"])
def test_every_answer_without_a_session_carries_the_security_headers(browser: Browser, path: str) -> None:
    """Refusals too."""
    headers = browser.ask("GET", path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "form-action 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


def test_large_bodies_are_not_read(browser: Browser) -> None:
    """413 before it is in memory."""
    assert browser.ask("POST", "/login", data={"name": "x" * 5000}).status_code == 413


def test_logins_and_changes_are_in_the_log_without_secrets(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """Who, what, from where; never a password, a session or a token."""
    caplog.set_level(logging.DEBUG)
    browser.log_in("alice", "wrong-password-1")
    browser.log_in("root")
    token = browser.change("POST", "/api/tokens", json={"name": "probe"}).json()["token"]
    audit = [
        (one.__dict__["who"], one.__dict__["what"], one.__dict__["origin"])
        for one in caplog.records
        if one.msg == "Audit"
    ]
    assert audit == [
        ("alice", "login refused", "192.0.2.7"),
        ("root", "login", "192.0.2.7"),
        ("root", "token created", "192.0.2.7"),
    ]
    told = "\n".join(repr(one.__dict__) for one in caplog.records)
    for secret in ("wrong-password-1", PASSWORD, token, browser.cookies.get("winnow_session")):
        assert secret is not None
        assert secret not in told


def test_web_sockets_are_closed(app: Starlette) -> None:
    """There is none; one that somebody adds is not open to everybody."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()

    app.router.routes.insert(0, WebSocketRoute("/static/live", endpoint))
    scope = {"type": "websocket", "path": "/static/live", "headers": [(b"host", b"127.0.0.1")], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_everybody_logs_themselves_out_everywhere(browser: Browser, app: Starlette, people: Accounts) -> None:
    """Every session of the same person is over, nobody else's; the password and the tokens stay good."""
    other, stranger = Browser(app), Browser(app)
    for one, name in ((browser, "alice"), (other, "alice"), (stranger, "root")):
        one.log_in(name)
    assert other.ask("POST", "/logout/everywhere").status_code == 403
    assert other.change("POST", "/logout/everywhere").headers["clear-site-data"] == '"cache"'
    assert [one.ask("GET", "/api/me").status_code for one in (browser, other, stranger)] == [401, 401, 200]
    assert (people.audit_lines()[0].who, people.audit_lines()[0].what) == ("alice", "logged out everywhere")
    assert browser.log_in("alice").status_code == 303
    token = {"Authorization": f"Bearer {people.tokens.create('probe', 'admin', TESTER)}"}
    assert browser.ask("POST", "/logout/everywhere", headers=token).status_code == 403


def test_own_password_is_guessed_no_faster_from_many_addresses_of_one_network(app: Starlette) -> None:
    """As with the login, all of a customer's addresses are one; the answer says when to come back."""
    thief = Browser(app, address="2001:db8::1")
    thief.log_in("alice")
    guesses = []
    for number in range(TRIES_OF_PAIR + 1):
        elsewhere = Browser(app, address=f"2001:db8::{number + 2:x}")
        elsewhere.cookies = thief.cookies
        guesses.append(elsewhere.change("POST", "/api/password", json={"old": "guessed", "new": PASSWORD}))
    assert [guess.status_code for guess in guesses] == [403] * TRIES_OF_PAIR + [429]
    assert 0 < int(guesses[-1].headers["retry-after"]) <= WINDOW_S + 1
