"""SIGSTOP: connections stay open and nothing answers; once a process goes on, nothing is missing or doubled."""

from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.faults.fault_run import FaultRun
from tests.faults.history import Verdict
from tests.faults.scale import SCALE
from tests.faults.strikes import Strike

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def test_stopped_processes_cost_and_double_nothing(with_kafka: Installation, unique_name: str, tmp_path: Path) -> None:
    """Each process stands still for a while, one after the other; ten seconds after each a fresh event is stored."""
    with FaultRun(with_kafka, node=unique_name, folder=tmp_path, scenario="stopped") as run:
        run.flow()
        for name in sorted(run.parts):
            run.suffer(Strike(kind="stop", part=name, lasts_s=SCALE.stop_s))
            run.heal()
            run.check()
        run.drain()
        assert run.verdict() == Verdict()
