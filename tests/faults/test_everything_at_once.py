"""Kills, stops, wipes and broken lines by chance, several at a time: afterwards everything accepted is stored once."""

import time
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.faults.fault_run import FaultRun
from tests.faults.history import Struck, Verdict
from tests.faults.scale import SCALE
from tests.faults.strikes import End, draw

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

AT_ONCE = 3
LONGEST_S = 10.0 if SCALE.is_full else 2.0


def test_everything_at_once_costs_and_doubles_nothing(
    with_kafka: Installation, unique_name: str, tmp_path: Path
) -> None:
    """Up to three faults overlap at any time; ten seconds after the last one a fresh event is in both stores."""
    random = SCALE.random("everything at once")
    with FaultRun(with_kafka, node=unique_name, folder=tmp_path, scenario="everything at once") as run:
        run.flow()
        under_way: dict[str, tuple[float, End]] = {}
        until_s = time.monotonic() + SCALE.chaos_s
        while time.monotonic() < until_s:
            for name in [name for name, (ends_at_s, _) in under_way.items() if ends_at_s <= time.monotonic()]:
                note_if_it_met_something(run, under_way.pop(name)[1]())
            processes = [name for name in sorted(run.parts) if name not in under_way]
            lines = [who for who in sorted(with_kafka.lines) if f"line {who}" not in under_way]
            if len(under_way) < AT_ONCE:
                strike = draw(random, processes, lines, longest_s=LONGEST_S)
                place = strike.part if strike.kind in {"kill", "stop", "wipe"} else f"line {strike.part}"
                under_way[place] = time.monotonic() + strike.lasts_s, run.begin(strike)
            time.sleep(random.uniform(0.1, 1.0))
        for _, end in under_way.values():
            note_if_it_met_something(run, end())
        run.heal()
        run.check()
        run.drain()
        assert run.verdict() == Verdict()
    assert run.figures.faults >= SCALE.chaos_s / 5


def note_if_it_met_something(run: FaultRun, struck: Struck) -> None:
    """Count a fault, unless it was of a line on which nobody was: both ends may be dead or stopped themselves."""
    if min(struck.evidence.values()) > 0:
        run.note(struck)
        run.figures.faults += 1
