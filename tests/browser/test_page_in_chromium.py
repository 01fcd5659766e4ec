"""The web page in a real Chromium, on a real server and a SQLite store."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from msgspec import structs
from playwright.sync_api import ConsoleMessage, Page, Request, expect

from tests.browser.scene import NODE, Scene
from winnow.cloud_sink.access import Accounts, Caller, open_accounts
from winnow.cloud_sink.store import Store, open_store
from winnow.cloud_sink.web import web_server
from winnow.events.data import CameraDegraded, CameraOnline
from winnow.runtime.clock import SystemClock
from winnow.runtime.testing import ManualClock

WAIT_MS: Final = 15_000
USER: Final = "alice"
PASSWORD: Final = "seven-quiet-otters"  # noqa: S105 - of a store that lives as long as a test
HOSTILE: Final = '<img src=x onerror="document.title=1">&amp;'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    opened = open_store(f"sqlite:///{tmp_path}/events.db")
    yield opened
    opened.close()


@pytest.fixture
def scene(store: Store) -> Scene:
    """Return what a node sends to the store."""
    return Scene(store)


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Return who may log in: a viewer."""
    with closing(open_accounts(f"sqlite:///{tmp_path}/access.db")) as opened:
        opened.add_user(USER, "viewer", PASSWORD, Caller(who="tester", origin="test"))
        yield opened


@pytest.fixture
def address(store: Store, accounts: Accounts, page: Page) -> Iterator[str]:
    """Return where the store's page is served; the browser is logged in there."""
    with web_server(store, accounts=accounts, clock=SystemClock(), port=0) as served:
        log_in(page, served)
        yield served


@pytest.fixture
def page(chromium_page: Page) -> Iterator[Page]:
    """Return a browser's page that must stay on this host and complain of nothing."""
    foreign: list[str] = []
    complaints: list[str] = []

    def note_request(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            foreign.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    chromium_page.on("request", note_request)
    chromium_page.on("console", note_message)
    chromium_page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield chromium_page
    assert foreign == [], "the page works without the internet"
    assert [text for text in complaints if "ERR_CONNECTION_REFUSED" not in text] == []


def log_in(page: Page, address: str) -> None:
    """Log in as a person does; nothing that the page shows then is asked for."""
    page.goto(f"{address}login")
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.get_by_role("button", name="Log in").click()
    assert answered.value.status == 303
    page.wait_for_url(address)
    page.goto("about:blank")


def _rows(page: Page) -> list[str]:
    return page.locator("#list .sentence").all_inner_texts()


def _wait_for_rows(page: Page, number: int) -> None:
    expect(page.locator("#list > li")).to_have_count(number)


def test_empty_store_says_what_it_waits_for(page: Page, address: str) -> None:
    """Before anything happened the page says so, and what will make it change."""
    page.goto(address)
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#empty")).to_contain_text("Waiting for the first event")
    expect(page.locator("#site")).to_contain_text("No node has reported yet")
    expect(page.locator("#gaps")).to_be_hidden()


def test_events_are_listed_newest_first(page: Page, address: str, scene: Scene) -> None:
    """What happened stands there in words, with place and time."""
    scene.appear(1)
    crossing = scene.cross(1)
    scene.leave(1)
    page.goto(address)
    _wait_for_rows(page, 3)
    assert _rows(page) == ["Person left after 12\u00a0s", "Person crossed gate, inwards", "Person appeared"]
    row = page.locator("#list > li").nth(1)
    expect(row.locator(".where")).to_have_text(f"street · {NODE} · #1")
    title = row.locator("time").get_attribute("title")
    assert title is not None
    assert title.startswith(f"{crossing.time:%Y-%m-%d %H:%M:%S}")
    assert title.endswith("UTC")


def test_event_and_picture_appear_without_reload(page: Page, address: str, scene: Scene) -> None:
    """A new event comes by itself; its picture, which comes later, joins it and then loads."""
    page.goto(address)
    expect(page.locator("#connection")).to_have_text("Live")
    page.evaluate("window.notReloaded = true")
    event = scene.appear(1, pictured=False)
    _wait_for_rows(page, 1)
    expect(page.locator("#empty")).to_be_hidden()
    assert page.locator("#list img").count() == 0
    scene.picture(event)
    expect(page.locator("#list .picture.loaded")).to_be_visible()
    expect(page.locator("#latest .in-view")).to_contain_text("Person #1")
    assert page.locator("#list img.front").evaluate("image => image.naturalWidth") == 60
    scene.leave(1)
    _wait_for_rows(page, 2)
    expect(page.locator("#latest .in-view")).to_have_count(0)
    expect(page.locator("#list > li:first-child .picture.loaded")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True


def test_useless_pictures_and_their_end_are_told_and_interrupt_nothing(page: Page, address: str, scene: Scene) -> None:
    """A camera that sees again still has the same objects in view; one that comes online anew has none."""
    scene.appear(1)
    since = datetime(2026, 5, 1, 12, tzinfo=UTC)
    scene.write(CameraDegraded(reason="covered", since=since), camera="street", subject=None)
    online = CameraOnline(frame=(640, 480), clock="wall")
    scene.write(structs.replace(online, recovered_from="covered"), camera="street", subject=None)
    page.goto(address)
    _wait_for_rows(page, 3)
    assert _rows(page)[:2] == [
        "Camera street is no longer covered, 640 × 480",
        "Camera street shows nothing useful: covered",
    ]
    expect(page.locator("#latest .in-view")).to_contain_text("Person #1")
    scene.write(online, camera="street", subject=None)
    _wait_for_rows(page, 4)
    expect(page.locator("#latest .in-view")).to_have_count(0)


def test_number_of_a_later_object_does_not_borrow_a_picture(page: Page, address: str, scene: Scene) -> None:
    """When a stream begins again, track 1 is somebody else, and not shown with the former face."""
    scene.appear(1)
    scene.appear(1, pictured=False)
    scene.cross(1)
    page.goto(address)
    _wait_for_rows(page, 3)
    assert [row.locator("img.front").count() for row in page.locator("#list > li").all()] == [0, 0, 1]


def test_filters_narrow_list_and_chart(page: Page, address: str, scene: Scene) -> None:
    """Camera, label and kind work alone and together, live too, and the address keeps them."""
    scene.appear(1)
    scene.appear(2, camera="gate", label="car")
    scene.cross(2, camera="gate", label="car")
    page.goto(address)
    _wait_for_rows(page, 3)
    page.select_option("[name=camera]", "gate")
    _wait_for_rows(page, 2)
    expect(page.locator("#chart-note")).to_contain_text("1 object in 24 hours")
    page.select_option("[name=kind]", "lines")
    _wait_for_rows(page, 1)
    assert _rows(page) == ["Car crossed gate, inwards"]
    expect(page.locator("#list .picture.loaded")).to_be_visible()
    expect(page.locator("#chart-title")).to_have_text("Events an hour")
    page.reload()
    _wait_for_rows(page, 1)
    scene.appear(3)
    scene.cross(3)
    scene.cross(2, camera="gate", label="car")
    _wait_for_rows(page, 2)
    page.select_option("[name=label]", "person")
    expect(page.locator("#empty")).to_contain_text("No event matches these filters")
    page.click("#empty button")
    _wait_for_rows(page, 6)
    assert urlsplit(page.url).query == ""


def test_chart_shows_the_counts_and_a_table(page: Page, address: str, scene: Scene) -> None:
    """Each label is a bar in its hour; the same figures stand in a table for those who cannot see bars."""
    for track in range(1, 6):
        scene.appear(track)
    scene.appear(6, label="car")
    page.goto(address)
    expect(page.locator("#chart-note")).to_contain_text("6 objects in 24 hours")
    expect(page.locator("#chart .bar.series-0").first).to_be_visible()
    expect(page.locator("#chart .bar.series-1")).to_have_count(1)
    tall = sum(bar["height"] for box in page.locator("#chart .bar.series-0").all() if (bar := box.bounding_box()))
    small = page.locator("#chart .bar.series-1").bounding_box()
    assert small is not None
    assert tall == pytest.approx(5 * small["height"], rel=0.1)
    assert page.locator("#legend").inner_text().split() == ["Person", "Car"]
    page.click("details.table summary")
    figures = page.locator("#chart-table tbody td:last-child").all_inner_texts()
    assert sum(int(figure) for figure in figures) == 6


def test_summary_shows_bandwidth_and_states(page: Page, address: str, scene: Scene) -> None:
    """Bytes have units, the factor is theirs, and a camera that is away says why."""
    scene.appear(1)
    scene.report(bytes_in=45_000_000, bytes_out=150_000)
    page.goto(address)
    expect(page.locator("#bandwidth .figure")).to_have_text("300× less")
    expect(page.locator("#bandwidth .note")).to_contain_text("45.0\u00a0MB of video in, 150\u00a0kB of events")
    expect(page.locator("#online .figure")).to_have_text("1 of 2")
    expect(page.locator("#site")).to_contain_text("connection refused")
    expect(page.locator("#site")).to_contain_text("3 messages waiting")
    assert page.locator("#site [data-state=offline]").count() == 1
    expect(page.locator("#complete .figure")).to_have_text("Nothing missing")


def test_node_says_that_a_certificate_ends(page: Page, address: str, scene: Scene) -> None:
    """Two weeks ahead the page tells of it; of one with time left it does not, nor of one that was renewed."""
    now = datetime.now(UTC)
    scene.report(bytes_in=1000, bytes_out=10, certificate_ends=now + timedelta(days=9, hours=1))
    page.goto(address)
    warning = page.locator("#site .warning")
    expect(warning).to_have_text("a certificate ends in 9 days")
    scene.report(bytes_in=1000, bytes_out=10, certificate_ends=now - timedelta(hours=1))
    page.reload()
    expect(warning).to_have_text("a certificate has ended")
    scene.report(bytes_in=1000, bytes_out=10, certificate_ends=now + timedelta(days=60))
    page.reload()
    expect(page.locator("#site")).to_contain_text("3 messages waiting")
    assert warning.count() == 0


def test_missing_sequences_raise_an_alarm(page: Page, tmp_path: Path, accounts: Accounts) -> None:
    """A gap is named with its node and exact range, loudly."""
    clock = ManualClock(datetime.now(UTC) - timedelta(minutes=5))
    store = open_store(f"sqlite:///{tmp_path}/gaps.db", clock=clock)
    scene = Scene(store)
    scene.appear(1)
    scene.lose(3)
    scene.appear(2)
    clock.advance(300)
    with web_server(store, accounts=accounts, clock=clock, port=0) as address:
        log_in(page, address)
        page.goto(address)
        alarm = page.get_by_role("alert", name="Missing events")
        expect(alarm).to_contain_text("3 events never arrived")
        expect(alarm).to_contain_text(f"{NODE}: sequences 3 to 5 of epoch e1")
        expect(page.locator("#complete .figure")).to_have_text("3 missing")
        page.goto("about:blank")
    store.close()


def test_new_gap_is_named_however_many_old_ones_there_are(page: Page, tmp_path: Path, accounts: Accounts) -> None:
    """The newest stand first, and how many older ones are not listed is said."""
    clock = ManualClock(datetime.now(UTC) - timedelta(minutes=30))
    store = open_store(f"sqlite:///{tmp_path}/gaps.db", clock=clock)
    scene = Scene(store)
    for _ in range(25):
        scene.appear(1)
        scene.lose(1)
    clock.advance(600)
    scene.appear(1)
    scene.lose(2)
    scene.appear(1)
    clock.advance(600)
    with web_server(store, accounts=accounts, clock=clock, port=0) as address:
        log_in(page, address)
        page.goto(address)
        alarm = page.get_by_role("alert", name="Missing events")
        expect(alarm.locator("li").first).to_contain_text("sequences 78 to 79 of epoch e1")
        expect(alarm).to_contain_text("6 older gaps are not listed")
        page.goto("about:blank")
    store.close()


def test_hostile_label_stays_text(page: Page, address: str, scene: Scene) -> None:
    """Markup in a label is shown as it is, everywhere, and never runs."""
    scene.appear(1, label=HOSTILE)
    page.goto(address)
    _wait_for_rows(page, 1)
    shown = HOSTILE[0].upper() + HOSTILE[1:]
    assert _rows(page) == [f"{shown} appeared"]
    expect(page.locator("#legend")).to_have_text(shown)
    page.select_option("[name=label]", HOSTILE)
    _wait_for_rows(page, 1)
    page.click("#list .event")
    expect(page.locator("dialog")).to_contain_text(HOSTILE)
    assert page.locator("img[src=x]").count() == 0
    assert page.title() == "Winnow"


def test_event_opens_in_full_by_keyboard(page: Page, address: str, scene: Scene) -> None:
    """Enter on a row opens its facts and its path; Escape brings the reader back to the row."""
    scene.appear(1)
    ended = scene.leave(1)
    page.goto(address)
    _wait_for_rows(page, 2)
    page.locator("#list .event").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(ended.id)
    expect(dialog).to_contain_text("90\u00a0% at best")
    expect(dialog.locator(".frame polyline")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement === document.querySelector('#list .event')")


def test_older_events_are_there_to_ask_for(page: Page, address: str, scene: Scene) -> None:
    """The list begins short, and goes back to the first event on request."""
    for track in range(1, 71):
        scene.cross(track)
    page.goto(address)
    _wait_for_rows(page, 30)
    page.click("#older")
    _wait_for_rows(page, 60)
    page.click("#older")
    _wait_for_rows(page, 70)
    expect(page.locator("#older")).to_be_hidden()
    assert page.locator("#list .where").last.inner_text().endswith("#1")


def test_page_recovers_when_the_server_comes_back(page: Page, store: Store, scene: Scene, accounts: Accounts) -> None:
    """A lost connection is said, and mended without a reload; what happened meanwhile is there."""
    scene.appear(1)
    with web_server(store, accounts=accounts, clock=SystemClock(), port=0) as address:
        log_in(page, address)
        page.goto(address)
        _wait_for_rows(page, 1)
    expect(page.locator("#lost")).to_contain_text("The connection is lost")
    expect(page.locator("#connection")).to_have_text("Reconnecting…")
    scene.appear(2)
    port = urlsplit(address).port
    assert port is not None
    with web_server(store, accounts=accounts, clock=SystemClock(), port=port):
        expect(page.locator("#connection")).to_have_text("Live")
        expect(page.locator("#lost")).to_be_hidden()
        _wait_for_rows(page, 2)
        scene.appear(3)
        _wait_for_rows(page, 3)
        page.goto("about:blank")


@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_its_width(page: Page, address: str, scene: Scene, width: int) -> None:
    """Nothing sticks out sideways, on a desk or on a phone, not even a long name."""
    scene.report(bytes_in=45_000_000, bytes_out=150_000)
    for track in range(1, 15):
        scene.appear(track, camera="c" * 40, label="w" * 64)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    _wait_for_rows(page, 14)
    expect(page.locator("#chart .bar").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_backlog_does_not_freeze_the_page(page: Page, address: str, scene: Scene) -> None:
    """Hundreds of events at once end in a bounded list, and the newest is on top."""
    page.goto(address)
    expect(page.locator("#connection")).to_have_text("Live")

    def cross_often() -> None:
        for track in range(1, 601):
            scene.cross(track)

    thread = threading.Thread(target=cross_often, name="backlog")
    thread.start()
    thread.join()
    expect(page.locator("#list > li:first-child .where")).to_contain_text("#600")
    _wait_for_rows(page, 30)
