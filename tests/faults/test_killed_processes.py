"""SIGKILL in the middle of each process: what was accepted is in every store, once, unchanged and without a gap."""

from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.faults.fault_run import FaultRun
from tests.faults.feeder import STEPS_PER_S
from tests.faults.history import Verdict
from tests.faults.scale import SCALE
from tests.faults.strikes import BROKER, Strike

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

SHORT_S = 0.5
LONG_S = 20.0
"""Long enough for a delay that doubles with each attempt to pass ten seconds."""

SINKS = ("sink-postgresql", "sink-sqlite")


@pytest.mark.parametrize("number", range(SCALE.rounds))
def test_every_process_killed_in_a_random_order_costs_and_doubles_nothing(
    with_kafka: Installation, unique_name: str, tmp_path: Path, number: int
) -> None:
    """After each kill a fresh event is in both stores within ten seconds, and whatever was accepted is there once."""
    random = SCALE.random(f"kills {number}")
    with FaultRun(with_kafka, node=unique_name, folder=tmp_path, scenario=f"kills {number}") as run:
        run.flow()
        for name in random.sample(sorted(run.parts), len(run.parts)):
            lasts_s = round(random.uniform(0.1, 1.0), 2)
            run.suffer(Strike(kind="wipe" if name == BROKER else "kill", part=name, lasts_s=lasts_s))
            run.heal()
            run.check()
        run.drain()
        assert run.verdict() == Verdict()
    assert run.gaps() == dict.fromkeys(with_kafka.stores, 0)
    assert run.figures.faults == len(run.parts)


@pytest.mark.at_length
@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(("gateway", "broker"), id="gateway-then-broker-wiped"),
        pytest.param((*SINKS, "kafka", "gateway", "broker", "edge"), id="one-after-the-other"),
    ],
)
def test_processes_that_are_dead_together_cost_and_double_nothing_in_postgresql_and_sqlite(
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


def test_processes_that_are_dead_together_cost_and_double_nothing_without_kafka(
    without_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """A store that the gateway itself writes to holds every accepted message exactly once, soon after healing."""
    survive(without_kafka, unique_name, tmp_path, ("gateway", "broker", "edge"))


def test_edge_that_dies_with_receipts_on_their_way_doubles_nothing(
    without_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """What is stored, and receipted to an edge that is dead, is sent again by the next one, and stored once."""
    with FaultRun(without_kafka, node=unique_name, folder=tmp_path, scenario="receipts on their way") as run:
        run.flow()
        kill_with_receipts_on_their_way(run)
        run.heal()
        run.drain()
        assert run.verdict() == Verdict()


def kill_with_receipts_on_their_way(run: FaultRun) -> None:
    """Kill the edge on a line on which everything is under way for a while."""
    late = run.begin(Strike(kind="late", part="edge", lasts_s=0))
    run.feed(STEPS_PER_S)
    run.suffer(Strike(kind="kill", part="edge", lasts_s=1.0))
    run.note(late())


def survive(
    installation: Installation, node: str, folder: Path, victims: tuple[str, ...], *, outage_s: float = SHORT_S
) -> None:
    """Strike in the middle of a feed and hold every store against what was accepted."""
    with FaultRun(installation, node=node, folder=folder, scenario=f"killed: {victims}") as run:
        run.flow()
        run.strike(victims, outage_s=outage_s)
        run.heal()
        run.feed(STEPS_PER_S)
        run.drain()
        assert run.verdict() == Verdict()
    assert run.gaps() == dict.fromkeys(installation.stores, 0)
    assert run.figures.accepted_before >= STEPS_PER_S
    assert run.figures.accepted > run.figures.accepted_before + run.figures.accepted_meanwhile + STEPS_PER_S
