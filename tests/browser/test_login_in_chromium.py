"""The login in a real Chromium: what a person meets, and what planted sessions, scripts and other sites can do."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from playwright.sync_api import ConsoleMessage, Page, Route, expect

from winnow.cloud_sink.access import Accounts, Caller, open_accounts
from winnow.cloud_sink.testing import MemoryStore, crossing_event, quick_passwords
from winnow.cloud_sink.web import web_server
from winnow.cloud_sink.web.login import OneTimeCodes
from winnow.events.kafka import to_kafka
from winnow.runtime.clock import SystemClock

WAIT_MS: Final = 15_000
ADMIN: Final = "root"
VIEWER: Final = "alice"
PASSWORD: Final = "seven-quiet-otters"  # noqa: S105 - of a store that lives as long as a test
TESTER: Final = Caller(who="tester", origin="test")
ASK: Final = """async ([method, path, body]) => {
  const { csrf } = await (await fetch("/api/me")).json();
  const headers = { "X-CSRF-Token": csrf, "Content-Type": "application/json" };
  return (await fetch(path, { method, headers, body: body && JSON.stringify(body) })).status;
}"""
"""Asks for a change as our own page does; gives the status."""
PLANTED: Final = "<script>window.ran = 1</script><img id=planted src=/nothing onerror='window.handled = 1'>"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Return who may log in: an admin and a viewer."""
    with closing(open_accounts(f"sqlite:///{tmp_path}/access.db", passwords=quick_passwords())) as opened:
        opened.add_user(ADMIN, "admin", PASSWORD, TESTER)
        opened.add_user(VIEWER, "viewer", PASSWORD, TESTER)
        yield opened


@pytest.fixture
def codes() -> OneTimeCodes:
    """Return codes that let in once."""
    return OneTimeCodes()


@pytest.fixture
def address(accounts: Accounts, codes: OneTimeCodes) -> Iterator[str]:
    """Return where the page of a store with one event is served."""
    store = MemoryStore()
    store.write([to_kafka(crossing_event(1))])
    with web_server(store, accounts=accounts, codes=codes, clock=SystemClock(), port=0) as served:
        yield served


@pytest.fixture
def violations() -> list[str]:
    """Return what the browser said of broken content policies."""
    return []


@pytest.fixture
def page(chromium_context_page: Page, violations: list[str]) -> Page:
    """Return a browser's page."""

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    chromium_context_page.on("console", note)
    chromium_context_page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return chromium_context_page


def fill(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill the form and send it, as a person does."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def log_in(page: Page, address: str, name: str) -> None:
    """Somebody is logged in and sees the page."""
    page.goto(address)
    fill(page, name)
    expect(page.locator("#account .note")).to_have_text(name)


def session_of(page: Page) -> str:
    """Return the browser's session."""
    (cookie,) = (one for one in page.context.cookies() if one["name"] == "winnow_session")
    return cookie["value"]


def test_person_logs_in_and_out(page: Page, address: str, accounts: Accounts, violations: list[str]) -> None:
    """A link with filters, a wrong password, the right one, the page with its filters, out, and all doors are shut."""
    page.goto(f"{address}?camera=door")
    expect(page).to_have_title("Log in · Winnow")
    fill(page, VIEWER, "not-the-password")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    fill(page, VIEWER)
    expect(page).to_have_url(f"{address}?camera=door")
    expect(page.locator("#list > li")).to_have_count(1)
    expect(page.locator("#account .note")).to_have_text(VIEWER)
    assert page.evaluate("document.cookie") == "", "no script reads the session"
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("winnow_session", True, "Lax")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_title("Log in · Winnow")
    assert {one["name"] for one in page.context.cookies()} == {"winnow_form"}
    page.goto(address)
    expect(page).to_have_title("Log in · Winnow")
    lines = [(line.who, line.what) for line in accounts.audit_lines(3)]
    assert lines == [(VIEWER, "logout"), (VIEWER, "login"), (VIEWER, "login refused")]
    assert violations == [], "our own pages keep our own policy"


def test_login_begins_a_session_that_nobody_knew(page: Page, address: str, accounts: Accounts) -> None:
    """One that somebody planted in the browser opens nothing; nor does the one before a second login."""
    planted = "A" * 43
    page.context.add_cookies([{"name": "winnow_session", "value": planted, "url": address, "httpOnly": True}])
    log_in(page, address, VIEWER)
    first = session_of(page)
    assert first != planted
    page.goto(f"{address}login")
    fill(page, VIEWER)
    expect(page.locator("#account .note")).to_have_text(VIEWER)
    second = session_of(page)
    assert second != first
    assert [accounts.sessions.principal(one) is None for one in (planted, first, second)] == [True, True, False]


def test_open_page_goes_to_the_login_when_the_session_is_over(page: Page, address: str, accounts: Accounts) -> None:
    """An administrator who takes access away need not wait for a reload."""
    page.goto(f"{address}?camera=door")
    fill(page, VIEWER)
    expect(page.locator("#connection")).to_have_text("Live")
    accounts.set_password(VIEWER, "another-long-one", TESTER)
    expect(page).to_have_title("Log in · Winnow", timeout=2 * WAIT_MS)
    expect(page).to_have_url(f"{address}login?next=%2F%3Fcamera%3Ddoor")


def test_viewer_may_not_change_what_an_admin_may(page: Page, address: str, accounts: Accounts) -> None:
    """Asked by a script of our own page, with all that a viewer has; the same requests of an admin are done."""
    changes = (
        ["POST", "/api/tokens", {"name": "probe"}],
        ["PATCH", f"/api/users/{VIEWER}", {"role": "admin"}],
        ["DELETE", "/api/tokens/probe", None],
    )
    log_in(page, address, VIEWER)
    before = accounts.audit_lines()
    assert [page.evaluate(ASK, change) for change in changes] == [403, 403, 403]
    assert page.evaluate("fetch('/api/audit').then((answer) => answer.status)") == 403
    assert accounts.audit_lines() == before
    page.context.clear_cookies()
    log_in(page, address, ADMIN)
    assert [page.evaluate(ASK, change) for change in changes] == [201, 200, 200]
    assert {user.role for user in accounts.users()} == {"admin"}


def test_script_in_the_markup_does_not_run(page: Page, address: str, violations: list[str]) -> None:
    """Whatever gets into the markup of a page or of the login, inline scripts and handlers are dead there."""

    def plant(route: Route) -> None:
        answer = route.fetch()
        assert "<script>" not in answer.text(), "our own pages have none"
        route.fulfill(response=answer, body=answer.text().replace("</body>", f"{PLANTED}</body>"))

    log_in(page, address, VIEWER)
    for path in ("", "login"):
        violations.clear()
        page.route(f"{address}{path}", plant)
        page.goto(f"{address}{path}")
        expect(page.locator("#planted")).to_have_js_property("complete", value=True)
        assert page.evaluate("[window.ran, window.handled]") == [None, None]
        assert len(violations) == 2, violations


def test_link_is_good_once(page: Page, address: str, codes: OneTimeCodes) -> None:
    """It lets in who has it first; the second time it says so."""
    link = f"{address}welcome/{codes.make(ADMIN)}"
    page.goto(link)
    expect(page.locator("#list > li")).to_have_count(1)
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("good once")


class _OtherSite(BaseHTTPRequestHandler):
    """A site that has its visitors' browsers send requests to ours."""

    target = ""

    def do_GET(self) -> None:
        """Send a page whose script asks ours, and then sends a form there."""
        page = f"""<!doctype html><title>other</title>
        <form method="post" action="{self.target}logout"><input name="a" value="b"><button>Win</button></form>
        <script>
          const ask = (path, options) => fetch("{self.target}" + path, {{credentials: "include", ...options}}).then(
            (answer) => answer.text(), () => "refused");
          Promise.all([ask("api/me"), ask("logout", {{method: "POST", mode: "no-cors"}})]).then(
            (answers) => {{ document.title = JSON.stringify(answers); }});
        </script>"""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def other_site(target: str) -> Iterator[int]:
    """Serve a site that is after the page at `target`; yield its port. Its thread ends with the block."""
    handler = type("Handler", (_OtherSite,), {"target": target})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05}, name="other site", daemon=True)
        thread.start()
        try:
            yield other.server_address[1]
        finally:
            other.shutdown()
            thread.join(10)


def test_other_site_neither_reads_nor_changes_anything(page: Page, address: str, accounts: Accounts) -> None:
    """Its scripts and its form reach nothing in a browser that is logged in.

    Another port of the host is the same site to a browser: the session goes along and our token is missing (403). From
    another host not even the session goes along (401).
    """
    log_in(page, address, VIEWER)
    for host, status in (("127.0.0.1", 403), ("localhost", 401)):
        with other_site(address) as port:
            page.goto(f"http://{host}:{port}/")
            expect(page).to_have_title('["refused","refused"]')
            with page.expect_response(f"{address}logout") as answered:
                page.get_by_role("button", name="Win").click()
            assert answered.value.status == status, host
        page.goto(address)
        expect(page.locator("#account .note")).to_have_text(VIEWER)
    assert "logout" not in {line.what for line in accounts.audit_lines()}
