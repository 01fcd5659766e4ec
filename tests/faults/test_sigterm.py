"""SIGTERM ends a process within ten seconds, whatever it waits for; what it had not finished comes again."""

import time
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.end_to_end.processes import WinnowProcess
from tests.faults.fault_run import FaultRun
from tests.faults.history import Verdict
from tests.faults.scale import SCALE
from tests.faults.strikes import Strike
from tests.faults.summary import note_figures

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

STOPS_WITHIN_S = 10.0
SERVERS = ("broker", "kafka", "database")
STATES = [(), *((server,) for server in SERVERS), SERVERS] if SCALE.is_full else [SERVERS]


@pytest.mark.parametrize("frozen", STATES, ids=lambda servers: "-and-".join(servers) or "healthy")
def test_sigterm_ends_gateway_and_sinks_in_time(
    with_kafka: Installation, unique_name: str, tmp_path: Path, frozen: tuple[str, ...]
) -> None:
    """With servers that are there and do not answer, and batches in hand, all three end; nothing is lost or doubled."""
    with FaultRun(with_kafka, node=unique_name, folder=tmp_path, scenario=f"SIGTERM, frozen: {frozen}") as run:
        run.flow()
        ends = [run.begin(Strike(kind="stop", part=name, lasts_s=0)) for name in frozen]
        run.feed(60)
        ours = {name: part for name, part in with_kafka.parts.items() if isinstance(part, WinnowProcess)}
        asked_at_s, took_s = time.monotonic(), {}
        for part in ours.values():
            part.ask_to_end()
        for name, part in ours.items():
            part.wait(STOPS_WITHIN_S + 5)
            took_s[name] = time.monotonic() - asked_at_s
        run.note(*(end() for end in ends))
        for part in ours.values():
            part.start()
        for part in ours.values():
            part.wait_until_ready()
        run.suffer(Strike(kind="kill", part="edge", lasts_s=0.1))
        run.heal()
        run.check()
        run.drain()
        assert run.verdict() == Verdict()
    note_figures(tmp_path, **{f"{name}_ended_after_s": round(s, 1) for name, s in took_s.items()})
    assert {name: s for name, s in took_s.items() if s > STOPS_WITHIN_S} == {}
