"""The gateway while Kafka is stopped and the traffic of 2 000 nodes goes on: it holds its window and nothing more."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from scripts.services import LocalServer
from tests.end_to_end.installation import Installation, kafka_installation
from tests.end_to_end.processes import CHECKOUT, eventually
from tests.faults.bounds import GROWTH_BYTES, Use, use_of
from tests.faults.scale import SCALE
from winnow.cloud_sink.store import open_store

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

STOPPED_S: Final = 600.0 if SCALE.is_full else 12.0
"""Half of it Kafka is frozen, half of it killed; in between it never comes back."""
RATE: Final = 1000 if SCALE.is_full else 300
NEW_FOR_S: Final = 45 if SCALE.is_full else 7
"""So long new messages come; then those without a receipt, again and again, at the same rate."""
FLOW_S: Final = 3.0
RECOVERY_S: Final = 90.0
STORED_WITHIN_S: Final = 600.0 if SCALE.is_full else 60.0
LEVEL_BYTES: Final = 8 * 1024 * 1024
"""What the window, a batch and a new producer may take in all; half a megabyte was seen."""
TREND_BYTES: Final = 2 * 1024 * 1024
MORE_FDS: Final = 4
MORE_THREADS: Final = 2


@pytest.fixture
def path_of_its_own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Return a running path over Kafka; at length one of its own, as the run leaves thousands of repeats in it."""
    if not SCALE.is_full:
        yield request.getfixturevalue("with_kafka")
        return
    with kafka_installation(tmp_path) as installation:
        yield installation


def watched(pid: int, seconds: float, *, until: Callable[[], bool] = lambda: False) -> list[Use]:
    """Return what a process holds, twice a second, for so long or until something is the case."""
    samples, until_s = [use_of(pid)], time.monotonic() + seconds
    while time.monotonic() < until_s and not until():
        time.sleep(0.5)
        samples.append(use_of(pid))
    return samples


def climbed(samples: list[Use]) -> float:
    """Return by how many bytes the memory of the last third is above that of the second."""
    third = len(samples) // 3
    middle, end = samples[third : 2 * third], samples[2 * third :]
    return median(use.memory_bytes for use in end) - median(use.memory_bytes for use in middle)


class Rows:
    """What a store has taken since this was made; reads on from where it was, so that it costs the store little.

    Attributes:
        ids: of one epoch's rows, and how often each is there.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.ids: Counter[str] = Counter()
        with closing(open_store(url, create=False)) as store:
            self._after = max((event.position for event in store.events(newest_first=True, limit=1)), default=0)

    def read(self, epoch: str) -> int:
        """Return how many different events of the epoch there are by now."""
        with closing(open_store(self._url, create=False)) as store:
            while events := store.events(after=self._after, limit=5000):
                self.ids.update(event.id for event in events if event.epoch == epoch)
                self._after = events[-1].position
        return len(self.ids)


def test_gateway_stays_as_it_is_while_kafka_is_stopped(path_of_its_own: Installation) -> None:
    """Memory, files and threads are flat, Kafka frozen or dead; when it is back, all arrives, and is stored once."""
    broker, kafka, gateway = (path_of_its_own.parts[name] for name in ("broker", "kafka", "gateway"))
    assert isinstance(broker, LocalServer)
    rows = [Rows(url) for url in path_of_its_own.stores.values()]
    options = [
        "--nodes",
        2000,
        "--rate",
        RATE,
        "--duration",
        NEW_FOR_S,
        "--thumbnails",
        0,
        "--settle",
        STOPPED_S + RECOVERY_S,
    ]
    command = [sys.executable, "-m", "winnow.cli", "loadgen", "--url", f"mqtt://{broker.address}", "--json"]
    with subprocess.Popen([*command, *map(str, options)], stdout=subprocess.PIPE, cwd=CHECKOUT, text=True) as load:
        before = watched(gateway.pid, FLOW_S)[-1]
        kafka.pause()
        frozen = watched(gateway.pid, STOPPED_S / 2)
        kafka.kill()
        dead = watched(gateway.pid, STOPPED_S / 2)
        kafka.start()
        back = watched(gateway.pid, RECOVERY_S, until=lambda: load.poll() is not None)
        summary = json.loads(load.communicate(timeout=STOPPED_S + 120)[0])
    most_bytes = max(use.memory_bytes for use in back)
    print(f"before {before}, frozen {frozen[-1]}, dead {dead[-1]}, then {most_bytes} bytes, load {summary}")  # noqa: T201
    assert summary["receipt_p95_s"] > STOPPED_S / 2, "Kafka was not away for those who waited"
    assert (summary["accepted"], summary["receipted"]) == (RATE * NEW_FOR_S, RATE * NEW_FOR_S)
    samples = frozen + dead
    assert max(use.memory_bytes for use in samples) - before.memory_bytes < LEVEL_BYTES
    assert max(use.fds for use in samples) - before.fds <= MORE_FDS
    assert max(use.threads for use in samples) - before.threads <= MORE_THREADS
    assert most_bytes - before.memory_bytes < GROWTH_BYTES, "the broker's whole queue came, and was taken into memory"
    assert max(climbed(frozen), climbed(dead)) < TREND_BYTES
    for one in rows:
        epoch, wanted = summary["epoch"], summary["accepted"]
        eventually(lambda: one.read(epoch) == wanted, STORED_WITHIN_S, lambda: f"{len(one.ids)} stored")  # noqa: B023
        assert set(one.ids.values()) == {1}
