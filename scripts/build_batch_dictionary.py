"""Trains the zstd dictionary with which batches are compressed, on made-up events of every kind that a camera causes.

A single event of 700 bytes has nothing in it that zstd could refer back to; what all events share is in the dictionary.
The file is part of the contract: both ends need the same bytes. A new one gets a new number and a file of its own, and
the decoder keeps the old ones.

    python -m scripts.build_batch_dictionary NUMBER
"""

import sys
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import msgspec
import zstandard

from winnow.detectors.catalogue import open_detector
from winnow.events import Event, Recorded, Thumbnail, encode_event, new_event
from winnow.events.batch import dictionary_path, thumbnail_item
from winnow.events.data import (
    CameraOffline,
    CameraOnline,
    CameraStats,
    EventData,
    LineCrossed,
    ModelRef,
    NodeStats,
    ObjectEnded,
    ObjectStarted,
    ObjectUpdated,
    PathPoint,
    ZoneDwelled,
    ZoneEntered,
    ZoneExited,
)

SIZE_BYTES: Final = 8 * 1024
SAMPLES: Final = 4000
_LABELS: Final = ("person", "person", "person", "car", "truck", "bicycle", "bus", "dog", "cat", "motorcycle")
_PLACES: Final = (
    "door",
    "yard",
    "street",
    "entrance",
    "gate",
    "shop",
    "drive",
    "garden",
    "hall",
    "parking",
    "camera-1",
)
_FRAMES: Final = ((1920, 1080), (1280, 720), (2560, 1440), (640, 480), (640, 360), (704, 576), (3840, 2160))
_IMAGE: Final = bytes(800)


class Maker:
    """Makes events up; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up events, no secret
        card = open_detector("nanodet-g-416-int8", threads=1).card
        self._model = ModelRef(name=card.name, sha256=card.sha256)

    def item(self) -> bytes:
        """Return one event or the attributes of one thumbnail, as they stand in a batch."""
        random = self._random
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=random.randrange(10**6 * 86400 * 365 * 3))
        camera = random.choice(_PLACES)
        subject = f"{random.choice(_LABELS)}/{random.randrange(1, 3000)}"
        recorded = Recorded(epoch=self._hex(10), sequence=random.randrange(1, 10**6), at=at)
        if random.random() < 0.15:  # noqa: PLR2004 - about the share of pictures on a street
            thumbnail = Thumbnail(
                id=self._hex(32),
                node="edge",
                camera=camera,
                subject=subject,
                time=at,
                event_id=self._hex(32),
                jpeg=_IMAGE[: random.randrange(500, 800)],
                sha256=self._hex(64),
                recorded=recorded,
            )
            return thumbnail_item(thumbnail)
        data = self._data(subject, at)
        event: Event = new_event(
            id=self._hex(32), node="edge", camera=camera, subject=subject, time=self._grid(at), data=data
        )
        return encode_event(event.with_record(recorded))

    def _data(self, subject: str, at: datetime) -> EventData:
        random = self._random
        label, track = subject.split("/")
        clock = random.choice(("wall", "file", "rtcp"))
        about = {
            "label": label,
            "track": int(track),
            "score": self._share(),
            "box": (self._share(), self._share(), self._share(), self._share()),
            "frame": random.choice(_FRAMES),
            "model": self._model,
            "clock": clock,
        }
        zone = random.choice(_PLACES)
        dwell_s = round(random.uniform(1, 60), random.choice((1, 3)))
        first_seen = self._grid(at - timedelta(seconds=dwell_s))
        kinds: dict[str, tuple[type[EventData], dict[str, object]]] = {
            "started": (ObjectStarted, about | {"first_seen": first_seen}),
            "updated": (
                ObjectUpdated,
                about
                | {
                    "revision": random.randrange(1, 9),
                    "change": random.choice(("moving", "stationary", "zones", "zones")),
                    "moving": random.random() < 0.7,  # noqa: PLR2004
                    "zones": [zone][: random.randrange(2)],
                },
            ),
            "ended": (
                ObjectEnded,
                about
                | {
                    "first_seen": first_seen,
                    "last_seen": self._grid(at),
                    "dwell_s": dwell_s,
                    "top_score": self._share(),
                    "path": [
                        PathPoint(after_s=round(step * dwell_s / 12, 3), x=self._share(), y=self._share())
                        for step in range(random.randrange(2, 14))
                    ],
                    "zones": [zone][: random.randrange(2)],
                    "reason": random.choice(("lost", "lost", "lost", "stopped", "stream")),
                    "picture": random.choice(("object.ended", "object.ended", "object.started", None)),
                },
            ),
            "crossed": (LineCrossed, about | {"line": zone, "direction": random.choice(("in", "out"))}),
            "entered": (ZoneEntered, about | {"zone": zone}),
            "exited": (ZoneExited, about | {"zone": zone, "dwell_s": dwell_s}),
            "dwelled": (ZoneDwelled, about | {"zone": zone, "dwell_s": dwell_s}),
            "online": (CameraOnline, {"frame": about["frame"], "clock": clock}),
            "offline": (CameraOffline, {"reason": "no packet for 5 s", "since": at}),
            "stats": (NodeStats, self._stats()),
        }
        weights = {"started": 8, "updated": 12, "ended": 8, "crossed": 6, "entered": 8, "exited": 8, "stats": 3}
        kind = random.choices(list(kinds), [weights.get(name, 1) for name in kinds])[0]
        data_type, values = kinds[kind]
        return msgspec.convert(values, type=data_type)

    def _stats(self) -> dict[str, object]:
        random = self._random
        cameras = [
            CameraStats(
                camera=name,
                frames_decoded=random.randrange(300, 1800),
                frames_analysed=300,
                frames_dropped={"drop_oldest": random.randrange(9), "damaged": 0},
                bytes_in=random.randrange(10**6, 10**8),
                bytes_out=random.randrange(10**5),
                latency_p50_ms=round(random.uniform(5, 80), 1),
                latency_p95_ms=round(random.uniform(20, 200), 1),
            )
            for name in random.sample(_PLACES, 2)
        ]
        return {"period_s": 60.0, "cameras": cameras, "spool_depth": 0, "spool_bytes": 0, "model": self._model}

    def _share(self) -> float:
        return round(self._random.random(), 4)

    def _hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def _grid(self, at: datetime) -> datetime:
        """Return the time as a recording or a camera gives it: often on a tenth of a second."""
        return at.replace(microsecond=at.microsecond // 100_000 * 100_000) if self._random.random() < 0.5 else at  # noqa: PLR2004


def main() -> None:
    """Write the dictionary with the number that was asked for."""
    number = int(sys.argv[1])
    maker = Maker(number)
    samples: list[bytes | bytearray | memoryview] = [maker.item() for _ in range(SAMPLES)]
    trained = zstandard.train_dictionary(SIZE_BYTES, samples, dict_id=number, level=19)
    dictionary_path(number).write_bytes(trained.as_bytes())


if __name__ == "__main__":
    main()
