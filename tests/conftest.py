"""What every test may ask for: real brokers and databases, a browser, the sample clip; and no ERROR log by surprise.

A real part comes from the environment (`python3 -m scripts.services run` sets it), else it is started from what is
installed, else the test is skipped with the name of what is missing. With WINNOW_REQUIRE_REAL=1 nothing may be missing
and nothing may be skipped.
"""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from scripts.services import KAFKA_KIND, REQUIRE_REAL, Origin, Part, PartsOnDemand, report

PARTS: Final = pytest.StashKey[PartsOnDemand]()
TESTS: Final = Path(__file__).parent
STREET: Final = TESTS.parent / "sample_videos" / "street.mp4"
BROWSER_FIXTURES: Final = frozenset({"chromium_page", "chromium"})
BROKER_FIXTURES: Final = frozenset({"mqtt_address", "kafka_address", "postgres_url", "postgres_server_url"})
CHROMIUM_OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ErrorRecords(logging.Handler):
    """Keeps what was logged as ERROR or worse."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare to open real parts when a test asks for them."""
    config.stash[PARTS] = PartsOnDemand(os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use and where they are, so that `-m "not broker"` means what it says."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder == "broker" or fixtures & BROKER_FIXTURES:
            item.add_marker("broker")
        if folder == "faults":
            item.add_marker("faults")
        if fixtures & BROWSER_FIXTURES:
            item.add_marker("browser")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close what was opened; where everything must be real, let a skipped test fail the run."""
    session.config.stash[PARTS].close()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _real_required() and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the real parts that were used or missing."""
    opened = list(config.stash[PARTS].opened.values())
    if opened:
        terminalreporter.section("real parts")
        terminalreporter.write_line(report(opened))
    if _real_required() and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line(f"FAILED: tests were skipped although {REQUIRE_REAL}=1", red=True, bold=True)


@pytest.fixture(autouse=True)
def error_records(request: pytest.FixtureRequest) -> Iterator[list[logging.LogRecord]]:
    """Fail a test that logs an ERROR without asking for it, or asks for one that never comes.

    A test may set up the log of the process; the next one finds it as it was.
    """
    handler = ErrorRecords()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.addHandler(handler)
    yield handler.records
    root.handlers[:] = handlers
    root.setLevel(level)
    logged = [f"{record.name}: {record.getMessage()}" for record in handler.records]
    if "expects_error_log" in request.fixturenames:
        assert logged, "the test expects an ERROR in the log, and none was logged"
    else:
        assert not logged, f"logged as ERROR, without the fixture expects_error_log: {logged}"


@pytest.fixture
def expects_error_log(error_records: list[logging.LogRecord]) -> list[logging.LogRecord]:
    """Allow ERROR records in this test, demand at least one, and hand them over as they come."""
    return error_records


@pytest.fixture
def unique_name() -> str:
    """Return a name that no other test uses: good as a node, a group, a client id or part of a topic."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def mqtt_address(pytestconfig: pytest.Config) -> str:
    """Return host:port of an MQTT broker that other tests use too: keep to topics with a `unique_name`."""
    return _require(pytestconfig, "mqtt").exports["WINNOW_TEST_MQTT"]


@pytest.fixture(scope="session")
def kafka_address(pytestconfig: pytest.Config) -> str:
    """Return host:port of a Kafka that other tests use too: keep to topics and groups with a `unique_name`."""
    return _require(pytestconfig, "kafka").exports["WINNOW_TEST_KAFKA"]


@pytest.fixture(scope="session")
def kafka_kind(pytestconfig: pytest.Config) -> str:
    """Return "apache", or "librdkafka" where its mock cluster stands in."""
    return _require(pytestconfig, "kafka").exports[KAFKA_KIND]


@pytest.fixture
def apache_kafka_address(kafka_address: str, kafka_kind: str) -> str:
    """Return host:port of a real Kafka, for what the stand-in does not know: rebalancing, offsets by time."""
    if kafka_kind != "apache":
        pytest.skip("Apache Kafka is missing: librdkafka's mock cluster knows neither rebalancing nor offsets by time")
    return kafka_address


@pytest.fixture
def create_topics(kafka_address: str, kafka_kind: str) -> Callable[..., None]:
    """Return a function that creates topics by name; librdkafka's mock cluster makes its own, of four partitions."""

    def create(*names: str, partitions: int = 1) -> None:
        if kafka_kind == "apache":
            admin = AdminClient({"bootstrap.servers": kafka_address})
            topics = [NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names]
            for created in admin.create_topics(topics, operation_timeout=20).values():
                created.result(timeout=20)

    return create


@pytest.fixture(scope="session")
def postgres_server_url(pytestconfig: pytest.Config) -> str:
    """Return the URL of a database server on which this user may create databases."""
    return _require(pytestconfig, "postgres").exports["WINNOW_TEST_POSTGRES"]


@pytest.fixture
def postgres_url(postgres_server_url: str, unique_name: str) -> Iterator[str]:
    """Return the URL of an empty database of this test's own; it is dropped afterwards."""
    name = sql.Identifier(unique_name)
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    before, separator, options = postgres_server_url.partition("?")
    maintenance = conninfo_to_dict(postgres_server_url).get("dbname")
    base = before.removesuffix(f"/{maintenance}").rstrip("/")
    yield f"{base}/{unique_name}{separator}{options}"
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def street_clip() -> Path:
    """Return the path of the sample clip."""
    assert STREET.exists(), f"{STREET} is part of the checkout"
    return STREET


@pytest.fixture
def chromium_page(pytestconfig: pytest.Config) -> Iterator[Page]:
    """Return an empty page in a fresh headless Chromium; an uncaught error of the page's scripts fails the test."""
    with _chromium(pytestconfig) as browser, _page_of(browser) as page:
        yield page


@pytest.fixture(scope="module")
def chromium(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Return a headless Chromium that the tests of a module share, for those that need nothing of asyncio."""
    with _chromium(pytestconfig) as browser:
        yield browser


@pytest.fixture
def chromium_context_page(chromium: Browser) -> Iterator[Page]:
    """Return an empty page in a fresh context of the module's Chromium; otherwise as `chromium_page`."""
    with _page_of(chromium) as page:
        yield page


@contextmanager
def _chromium(config: pytest.Config) -> Iterator[Browser]:
    program = _require(config, "chromium").exports["WINNOW_TEST_CHROMIUM"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


@contextmanager
def _page_of(browser: Browser) -> Iterator[Page]:
    """Open a page in a context of its own: cookies, cache and storage are empty."""
    script_errors: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: script_errors.append(str(error)))
    yield page
    context.close()
    assert not script_errors, f"uncaught errors in the page: {script_errors}"


@pytest.fixture(scope="session")
def gstreamer_python(pytestconfig: pytest.Config) -> str:
    """Return the Python that can run GStreamer's RTSP server."""
    return _require(pytestconfig, "gstreamer").exports["WINNOW_TEST_GSTREAMER"]


def _require(config: pytest.Config, kind: str) -> Part:
    part = config.stash[PARTS].open(kind)
    if part.real:
        return part
    if _real_required():
        pytest.fail(f"{REQUIRE_REAL}=1, but {part}", pytrace=False)
    if part.origin is Origin.MISSING:
        pytest.skip(str(part))
    return part


def _real_required() -> bool:
    return os.environ.get(REQUIRE_REAL) == "1"
