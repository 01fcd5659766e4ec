"""What every spool gives up before it is full: 80, 90 and 95 % of its limit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.contract.test_spool_contract import named, numbers, tombstones_of, waiting
from winnow.events import Event, Thumbnail
from winnow.pipeline.delivery import DeliveryMetrics, Message, Spool, SqliteSpool
from winnow.pipeline.delivery.sealing import ReadableRows, SealedRows, SpoolKey
from winnow.pipeline.delivery.testing import MemorySpool, crossing, thumbnail, update
from winnow.runtime.testing import ManualClock

QUOTA = 1_000_000
PICTURE_BYTES = 20_000
Open = Callable[[], Spool]


@pytest.fixture
def registry() -> CollectorRegistry:
    """Return where the spool counts."""
    return CollectorRegistry()


@pytest.fixture(params=["sqlite", "sealed", "memory"])
def open_spool(request: pytest.FixtureRequest, tmp_path: Path, registry: CollectorRegistry) -> Iterator[Open]:
    """Return a way to open a spool with a quota of a million bytes, each time the same one if it is on disk."""
    opened: list[Spool] = []
    metrics = DeliveryMetrics(registry)

    def opener() -> Spool:
        if request.param == "memory":
            opened.append(MemorySpool(node="shop-1", clock=ManualClock(), max_bytes=QUOTA))
        else:
            rows = SealedRows([SpoolKey(bytes(32))]) if request.param == "sealed" else ReadableRows()
            spool = SqliteSpool(
                tmp_path / "spool.sqlite",
                node="shop-1",
                clock=ManualClock(),
                metrics=metrics,
                max_bytes=QUOTA,
                free_floor_bytes=0,
                rows=rows,
            )
            opened.append(spool)
        return opened[-1]

    yield opener
    for spool in opened:
        spool.close()


def of_update(number: int) -> list[Message]:
    """Return a plain update and its thumbnail."""
    event = update(number)
    return [event, belonging(event, number)]


def of_crossing(number: int) -> list[Message]:
    """Return a crossing and its thumbnail."""
    event = crossing(number)
    return [event, belonging(event, number)]


def belonging(event: Event, number: int) -> Thumbnail:
    """Return a thumbnail of an event."""
    return replace(thumbnail(number, size_bytes=PICTURE_BYTES), event_id=event.id)


def fill(spool: Spool, share: float) -> None:
    """Append crossings with a thumbnail of an object of its own until so much of the quota waits, or nearly."""
    number = 100_000 + spool.last_sequence
    while spool.size_bytes < share * QUOTA - PICTURE_BYTES - 2000:
        spool.append(of_crossing(number))
        number += 1


def gone(spool: Spool) -> set[int]:
    """Return what does not wait; each is named by a tombstone, and nothing else is."""
    left = set(numbers(waiting(spool)))
    missing = set(range(1, spool.last_sequence + 1)) - left
    assert set(named(tombstones_of(spool))) == missing
    return missing


def dropped(registry: CollectorRegistry) -> dict[str, float]:
    """Return what was counted, by reason."""
    reasons = ("space_80", "space_90", "space_95", "space")
    counted = {one: registry.get_sample_value("winnow_dropped_messages_total", {"reason": one}) for one in reasons}
    return {reason: value for reason, value in counted.items() if value}


def test_nothing_goes_below_four_fifths(open_spool: Open) -> None:
    """Up to 80 % of the limit everything stays."""
    spool = open_spool()
    for number in range(10):
        spool.append(of_update(number))
    fill(spool, 0.79)
    assert gone(spool) == set()


def test_thumbnails_of_plain_updates_go_first(open_spool: Open, registry: CollectorRegistry) -> None:
    """From 80 % on: the oldest of them until 75 % waits; updates themselves and other thumbnails stay."""
    spool = open_spool()
    for number in range(20):
        spool.append(of_update(number))
    fill(spool, 0.82)
    assert spool.size_bytes > 0.75 * QUOTA - PICTURE_BYTES
    lost = gone(spool)
    assert lost
    pictures = sorted(n for n in lost if n <= 40)
    assert pictures == list(range(2, 2 * len(pictures) + 1, 2)), "every second message was a thumbnail of an update"
    if not isinstance(spool, MemorySpool):
        assert set(dropped(registry)) == {"space_80"}


def test_updates_go_next(open_spool: Open, registry: CollectorRegistry) -> None:
    """From 90 % on the oldest updates go until 85 % waits; thumbnails of what matters stay."""
    spool = open_spool()
    spool.append([update(number) for number in range(400)])
    fill(spool, 0.89)
    assert gone(spool) == set()
    fill(spool, 0.93)
    lost = {n for n in gone(spool) if n <= 400}
    assert lost == set(range(1, len(lost) + 1))
    assert lost
    assert spool.size_bytes < 0.92 * QUOTA
    if not isinstance(spool, MemorySpool):
        assert dropped(registry) == {"space_90": float(len(lost))}


def test_one_thumbnail_of_each_object_is_kept_at_last(open_spool: Open, registry: CollectorRegistry) -> None:
    """From 95 % on the older pictures of each object go; its newest stays, and so does every event."""
    spool = open_spool()
    for _ in range(3):
        for number in range(5):
            spool.append(of_crossing(number))
    fill(spool, 0.94)
    assert gone(spool) == set()
    fill(spool, 0.99)
    lost = {n for n in gone(spool) if n <= 30}
    assert lost
    assert lost <= {2, 4, 6, 8, 10, 12, 14, 16, 18, 20}, "thumbnails of objects that have a newer one"
    assert {22, 24, 26, 28, 30} <= set(numbers(waiting(spool)))
    if not isinstance(spool, MemorySpool):
        assert dropped(registry) == {"space_95": float(len(lost))}


def test_pictures_of_an_earlier_life_are_not_those_of_an_object_of_now(tmp_path: Path) -> None:
    """Track numbers begin anew with the process: two objects of one name keep a picture each."""
    path = tmp_path / "spool.sqlite"
    keys = []
    for _ in range(2):
        spool = SqliteSpool(
            path, node="shop-1", clock=ManualClock(), metrics=DeliveryMetrics(CollectorRegistry()), max_bytes=QUOTA
        )
        spool.append(of_crossing(1))
        spool.append(of_crossing(1))
        keys = [key for (key,) in spool._database.execute("SELECT object_key FROM picture ORDER BY sequence")]
        spool.close()
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_pictures_are_forgotten_with_their_messages(open_spool: Open) -> None:
    """What the file knows of thumbnails goes with them, however they go."""
    spool = open_spool()
    for number in range(120):
        spool.append(of_crossing(number))
    if isinstance(spool, SqliteSpool):
        known = {n for (n,) in spool._database.execute("SELECT sequence FROM picture")}
        images = {one.sequence for one in waiting(spool) if one.mqtt.content_type == "image/jpeg"}
        assert known == images
        assert images


def test_steps_act_once_for_each_hundredth_of_the_limit(tmp_path: Path) -> None:
    """A step with little to free does not rewrite the tombstones at every append."""
    spool = SqliteSpool(
        tmp_path / "spool.sqlite",
        node="shop-1",
        clock=ManualClock(),
        metrics=DeliveryMetrics(CollectorRegistry()),
        max_bytes=QUOTA,
        free_floor_bytes=0,
    )
    fill(spool, 0.81)
    rewritten, before = 0, spool.last_sequence
    appends = 0
    while spool.size_bytes < 0.88 * QUOTA:
        event = update(appends)
        spool.append([event, replace(thumbnail(appends, size_bytes=500), event_id=event.id)])
        appends += 1
        rewritten += spool.last_sequence - before - 2
        before = spool.last_sequence
    spool.close()
    assert appends > 50
    assert 0 < rewritten <= 20
