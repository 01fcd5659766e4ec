"""The page on a real port: its stream, and how quickly it goes away."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import httpx
import pytest

from tests.unit.cloud_sink.web.visitor import TESTER
from winnow.cloud_sink.access import Accounts
from winnow.cloud_sink.testing import MemoryStore, crossing_event, thumbnail_of
from winnow.cloud_sink.web import web_server
from winnow.cloud_sink.web.password_checks import AT_ONCE
from winnow.cloud_sink.web.server import names_answered
from winnow.cloud_sink.web.stream import MAX_MISSED
from winnow.events.kafka import to_kafka
from winnow.runtime.clock import SystemClock

WAIT_S = 10.0


class Messages:
    """The messages of a stream as they come."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self) -> tuple[str, str | None, dict[str, list[dict[str, object]]]]:
        """Return event, id and data of the next message; comments and settings are passed over.

        Raises:
            StopIteration: the stream has ended.
        """
        fields: dict[str, str] = {}
        while line := next(self._lines, None):
            if line.startswith((":", "retry:")):
                next(self._lines)
                continue
            name, _, value = line.partition(": ")
            fields[name] = value
        if line is None:
            raise StopIteration
        return fields["event"], fields.get("id"), json.loads(fields["data"])


Hear = Callable[..., AbstractContextManager[Messages]]


@pytest.fixture
def hear(accounts: Accounts) -> Hear:
    """Return a function that listens to a stream with a token."""
    token = accounts.tokens.create("listener", "viewer", TESTER)
    return partial(_listen, token)


@contextmanager
def _listen(token: str, address: str, query: str = "", last_event_id: str | None = None) -> Iterator[Messages]:
    headers = {"Authorization": f"Bearer {token}"} | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})
    with httpx.stream("GET", f"{address}api/stream?{query}", headers=headers, timeout=WAIT_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Messages(answer.iter_lines())


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


@pytest.fixture
def address(store: MemoryStore, accounts: Accounts) -> Iterator[str]:
    """Return where the store's page is served."""
    with web_server(store, accounts=accounts, clock=SystemClock(), port=0) as served:
        yield served


def _write(store: MemoryStore, *sequences: int, camera: str = "door") -> None:
    store.write([to_kafka(crossing_event(sequence, camera=camera)) for sequence in sequences])


def _sequences(page: dict[str, list[dict[str, object]]]) -> list[object]:
    return [event["sequence"] for event in page["events"]]


def test_stream_opens_with_a_snapshot_and_goes_on_with_news(hear: Hear, store: MemoryStore, address: str) -> None:
    """First what is there, newest first, then each new event with the position to resume from."""
    _write(store, 1, 2)
    with hear(address) as messages:
        event, identity, page = messages.next()
        assert (event, identity, _sequences(page)) == ("snapshot", "2", [2, 1])
        _write(store, 3)
        event, identity, page = messages.next()
        assert (event, identity, _sequences(page)) == ("events", "3", [3])


def test_stream_of_an_empty_store_waits_for_its_first_event(hear: Hear, store: MemoryStore, address: str) -> None:
    """An empty snapshot is a snapshot, and the first event ever comes live."""
    with hear(address) as messages:
        assert messages.next() == ("snapshot", "0", {"events": []})
        _write(store, 1)
        assert _sequences(messages.next()[2]) == [1]


def test_stream_is_filtered(hear: Hear, store: MemoryStore, address: str) -> None:
    """A filter holds for the snapshot and for the news."""
    _write(store, 1)
    _write(store, 2, camera="gate")
    with hear(address, "camera=gate&limit=10") as messages:
        assert _sequences(messages.next()[2]) == [2]
        _write(store, 3)
        _write(store, 4, camera="gate")
        assert _sequences(messages.next()[2]) == [4]


def test_stream_resumes_after_the_last_event_seen(hear: Hear, store: MemoryStore, address: str) -> None:
    """Who comes back gets what was missed: pictures of earlier events, then the later events, then news."""
    seen = crossing_event(1)
    picture = thumbnail_of(seen, 2)
    store.write([to_kafka(seen)])
    _write(store, 3)
    store.write([to_kafka(picture)])
    with hear(address, last_event_id="1") as messages:
        event, identity, page = messages.next()
        assert (event, identity) == ("thumbnails", None)
        assert page["thumbnails"] == [{"position": 1, "id": seen.id, "thumbnail": f"/thumbnails/{picture.sha256}.jpg"}]
        event, identity, page = messages.next()
        assert (event, identity, _sequences(page)) == ("events", "2", [3])
        _write(store, 4)
        assert _sequences(messages.next()[2]) == [4]


@pytest.mark.parametrize("last_event_id", ["0", "999999"])
def test_stream_that_cannot_resume_begins_again(
    hear: Hear, store: MemoryStore, address: str, last_event_id: str
) -> None:
    """Who missed too much, or knew another database, gets a snapshot to replace what there was."""
    _write(store, *range(1, MAX_MISSED + 2))
    with hear(address, "limit=2", last_event_id) as messages:
        event, _, page = messages.next()
        assert (event, _sequences(page)) == ("snapshot", [MAX_MISSED + 1, MAX_MISSED])


def test_stream_says_why_it_ends_when_the_store_is_down(hear: Hear, store: MemoryStore, address: str) -> None:
    """A store that does not answer ends the stream with its reason; the next try works."""
    store.failures = 1
    with hear(address) as messages:
        event, _, reason = messages.next()
        assert event == "trouble"
        assert str(reason["message"]) == "the memory store was told to fail"
        with pytest.raises(StopIteration):
            messages.next()
    with hear(address) as messages:
        assert messages.next()[0] == "snapshot"


def test_server_stops_within_seconds_while_a_browser_listens(
    hear: Hear, store: MemoryStore, accounts: Accounts
) -> None:
    """An open stream ends properly and does not hold up the end of the process."""
    listening = threading.Event()
    ended: list[str] = []

    def listen(address: str) -> None:
        with hear(address) as messages:
            messages.next()
            listening.set()
            with pytest.raises(StopIteration):
                messages.next()
            ended.append("properly")

    with web_server(store, accounts=accounts, clock=SystemClock(), port=0) as address:
        thread = threading.Thread(target=listen, args=(address,), name="browser")
        thread.start()
        assert listening.wait(WAIT_S)
        begun_s = time.monotonic()
    took_s = time.monotonic() - begun_s
    thread.join(WAIT_S)
    assert ended == ["properly"]
    assert took_s < 2.5
    assert "web" not in {thread.name for thread in threading.enumerate()}


def test_port_is_free_again_at_once(store: MemoryStore, accounts: Accounts) -> None:
    """A server that was restarted gets its port back, also right after it served somebody."""
    with web_server(store, accounts=accounts, clock=SystemClock(), port=0) as address:
        assert httpx.get(f"{address}login").status_code == 200
    port = httpx.URL(address).port
    assert port is not None
    with web_server(store, accounts=accounts, clock=SystemClock(), port=port) as again:
        assert again == address
        assert httpx.get(f"{again}login").status_code == 200


def test_taken_port_is_an_error_of_the_caller(store: MemoryStore, accounts: Accounts) -> None:
    """A port that somebody else listens on is an OSError, before anything is served."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        web_server(store, accounts=accounts, clock=SystemClock(), port=taken.getsockname()[1]),
    ):
        pass


def test_store_stays_open_when_the_server_ends(store: MemoryStore, accounts: Accounts) -> None:
    """The page borrows the store: others go on with it."""
    with web_server(store, accounts=accounts, clock=SystemClock(), port=0):
        pass
    _write(store, 1)
    assert len(store.events()) == 1


def test_page_listens_on_loopback_by_default(address: str) -> None:
    """Nobody else sees even the login unless an operator says so."""
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_page_on_loopback_answers_to_loopback_names_only(host: str) -> None:
    """A name that resolves to loopback is no reason to answer to it."""
    names = names_answered(host)
    assert {"127.0.0.1", "localhost", "[::1]"} <= set(names)
    assert "*" not in names


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "page.example"])  # noqa: S104 - nothing is bound
def test_page_beyond_loopback_answers_to_any_name(host: str) -> None:
    """Who opens the page to others cannot be asked to list every name they may use."""
    assert names_answered(host) == ("*",)


def test_flood_of_logins_does_not_stop_the_page(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty logins from sixty addresses wait for their turn; who is logged in is answered meanwhile."""
    let_go = threading.Event()
    under_way = []

    def slow(name: str, _password: str) -> bool:
        under_way.append(name)
        return not let_go.wait(WAIT_S)

    token = {"Authorization": f"Bearer {accounts.tokens.create('reader', 'viewer', TESTER)}"}
    monkeypatch.setattr(accounts, "password_matches", slow)
    clock = SystemClock()

    def guess(address: str, number: int) -> int:
        with httpx.Client(base_url=address, timeout=2 * WAIT_S) as browser:
            csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/login").text)
            assert csrf
            fields = {"name": f"user{number}", "password": "guessed", "csrf": csrf[1], "next": "/"}
            from_elsewhere = {"X-Forwarded-For": f"198.51.100.{number}"}
            return browser.post("/login", data=fields, headers=from_elsewhere).status_code

    with web_server(MemoryStore(clock), accounts=accounts, clock=clock, port=0) as address:
        with ThreadPoolExecutor(60) as threads:
            guesses = [threads.submit(guess, address, number) for number in range(60)]
            try:
                deadline_s = time.monotonic() + WAIT_S
                while len(under_way) < AT_ONCE and time.monotonic() < deadline_s:
                    time.sleep(0.01)
                answers = [httpx.get(f"{address}api/events", headers=token, timeout=WAIT_S / 2) for _ in range(3)]
                assert [answer.status_code for answer in answers] == [200] * 3
                assert len(under_way) == AT_ONCE
            finally:
                let_go.set()
        assert [one.result() for one in guesses] == [401] * 60
