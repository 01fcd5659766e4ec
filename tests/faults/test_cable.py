"""An edge whose cable is pulled, or narrow, in a network namespace: what goes first, and how soon it is over.

The installation's own end of the cable is a plain line, so every byte and every connection is counted.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles

import pytest

from tests.end_to_end.contents import Arrival, read_arrivals
from tests.end_to_end.installation import Installation
from tests.end_to_end.processes import eventually
from tests.faults.fault_run import FaultRun
from tests.faults.feeder import Feed
from tests.faults.history import Drained, Struck, Verdict
from tests.faults.namespace import Cable, cable_to
from tests.faults.oracle import Place, place_of
from tests.faults.scale import SCALE
from tests.faults.summary import note_figures

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

EVENTS_PER_S = 50
WIDE_KBIT_PER_S = 20_000
NARROW_KBIT_PER_S = 256
SETTLED_S = 0.5
"""What had come through before a cable was pulled is at the broker by then."""
LIVE_WITHIN_S = 2.0
EVENT_P95_S = 3.0


@pytest.fixture
def cable(without_kafka: Installation) -> Iterator[Cable]:
    """Return a cable to the installation's broker: in a namespace where this user may have one."""
    with cable_to(int(without_kafka.mqtt_url.rpartition(":")[2])) as cable:
        yield cable


def run_behind(cable: Cable, installation: Installation, node: str, folder: Path, feed: Feed) -> FaultRun:
    """Return a run whose feeder is in the namespace."""
    url = f"mqtt://{cable.line.address}"
    return FaultRun(
        installation, node=node, folder=folder, scenario="cable", feed=feed, prefix=cable.prefix, mqtt_url=url
    )


def waiting(run: FaultRun) -> set[Place]:
    """Return what was accepted and is not stored."""
    return {place_of(entry) for entry in run.journal().accepted} - run.places()["sqlite"]


def chains(sequences: Sequence[int]) -> int:
    """Return the smallest number of ascending series that these can be dealt out to.

    That is the length of the longest falling series. Source: Dilworth, Annals of Mathematics 51 (1950).
    """
    ends: list[int] = []
    for sequence in sequences:
        below = [index for index, end in enumerate(ends) if end < sequence]
        if below:
            ends[max(below, key=lambda index: ends[index])] = sequence
        else:
            ends.append(sequence)
    return len(ends)


def test_backlog_of_a_pulled_cable_drains_fast_behind_live_events(
    without_kafka: Installation, cable: Cable, unique_name: str, tmp_path: Path
) -> None:
    """Nothing is lost; live events take two seconds at most while the backlog drains at five times the live rate.

    Each camera's messages of a kind stay in order, but for the one step at which what is live overtakes the backlog.
    The process hears nothing of the cable: TCP would try again only every quarter of a minute by then.
    """
    url = without_kafka.stores["sqlite"]
    feed = Feed(steps_per_s=EVENTS_PER_S)
    with run_behind(cable, without_kafka, unique_name, tmp_path, feed) as run:
        cable.narrow(WIDE_KBIT_PER_S)
        run.flow()
        at_s = time.monotonic()
        cable.pull()
        time.sleep(SETTLED_S)
        passed, arrived = cable.line.counts.passed_bytes, cable.arrived()
        time.sleep(SCALE.cut_s - SETTLED_S)
        evidence = {
            "packets vanished": float(cable.arrived() - arrived),
            "nothing passed": float(cable.line.counts.passed_bytes == passed),
            "backlog grew": len(waiting(run)) - SCALE.cut_s * EVENTS_PER_S / 2,
        }
        cable.plug()
        run.note(Struck(fault="cable pulled", part="edge", at_s=at_s, evidence=evidence))
        run.heal()
        backlog, found_at_s, begins = waiting(run), time.monotonic(), read_arrivals(url, unique_name)[-1].stored_at
        eventually(lambda: not backlog & waiting(run), 2 * SCALE.cut_s, lambda: "the backlog does not drain")
        took_s, ends = time.monotonic() - found_at_s, read_arrivals(url, unique_name)[-1].stored_at
        run.note(Drained(backlog=len(backlog), took_s=round(took_s, 2), live_per_s=EVENTS_PER_S * 4 / 3))
        run.drain()
        assert run.verdict() == Verdict()
        arrivals = read_arrivals(url, unique_name)
    live = [one for one in arrivals if begins < one.recorded_at < ends]
    print(f"{run.facts[1:4]} live: {len(live)} at most {max((one.took_s for one in live), default=0):.2f} s")  # noqa: T201
    note_figures(tmp_path, live_events_behind_backlog=len(live), slowest_s=max(one.took_s for one in live))
    assert live, "the backlog was gone before anything could overtake it"
    assert max(one.took_s for one in live) <= LIVE_WITHIN_S
    assert {series: chains(of) for series, of in by_camera(arrivals).items() if chains(of) > 2} == {}


def by_camera(arrivals: Sequence[Arrival]) -> dict[tuple[str, str], list[int]]:
    """Return camera and kind → sequences in the order in which they were stored."""
    series: dict[tuple[str, str], list[int]] = {}
    for one in arrivals:
        series.setdefault((one.camera, one.kind), []).append(one.sequence)
    return series


def test_narrow_cable_carries_events_before_thumbnails(
    without_kafka: Installation, cable: Cable, unique_name: str, tmp_path: Path
) -> None:
    """At 256 kbit/s, with twice as much in thumbnails, 95 of 100 events are stored within three seconds."""
    feed = Feed(steps_per_s=10, thumbnail_bytes=20_000)
    with run_behind(cable, without_kafka, unique_name, tmp_path, feed) as run:
        run.flow()
        cable.narrow(NARROW_KBIT_PER_S)
        at_s, known = time.monotonic(), len(run.journal().accepted)
        time.sleep(SCALE.slow_s)
        held_back = {"held back": float(cable.held_back())}
        run.note(Struck(fault="cable narrowed", part="edge", at_s=at_s, evidence=held_back))
        sequences = {entry.sequence: entry.kind for entry in run.journal().accepted[known:]}
        left = {sequences[sequence] for _, sequence in waiting(run) if sequence in sequences}
        cable.widen()
        run.heal()
        run.drain()
        assert run.verdict() == Verdict()
        arrivals = read_arrivals(without_kafka.stores["sqlite"], unique_name)
    took_s = [one.took_s for one in arrivals if one.sequence in sequences]
    p95_s = quantiles(took_s, n=20)[-1]
    print(f"{len(took_s)} events, p95 {p95_s:.2f} s, at most {max(took_s):.2f} s")  # noqa: T201
    note_figures(tmp_path, events_at_256_kbit=len(took_s), p95_s=round(p95_s, 2), slowest_s=round(max(took_s), 2))
    assert "thumbnail.captured" in left, "the cable was wide enough for everything"
    assert p95_s <= EVENT_P95_S
