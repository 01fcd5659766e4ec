"""The suite is tested itself: each planted defect turns it red, in the way in which it should.

Without the defect the same faults leave nothing to complain of: `test_killed_processes` holds that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation, single_machine, sink_of
from tests.faults.fault_run import FaultRun
from tests.faults.strikes import BROKER, Strike
from tests.faults.test_killed_processes import kill_with_receipts_on_their_way

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]


def test_edge_that_deletes_on_puback_loses_what_a_wiped_broker_had(
    without_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """Killed behind it, the gateway never saw what the broker had acknowledged and then forgot: I1 and I8."""
    with FaultRun(without_kafka, node=unique_name, folder=tmp_path, defect="delete-on-puback") as run:
        run.flow()
        run.strike(("gateway", BROKER), outage_s=0.5)
        run.heal()
        run.drain()
        (found,) = run.verdict().stores.values()
    assert found.lost
    assert found.skipped


@pytest.mark.at_length
def test_gateway_that_subscribes_once_hears_nothing_after_a_wiped_broker(unique_name: str, tmp_path: Path) -> None:
    """It is connected, and nothing comes: no fresh event within ten seconds, I5."""
    with (
        single_machine(tmp_path, planted={"gateway": "subscribe-once"}) as installation,
        FaultRun(installation, node=unique_name, folder=tmp_path, is_planted=True) as run,
    ):
        run.flow()
        run.suffer(Strike(kind="wipe", part=BROKER, lasts_s=0.1))
        with pytest.raises(AssertionError, match=r"10\.0 s after healing"):
            run.heal()


def test_store_without_dedupe_doubles_what_a_killed_edge_sends_again(unique_name: str, tmp_path: Path) -> None:
    """What was stored before its receipt was noted is stored a second time: I4."""
    with (
        single_machine(tmp_path, has_lines=True, planted={"gateway": "no-dedupe"}) as installation,
        FaultRun(installation, node=unique_name, folder=tmp_path, is_planted=True) as run,
    ):
        run.flow()
        kill_with_receipts_on_their_way(run)
        run.heal()
        run.drain()
        assert run.verdict().stores["sqlite"].doubled


@contextmanager
def with_planted_sink(installation: Installation, folder: Path, defect: str) -> Iterator[Installation]:
    """Run one more sink behind the same Kafka, with a defect planted in it; its store is the only one looked at."""
    with sink_of(installation, folder, "planted", defect=defect) as sink:
        yield Installation(
            mqtt_url=installation.mqtt_url,
            parts={"gateway": installation.parts["gateway"], "planted": sink.process},
            stores={"planted": sink.store_url},
            kafka_address=installation.kafka_address,
            lines=installation.lines,
        )


@pytest.mark.at_length
def test_sink_that_commits_its_offset_first_loses_what_it_had_read(
    with_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """Killed between the two, it never reads those records again: I1 and I8."""
    with (
        with_planted_sink(with_kafka, tmp_path, "offset-first") as installation,
        FaultRun(installation, node=unique_name, folder=tmp_path, is_planted=True) as run,
    ):
        run.flow()
        for _ in range(2):
            run.suffer(Strike(kind="kill", part="planted", lasts_s=0.2))
            run.heal()
        run.drain()
        (found,) = run.verdict().stores.values()
    assert found.lost
    assert found.skipped
