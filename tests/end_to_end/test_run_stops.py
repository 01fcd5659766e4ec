"""`winnow run` on a live camera: its events reach the store, and SIGTERM ends it in time with nothing left open."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import msgspec
import pytest

from scripts.services import free_port
from tests.end_to_end.contents import Row, read_contents
from tests.end_to_end.footage import SAMPLES
from tests.end_to_end.installation import Installation, single_machine, write_settings
from tests.end_to_end.processes import WinnowProcess, eventually, winnow
from winnow.cloud_sink.store import open_store
from winnow.events.data import ObjectEnded
from winnow.pipeline.sources.testing import serve_stream, transport_stream

pytestmark = [pytest.mark.broker]

FRAMES = 795
FRAMES_PER_S = 10
SEEN_WITHIN_S = 30.0
STOPS_WITHIN_S = 10.0
OBJECTS = 3


@pytest.fixture(scope="module")
def camera_url() -> Iterator[str]:
    """Return the URL of a camera that sends the street clip, as MPEG transport stream, as fast as it was filmed."""
    stream = transport_stream(SAMPLES / "street.mp4")
    size = len(stream) // FRAMES + 1

    def paced(stopping: Event) -> Iterable[bytes]:
        began_s = time.monotonic()
        for number in range(FRAMES):
            if stopping.wait(max(0.0, began_s + number / FRAMES_PER_S - time.monotonic())):
                return
            yield stream[number * size : (number + 1) * size]
        stopping.wait()

    with serve_stream(paced, content_type="video/mp2t") as url:
        yield url


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Return a running broker and a gateway that writes into SQLite."""
    with single_machine(tmp_path) as running:
        yield running


def edge_process(folder: Path, installation: Installation, camera_url: str, node: str) -> WinnowProcess:
    """Return an edge that watches the camera, not started yet."""
    port = free_port()
    settings = {
        "node": node,
        "mqtt": {"url": installation.mqtt_url},
        "spool": {"path": str(folder / "spool.sqlite")},
        "metrics": {"port": port},
        "cameras": {"street": {"source": camera_url}},
    }
    config = write_settings(folder / "edge.yaml", settings)
    return winnow("edge", "run", "-c", str(config), folder=folder, health_port=port)


def rows_of(installation: Installation, node: str) -> tuple[Row, ...]:
    """Return what the store holds of a node."""
    return read_contents(installation.stores["sqlite"], node).rows


def started(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that say that an object has started."""
    return [row for row in rows if row.kind == "object.started"]


def endings(rows: Iterable[Row]) -> list[ObjectEnded]:
    """Return the data of the rows that say that an object has ended."""
    return [msgspec.json.decode(row.content, type=ObjectEnded) for row in rows if row.kind == "object.ended"]


def waits_in_spool(folder: Path) -> int:
    """Return how many messages wait, read beside the edge that has the spool open."""
    with closing(sqlite3.connect(f"file:{folder / 'spool.sqlite'}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT count(*) FROM message").fetchone()
    return int(count)


def test_sigterm_ends_open_objects_and_delivers_them_within_ten_seconds(
    installation: Installation, camera_url: str, unique_name: str, tmp_path: Path
) -> None:
    """Exit code 0, an `object.ended` for each object, `stopped` for those in view, an empty spool, state `stopped`."""
    with edge_process(tmp_path, installation, camera_url, unique_name) as edge:
        eventually(
            lambda: len(started(rows_of(installation, unique_name))) >= OBJECTS,
            SEEN_WITHIN_S,
            lambda: f"no objects in the store:\n{edge.log_tail()}",
        )
        code, took_s = edge.terminate(STOPS_WITHIN_S)

    rows = rows_of(installation, unique_name)
    tracks = {ending.track: ending.reason for ending in endings(rows)}
    assert code == 0, edge.log_tail()
    assert took_s < STOPS_WITHIN_S
    assert len(tracks) == len(endings(rows)) == len(started(rows))
    assert "stopped" in tracks.values()
    assert sorted(row.sequence for row in rows) == list(range(1, len(rows) + 1))
    assert waits_in_spool(tmp_path) == 0
    with closing(open_store(installation.stores["sqlite"], create=False)) as store:
        eventually(
            lambda: [row.state for row in store.nodes()] == ["stopped"], 5.0, lambda: "the node's state is not told"
        )


def test_events_of_an_edge_that_was_stopped_without_a_broker_arrive_after_its_next_start(
    installation: Installation, camera_url: str, unique_name: str, tmp_path: Path
) -> None:
    """SIGTERM ends an edge in time although it can deliver nothing; what it had accepted is kept and sent later."""
    installation.parts["broker"].kill()
    with edge_process(tmp_path, installation, camera_url, unique_name) as edge:
        edge.wait_until_ready()
        eventually(lambda: waits_in_spool(tmp_path) >= OBJECTS, SEEN_WITHIN_S, lambda: "the spool stays empty")
        code, took_s = edge.terminate(STOPS_WITHIN_S)
        kept = waits_in_spool(tmp_path)
        assert code == 0, edge.log_tail()
        assert took_s < STOPS_WITHIN_S
        assert kept >= OBJECTS
        assert rows_of(installation, unique_name) == ()

        installation.parts["broker"].start()
        edge.start()
        eventually(
            lambda: {row.sequence for row in rows_of(installation, unique_name)} >= set(range(1, kept + 1)),
            SEEN_WITHIN_S,
            lambda: f"what was kept does not arrive:\n{edge.log_tail()}",
        )
    first_life = [row for row in rows_of(installation, unique_name) if row.sequence <= kept]
    assert len(first_life) == kept
    assert len(endings(first_life)) == len(started(first_life)) >= 1
