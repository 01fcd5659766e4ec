"""The traffic of many edge boxes: what each of them accepted, and what has come back. Pure."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from winnow.events import Recorded, new_event
from winnow.events.data import LineCrossed, ModelRef
from winnow.events.identity import event_id
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.events.thumbnail import Thumbnail, sha256_of

_SMALLEST_JPEG: Final = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00"
_END_OF_IMAGE: Final = b"\xff\xd9"
MIN_SIZE_BYTES: Final = 600
MAX_SIZE_BYTES: Final = MAX_EVENT_BYTES - 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the traffic looks like.

    Attributes:
        nodes: how many edge boxes speak.
        rate_per_s: messages a second of all of them together.
        size_bytes: of an event, and of a thumbnail's image.
        burst: messages that come at once.
        duration_s: how long.
        thumbnails: share of thumbnails, 0..1.
    """

    nodes: int
    rate_per_s: float
    size_bytes: int
    burst: int
    duration_s: float
    thumbnails: float

    @property
    def total(self) -> int:
        """Return how many messages there are in all."""
        return max(1, int(self.rate_per_s * self.duration_s))

    def due(self, elapsed_s: float) -> int:
        """Return how many messages shall have been sent after so long: whole bursts only, all of them at the end."""
        if elapsed_s >= self.duration_s:
            return self.total
        bursts = int(elapsed_s * self.rate_per_s / self.burst)
        return min(self.total, (bursts + 1) * self.burst)


def message_of(shape: Shape, number: int, *, epoch: str, now: datetime) -> tuple[str, int, MqttMessage]:
    """Return node, sequence and PUBLISH of the message of that number, 0, 1, 2, …; nodes take turns."""
    node, sequence = f"load-{number % shape.nodes:04}", number // shape.nodes + 1
    recorded = Recorded(epoch=epoch, sequence=sequence, at=now)
    subject = f"person/{sequence}"
    data = LineCrossed(
        label="person",
        track=sequence,
        score=0.8,
        box=(0.1, 0.2, 0.3, 0.4),
        frame=(1920, 1080),
        model=ModelRef(name="load", sha256="0" * 64),
        clock="wall",
        line="line",
        direction="in",
    )
    id_ = event_id(f"{epoch}/{node}/door", "line.crossed", subject, 0)
    event = new_event(id=id_, node=node, camera="door", subject=subject, time=now, data=data).with_record(recorded)
    every = round(1 / shape.thumbnails) if shape.thumbnails else 0
    if every and number // shape.nodes % every == every - 1:
        room = shape.size_bytes - len(_SMALLEST_JPEG) - len(_END_OF_IMAGE)
        jpeg = _SMALLEST_JPEG + number.to_bytes(8, "big").ljust(room, b"\x00") + _END_OF_IMAGE
        thumbnail = Thumbnail(
            id=event_id(f"{epoch}/{node}/door", "thumbnail.captured", subject, sequence),
            node=node,
            camera="door",
            subject=subject,
            time=now,
            event_id=id_,
            jpeg=jpeg,
            sha256=sha256_of(jpeg),
            recorded=recorded,
        )
        return node, sequence, to_mqtt(thumbnail)
    padding = shape.size_bytes - len(to_mqtt(event).payload) - len(b',"padding":""')
    if padding > 0:  # a field that this version does not know is kept and not looked at
        event = replace(event, data_json=event.data_json[:-1] + b',"padding":"' + b"x" * padding + b'"}')
    return node, sequence, to_mqtt(event)


class Ledger:
    """What was accepted, and what of it has a receipt.

    Attributes:
        accepted: messages made.
        receipted: of these, named by a receipt.
        retried: sent again, as no receipt came in time.
        repeated: named by a receipt once more.
        seconds: time to the receipt of each, in order of receipt; the last 100 000.
    """

    def __init__(self, retry_after_s: float) -> None:
        self._retry_after_s = retry_after_s
        self._open: dict[tuple[str, int], tuple[float, MqttMessage]] = {}
        self._order: deque[tuple[float, tuple[str, int]]] = deque()
        self.accepted = self.receipted = self.retried = self.repeated = 0
        self.seconds: deque[float] = deque(maxlen=100_000)

    @property
    def missing(self) -> int:
        """Return how many have no receipt yet."""
        return len(self._open)

    def accept(self, node: str, sequence: int, message: MqttMessage, now_s: float) -> None:
        """Keep a message until its receipt comes."""
        self.accepted += 1
        self._open[node, sequence] = now_s, message
        self._order.append((now_s, (node, sequence)))

    def strike_off(self, node: str, sequences: tuple[int, ...], now_s: float) -> None:
        """Note a receipt."""
        for sequence in sequences:
            found = self._open.pop((node, sequence), None)
            if found is None:
                self.repeated += 1
                continue
            self.receipted += 1
            self.seconds.append(now_s - found[0])

    def due_again(self, now_s: float, *, at_most: int) -> list[MqttMessage]:
        """Return what has waited too long for its receipt; it is looked at again after the same time."""
        found: list[MqttMessage] = []
        while self._order and len(found) < at_most and now_s - self._order[0][0] >= self._retry_after_s:
            _, key = self._order.popleft()
            if key in self._open:
                self._order.append((now_s, key))
                found.append(self._open[key][1])
        self.retried += len(found)
        return found
