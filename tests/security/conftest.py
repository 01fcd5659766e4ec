"""One authority, its stranger of the same name, and production broker, Kafka and PostgreSQL for all security tests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.services.errors import ServerMissing
from tests.security.client import SecurityClient, tls_of
from tests.security.production_broker import ProductionBroker
from tests.security.production_kafka import ProductionKafka
from tests.security.production_postgres import ProductionPostgres
from winnow.cli.certificates import Authority, Role

DATABASE_PASSWORD = "Db-5ecret/of the sink"  # noqa: S105 - of a database that lives as long as the tests


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an authority that has issued what the tests need; `late` has expired."""
    folder, now = tmp_path_factory.mktemp("authority") / "pki", datetime.now(UTC)
    made = Authority.create(folder, "Winnow authority", now)
    for name in ("shop-1", "shop-2", "leaver"):
        made.issue(name, Role.NODE, now)
    made.issue("late", Role.NODE, now - timedelta(days=91))
    for role in (Role.GATEWAY, Role.OPERATOR, Role.SINK):
        made.issue(role.value, role, now)
    made.issue("localhost", Role.SERVER, now, hosts=("localhost", "127.0.0.1"))
    return folder


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of another authority that calls itself the same and has issued the same names."""
    folder, now = tmp_path_factory.mktemp("stranger") / "pki", datetime.now(UTC)
    made = Authority.create(folder, "Winnow authority", now)
    made.issue("shop-1", Role.NODE, now)
    made.issue("localhost", Role.SERVER, now, hosts=("localhost", "127.0.0.1"))
    return folder


@pytest.fixture(scope="session")
def broker(authority: Path) -> Iterator[ProductionBroker]:
    """Return a running broker with the production files, which also tells of each refused message."""
    try:
        server = ProductionBroker(authority, extra=("log_type debug",))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def witness(broker: ProductionBroker, authority: Path) -> Iterator[SecurityClient]:
    """Return somebody who may read everything, and does."""
    client = SecurityClient(broker.port, tls_of(authority, "operator"))
    client.subscribe("winnow/v1/#")
    yield client
    client.close()


@pytest.fixture(scope="session")
def kafka(authority: Path) -> Iterator[ProductionKafka]:
    """Return a running Kafka with the production files, the topics, and the two principals."""
    try:
        server = ProductionKafka(authority)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        with ThreadPoolExecutor() as threads:
            for made in [threads.submit(server.create_topics), threads.submit(server.create_principals)]:
                made.result()
        yield server


@pytest.fixture(scope="session")
def database(authority: Path) -> Iterator[ProductionPostgres]:
    """Return a running PostgreSQL with the production files, the sink's login and its database."""
    try:
        server = ProductionPostgres(authority, DATABASE_PASSWORD)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        server.create_database()
        yield server
