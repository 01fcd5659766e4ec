"""A certificate that is about to end: what `winnow doctor` says on the box, beside a real broker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.services.errors import ServerMissing
from tests.security.client import eventually, tls_of
from tests.security.production_broker import ProductionBroker
from winnow.cli.certificates import Authority, Role
from winnow.cli.diagnosis import examine_broker, examine_certificate
from winnow.pipeline.delivery import paho_connect
from winnow.pipeline.delivery.link import Connect, Ended, Report
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings

WITHIN_S = 10.0


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an authority whose broker `localhost` has ten days left, and and nodes of every age."""
    folder, now = tmp_path_factory.mktemp("aged") / "pki", datetime.now(UTC)
    made = Authority.create(folder, "Winnow authority", now - timedelta(days=200))
    made.issue("localhost", Role.SERVER, now - timedelta(days=80), hosts=("localhost",))
    for name, age_days in (("fresh", 1), ("aged", 80), ("late", 91), ("early", -2)):
        made.issue(name, Role.NODE, now - timedelta(days=age_days))
    made.issue("leaver", Role.NODE, now)
    made.revoke("leaver", now)
    return folder


@pytest.fixture(scope="module")
def aged_broker(aged: Path) -> Iterator[ProductionBroker]:
    """Return a running broker that shows a certificate with ten days left."""
    try:
        server = ProductionBroker(aged)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("fresh", "ok", "more days"),
        ("aged", "warning", "9 more days"),
        ("late", "problem", "has ended on"),
        ("early", "problem", "is valid from"),
    ],
)
def test_doctor_says_how_long_the_nodes_certificate_is_good(aged: Path, name: str, status: str, said: str) -> None:
    """All well, soon to be renewed, too late, or the box's clock is behind."""
    settings = MqttSettings(url="mqtts://localhost:1", tls=tls_of(aged, name))
    (found,) = examine_certificate(settings, SystemClock())
    assert found.status == status
    assert said in found.said


def test_doctor_has_nothing_to_say_of_a_node_without_certificate(aged: Path) -> None:
    """A broker without TLS, or with a password, asks for none; a file that is none is a problem."""
    assert examine_certificate(MqttSettings(url="mqtt://localhost:1", tls=tls_of(aged, "fresh")), SystemClock()) == []
    assert examine_certificate(MqttSettings(url="mqtts://localhost:1", tls=tls_of(aged, None)), SystemClock()) == []
    wrong = tls_of(aged, "fresh").model_copy(update={"certificate_file": aged / "crl.pem"})
    (found,) = examine_certificate(MqttSettings(url="mqtts://localhost:1", tls=wrong), SystemClock())
    assert found.status == "problem"


@pytest.mark.parametrize(
    ("name", "said"),
    [("late", "certificate expired"), (None, "certificate required"), ("leaver", "certificate revoked")],
)
def test_doctor_says_that_the_broker_refuses_the_certificate(
    aged: Path, aged_broker: ProductionBroker, name: str | None, said: str
) -> None:
    """At once, by the broker's own words, and not as a port that does not answer."""
    settings = MqttSettings(url=f"mqtts://localhost:{aged_broker.port}", tls=tls_of(aged, name))
    found = examine_broker(settings, "shop-1", SystemClock(), within_s=WITHIN_S)
    assert found.status == "problem"
    assert f"refuses this node's certificate: {said}" in found.said


def test_edge_says_that_the_broker_refuses_its_certificate(aged: Path, aged_broker: ProductionBroker) -> None:
    """The log gives the broker's own reason, not an unspecified error; where the broker gives none, what to look at."""
    settings = MqttSettings(url=f"mqtts://localhost:{aged_broker.port}", tls=tls_of(aged, "late"))
    connect = paho_connect(settings, node="late", version="1.0", clock=SystemClock())
    reasons = [_why_it_ended(connect) for _ in range(12)]
    assert any("certificate expired" in reason for reason in reasons)
    assert all("certificate expired" in reason or "this node's certificate" in reason for reason in reasons)


def _why_it_ended(connect: Connect) -> str:
    link = connect(lambda: None)
    told: list[Report] = []

    def heard() -> bool:
        told.extend(link.reports())
        return bool(told)

    assert eventually(heard)
    link.close(orderly=False)
    (ended,) = told
    assert isinstance(ended, Ended)
    return ended.reason


def test_doctor_tells_of_the_brokers_certificate(
    aged: Path, aged_broker: ProductionBroker, authority: Path, broker: ProductionBroker
) -> None:
    """A broker with ten days left is a warning, with the date; one that is fresh is not."""
    clock = SystemClock()
    old = MqttSettings(url=f"mqtts://localhost:{aged_broker.port}", tls=tls_of(aged, "fresh"))
    found = examine_broker(old, "fresh", clock, within_s=WITHIN_S)
    ends = datetime.now(UTC) + timedelta(days=10)
    assert found.status == "warning"
    assert f"its certificate ends on {ends:%Y-%m-%d}" in found.said
    fresh = MqttSettings(url=f"mqtts://localhost:{broker.port}", tls=tls_of(authority, "shop-1"))
    assert examine_broker(fresh, "shop-1", clock, within_s=WITHIN_S).status == "ok"
