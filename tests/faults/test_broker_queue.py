"""A broker whose queue overflows drops without a word, after it has acknowledged: only receipts bring it all."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.installation import single_machine
from tests.faults.fault_run import FaultRun
from tests.faults.feeder import Feed
from tests.faults.history import Struck, Verdict
from tests.faults.strikes import Strike

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

NODES = 3
QUEUE = 100
RETRY_S = 2.0
"""Instead of half a minute: that is how long a message waits that was dropped without a word."""
WINDOW = 64


def test_queue_that_overflows_costs_and_doubles_nothing(unique_name: str, tmp_path: Path) -> None:
    """Three nodes fill their windows while the gateway is dead: 192 messages for a queue of 100."""
    limits = (f"max_queued_messages {QUEUE}", "max_inflight_messages 20")
    feed = Feed(is_single=True, retry_s=RETRY_S)
    with ExitStack() as stack:
        installation = stack.enter_context(single_machine(tmp_path, broker_limits=limits))
        runs = []
        for number in range(NODES):
            folder = tmp_path / f"node-{number}"
            folder.mkdir()
            node = f"{unique_name}-{number}"
            run = FaultRun(installation, node=node, folder=folder, scenario="queue overflow", feed=feed)
            runs.append(stack.enter_context(run))
        for run in runs:
            run.flow()
        end = runs[0].begin(Strike(kind="kill", part="gateway", lasts_s=0))
        runs[0].feed(2 * WINDOW)  # all feed alike
        log = (installation.parts["broker"].root / "server.log").read_text()  # type: ignore[attr-defined]
        dropped = float("being dropped for client winnow-gateway" in log)
        killed = end()
        for run in runs:
            run.note(
                killed, Struck(fault="queue overflow", part="broker", at_s=killed.at_s, evidence={"told": dropped})
            )
            run.heal()
        for run in runs:
            run.check()
            run.drain()
            assert run.verdict() == Verdict()
