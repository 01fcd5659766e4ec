"""The lines to the broker, cut, swallowed, half closed, late and flapping: nothing is lost, nothing is stored twice."""

import time
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.faults.fault_run import FaultRun
from tests.faults.history import Struck, Verdict
from tests.faults.scale import SCALE
from tests.faults.strikes import Kind, Strike

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

KINDS: tuple[Kind, ...] = ("cut", "black hole", "half-close", "late")
LASTS_S = 10.0 if SCALE.is_full else 1.0
FLAPS = 60 if SCALE.is_full else 4


@pytest.mark.parametrize("who", ["edge", "gateway"])
def test_broken_line_costs_and_doubles_nothing(
    without_kafka: Installation, unique_name: str, tmp_path: Path, who: str
) -> None:
    """Whatever breaks a line between a process and the broker, ten seconds after it is whole fresh events arrive."""
    with FaultRun(without_kafka, node=unique_name, folder=tmp_path, scenario=f"line of the {who}") as run:
        run.flow()
        for kind in KINDS:
            run.suffer(Strike(kind=kind, part=who, lasts_s=LASTS_S))
            run.heal()
            run.check()
        run.drain()
        assert run.verdict() == Verdict()


def test_flapping_lines_cost_and_double_nothing(without_kafka: Installation, unique_name: str, tmp_path: Path) -> None:
    """Both lines come and go by chance, for less than a connection needs to become a good one."""
    random = SCALE.random("flapping")
    with FaultRun(without_kafka, node=unique_name, folder=tmp_path, scenario="flapping") as run:
        run.flow()
        cuts, began_s = 0.0, time.monotonic()
        for _ in range(FLAPS):
            ends = [run.begin(Strike(kind="cut", part=who, lasts_s=0)) for who in ("edge", "gateway")]
            run.feed(random.randrange(3, 12))
            cuts += sum(end().evidence["cut"] for end in ends)
            run.feed(random.randrange(3, 30))
        run.note(Struck(fault="flapping", part="both", at_s=began_s, evidence={"cut more than half": cuts - FLAPS / 2}))
        run.heal()
        run.check()
        run.drain()
        assert run.verdict() == Verdict()
