"""How much slower good traffic is while a thousand bad messages a second come."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from scripts.services import KafkaServer, MosquittoServer
from tests.broker.gateway_bench import GatewayProcess
from tests.broker.test_gateway_load import load
from tests.end_to_end.installation import made
from tests.end_to_end.processes import CHECKOUT

pytestmark = [pytest.mark.broker, pytest.mark.at_length]

BAD_PER_S: Final = 1000
ROUNDS: Final = 5
LASTS_S: Final = 6
GOOD: Final = ("--nodes", "50", "--rate", "100", "--duration", str(LASTS_S), "--thumbnails", "0.1")


def test_1000_bad_messages_a_second_at_most_double_the_p95_of_good_ones(tmp_path: Path, unique_name: str) -> None:
    """From accepted to receipted, alone and beside the flood in turns, the medians of five rounds compared."""
    with made(MosquittoServer) as broker, made(KafkaServer) as kafka:
        destination = f"destination: kafka://{kafka.address}"
        gateway = GatewayProcess(tmp_path, mqtt=broker.address, destination=destination, client_id="winnow-gateway")
        gateway.start()
        try:
            load(broker.address, *GOOD)  # warms everything up
            alone, beside, sent = [], [], 0.0
            for number in range(ROUNDS):
                alone.append(float(load(broker.address, *GOOD)["receipt_p95_s"]))
                before = gateway.refused()
                arguments = (broker.address, str(BAD_PER_S), str(LASTS_S + 3), f"{unique_name}-{number}")
                command = [sys.executable, "-m", "tests.broker.hostile_traffic", *arguments]
                with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=CHECKOUT) as hostile:
                    beside.append(float(load(broker.address, *GOOD)["receipt_p95_s"]))
                    assert hostile.wait(60) == 0
                sent += gateway.refused() - before
            print(f"p95 alone {alone}, beside {beside}, bad a second {sent / ROUNDS / (LASTS_S + 3):.0f}")  # noqa: T201
        finally:
            gateway.close()
    assert sent >= 0.8 * ROUNDS * (LASTS_S + 3) * BAD_PER_S, "the flood was no flood"
    assert median(beside) <= 2 * median(alone), (alone, beside)
