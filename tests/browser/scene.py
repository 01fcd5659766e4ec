"""A small site for the browser to look at: objects with real pictures, states, statistics."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from winnow.cloud_sink.store import Store
from winnow.events import Event, Recorded, Thumbnail, new_event
from winnow.events.data import (
    CameraStats,
    CertificateEnd,
    EventData,
    LineCrossed,
    ModelRef,
    NodeStats,
    ObjectEnded,
    ObjectStarted,
    PathPoint,
)
from winnow.events.identity import digest_of
from winnow.events.kafka import status_record, to_kafka
from winnow.events.status import CameraStatus, NodeStatus, encode_status
from winnow.events.thumbnail import sha256_of

NODE = "edge-yard"
MODEL = ModelRef(name="tiny", sha256="a" * 64)
BOX = (0.4, 0.3, 0.1, 0.3)
FRAME = (768, 576)


class Scene:
    """Writes what a node would send, in the order in which it would come.

    Args:
        store: where it goes.
        begin: time of the first event; each later one is a second later.
    """

    def __init__(self, store: Store, begin: datetime | None = None) -> None:
        self._store = store
        self._at = begin or datetime.now(UTC) - timedelta(minutes=1)
        self._sequence = 0

    def appear(self, track: int, *, camera: str = "street", label: str = "person", pictured: bool = True) -> Event:
        """An object came; its picture too, unless it is left for later."""
        data = ObjectStarted(
            label=label,
            track=track,
            score=0.8,
            box=BOX,
            frame=FRAME,
            model=MODEL,
            clock="wall",
            first_seen=self._at,
        )
        event = self.write(data, camera=camera, subject=f"{label}/{track}")
        if pictured:
            self.picture(event)
        return event

    def cross(self, track: int, *, camera: str = "street", label: str = "person", line: str = "gate") -> Event:
        """An object crossed a line."""
        data = LineCrossed(
            label=label,
            track=track,
            score=0.8,
            box=BOX,
            frame=FRAME,
            model=MODEL,
            clock="wall",
            line=line,
            direction="in",
        )
        return self.write(data, camera=camera, subject=f"{label}/{track}")

    def leave(self, track: int, *, camera: str = "street", label: str = "person") -> Event:
        """An object went after 12 seconds."""
        data = ObjectEnded(
            label=label,
            track=track,
            score=0.7,
            box=BOX,
            frame=FRAME,
            model=MODEL,
            clock="wall",
            first_seen=self._at - timedelta(seconds=12),
            last_seen=self._at,
            dwell_s=12.0,
            top_score=0.9,
            path=[PathPoint(after_s=0, x=0.1, y=0.5), PathPoint(after_s=12, x=0.45, y=0.6)],
            zones=[],
            reason="lost",
        )
        return self.write(data, camera=camera, subject=f"{label}/{track}")

    def picture(self, event: Event) -> None:
        """The picture of an event came."""
        pixels = np.full((120, 60, 3), 90, np.uint8)
        cv2.circle(pixels, (30, 40), 18, (60, 140, 40 + self._sequence % 200), -1)
        encoded, jpeg = cv2.imencode(".jpg", pixels)
        assert encoded
        content = jpeg.tobytes()
        thumbnail = Thumbnail(
            id=digest_of("thumbnail", event.id),
            node=event.node,
            camera=str(event.camera),
            subject=str(event.subject),
            time=event.time,
            event_id=event.id,
            jpeg=content,
            sha256=sha256_of(content),
        )
        self._store.write([to_kafka(replace(thumbnail, recorded=self._next()))])

    def report(self, *, bytes_in: int, bytes_out: int, certificate_ends: datetime | None = None) -> None:
        """The node's statistics and the states of its cameras came; camera `gate` is offline."""
        ends = [CertificateEnd(connection="mqtt", whose="own", not_after=certificate_ends)] if certificate_ends else []
        camera = CameraStats(
            camera="street",
            frames_decoded=600,
            frames_analysed=300,
            frames_dropped={},
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            latency_p50_ms=10,
            latency_p95_ms=20,
        )
        self.write(
            NodeStats(period_s=60, cameras=[camera], spool_depth=3, spool_bytes=900, model=MODEL, certificates=ends),
            camera=None,
            subject=None,
        )
        gone = CameraStatus(state="offline", since=self._at, reason="connection refused")
        self._store.write(
            [
                status_record(NODE, None, encode_status(NodeStatus(state="online", since=self._at, version="0.1.0"))),
                status_record(NODE, "street", encode_status(CameraStatus(state="online", since=self._at))),
                status_record(NODE, "gate", encode_status(gone)),
            ]
        )

    def lose(self, number: int) -> None:
        """As many sequences never come."""
        self._sequence += number

    def write(self, data: EventData, *, camera: str | None, subject: str | None) -> Event:
        """An event of any kind came."""
        event = new_event(
            id=digest_of(NODE, str(camera), str(self._sequence)),
            node=NODE,
            camera=camera,
            subject=subject,
            time=self._at,
            data=data,
        )
        recorded = event.with_record(self._next())
        self._store.write([to_kafka(recorded)])
        self._at += timedelta(seconds=1)
        return recorded

    def _next(self) -> Recorded:
        self._sequence += 1
        return Recorded(epoch="e1", sequence=self._sequence, at=self._at)
