"""SIGKILL in the middle of each process: what was accepted is in every store, once, unchanged and without a gap."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation, kafka_installation, single_machine
from tests.faults.fault_run import FaultRun
from tests.faults.feeder import STEPS_PER_S
from tests.faults.oracle import Findings

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

SHORT_S = 0.5
LONG_S = 20.0
"""Long enough for a delay that doubles with each attempt to pass ten seconds."""

SINKS = ("sink-postgresql", "sink-sqlite")


@pytest.fixture(scope="module")
def with_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return a running path over Kafka into PostgreSQL and SQLite, shared by the tests of this module."""
    with kafka_installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


@pytest.fixture(scope="module")
def without_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return a running path straight into SQLite, shared by the tests of this module."""
    with single_machine(tmp_path_factory.mktemp("single-machine")) as installation:
        yield installation


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(("edge",), id="edge"),
        pytest.param(("broker",), id="broker-wiped"),
        pytest.param(("gateway",), id="gateway"),
        pytest.param(("kafka",), id="kafka"),
        pytest.param(SINKS, id="sinks"),
        pytest.param(("database",), id="postgresql"),
        pytest.param(("gateway", "broker"), id="gateway-then-broker-wiped"),
        pytest.param((*SINKS, "kafka", "gateway", "broker", "edge"), id="one-after-the-other"),
    ],
)
def test_killed_processes_cost_and_double_nothing_in_postgresql_and_sqlite(
    with_kafka: Installation, unique_name: str, tmp_path: Path, victims: tuple[str, ...]
) -> None:
    """Both stores hold every accepted message exactly once, and a fresh event is there within ten seconds.

    A gateway that dies before the broker leaves messages that the broker has acknowledged and then forgets.
    """
    survive(with_kafka, unique_name, tmp_path, victims)


def test_servers_that_were_away_for_long_are_found_again_soon(
    with_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """However often everybody has tried in vain, ten seconds after the servers are back fresh events are stored."""
    survive(with_kafka, unique_name, tmp_path, ("broker", "kafka", "database"), outage_s=LONG_S)


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(("gateway",), id="gateway"),
        pytest.param(("gateway", "broker", "edge"), id="one-after-the-other"),
    ],
)
def test_killed_processes_cost_and_double_nothing_without_kafka(
    without_kafka: Installation, unique_name: str, tmp_path: Path, victims: tuple[str, ...]
) -> None:
    """A store that the gateway itself writes to holds every accepted message exactly once, soon after healing."""
    survive(without_kafka, unique_name, tmp_path, victims)


def survive(
    installation: Installation, node: str, folder: Path, victims: tuple[str, ...], *, outage_s: float = SHORT_S
) -> None:
    """Strike in the middle of a feed and hold every store against what was accepted."""
    with FaultRun(installation, node=node, folder=folder) as run:
        run.flow()
        run.strike(victims, outage_s=outage_s)
        run.heal()
        run.feed(STEPS_PER_S)
        run.drain()
        findings = run.verdict()
    assert findings == dict.fromkeys(installation.stores, Findings())
    assert run.gaps() == dict.fromkeys(installation.stores, 0)
    assert run.figures.accepted_before >= STEPS_PER_S
    assert run.figures.accepted > run.figures.accepted_before + run.figures.accepted_meanwhile + STEPS_PER_S
