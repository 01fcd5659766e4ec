"""Fakes of the two seams of delivery, a spool in memory and a link without a network; and messages to put in."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from winnow.events import Event, EventData, Receipt, Thumbnail, new_event
from winnow.events.data import LineCrossed, ModelRef, ObjectUpdated
from winnow.events.identity import event_id
from winnow.events.mqtt import MqttMessage
from winnow.events.thumbnail import sha256_of
from winnow.pipeline.delivery import early_steps, giving_up
from winnow.pipeline.delivery.aliases import Alias
from winnow.pipeline.delivery.errors import SpoolFullError
from winnow.pipeline.delivery.giving_up import Candidate
from winnow.pipeline.delivery.link import Answered, Report
from winnow.pipeline.delivery.message import Message, SpooledMessage, record_all
from winnow.pipeline.delivery.priority import SEND_ORDER, KeepClass
from winnow.runtime.clock import Clock


@dataclass(kw_only=True)
class MemoryFile:
    """What a `MemorySpool` leaves behind when it is closed, as a file would."""

    epoch: str
    last_sequence: int = 0
    messages: dict[int, SpooledMessage] = field(default_factory=dict)
    pictures: dict[int, tuple[str, bool]] = field(default_factory=dict)


class MemorySpool:
    """A `Spool` that lasts as long as its `MemoryFile`.

    Args:
        file: what it holds; a new one by default.
        node: the node whose messages these are.
        clock: says when a message was accepted.
        max_bytes: at most this much of PUBLISH packets waits.
    """

    def __init__(self, file: MemoryFile | None = None, *, node: str, clock: Clock, max_bytes: int = 2**40) -> None:
        self._file = file or MemoryFile(epoch="memory")
        self._node = node
        self._clock = clock
        self._max_bytes = max_bytes
        self._looks = early_steps.Looks()

    @property
    def node(self) -> str:
        """The node whose messages these are."""
        return self._node

    @property
    def epoch(self) -> str:
        """The epoch of its file."""
        return self._file.epoch

    @property
    def last_sequence(self) -> int:
        """The highest sequence so far."""
        return self._file.last_sequence

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return len(self._file.messages)

    @property
    def size_bytes(self) -> int:
        """Bytes of the PUBLISH packets that wait."""
        return _size_bytes(self._file.messages)

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """See `Spool.append`."""
        recorded, rows = self._record(messages, self._file.last_sequence)
        kept = self._file.messages | {row.sequence: row for row in rows}
        last_sequence = self._file.last_sequence + len(rows)
        pictures = self._file.pictures | _pictures_of(recorded)
        victims = self._victims(kept, pictures)
        if victims or _size_bytes(kept) > self._max_bytes:
            tombs = self._bury(kept, victims, last_sequence)
            last_sequence += len(tombs)
            kept |= {tomb.sequence: tomb for tomb in tombs}
        if _size_bytes(kept) > self._max_bytes:
            raise SpoolFullError(None, "memory spool: no room")
        self._looks.looked(_size_bytes(kept), self._max_bytes)
        self._file.pictures = pictures
        self._file.messages, self._file.last_sequence = kept, last_sequence
        return recorded

    def next_batch(
        self,
        *,
        limit_messages: int,
        limit_bytes: int,
        excluding: Collection[int] = (),
        live_after: int | None = None,
        max_message_bytes: int | None = None,
    ) -> list[SpooledMessage]:
        """See `Spool.next_batch`."""
        mark = self._file.last_sequence if live_after is None else live_after
        batch: list[SpooledMessage] = []
        room_bytes = limit_bytes
        for message in sorted(
            self._file.messages.values(),
            key=lambda one: (SEND_ORDER.index((one.priority.send, one.sequence > mark)), one.sequence),
        ):
            too_large = max_message_bytes is not None and message.size_bytes > max_message_bytes
            if too_large or message.sequence in excluding:
                continue
            if len(batch) >= limit_messages or message.size_bytes > room_bytes:
                break
            batch.append(message)
            room_bytes -= message.size_bytes
        return batch

    def read(self, sequences: Collection[int]) -> list[SpooledMessage]:
        """See `Spool.read`."""
        return [self._file.messages[sequence] for sequence in sorted(sequences) if sequence in self._file.messages]

    def acknowledge(self, receipt: Receipt) -> int:
        """See `Spool.acknowledge`."""
        if receipt.epoch != self._file.epoch:
            return 0
        gone = [n for n in self._file.messages if n <= receipt.upto or n in receipt.also]
        for sequence in gone:
            del self._file.messages[sequence]
        return len(gone)

    def close(self) -> None:
        """See `Spool.close`."""

    def _record(self, messages: Sequence[Message], after: int) -> tuple[list[Message], list[SpooledMessage]]:
        return record_all(messages, node=self._node, epoch=self.epoch, after=after, at=self._clock.now())

    def _victims(self, kept: dict[int, SpooledMessage], pictures: dict[int, tuple[str, bool]]) -> list[Candidate]:
        waiting = {n: pictures[n] for n in sorted(kept) if n in pictures}
        newest = {subject: n for n, (subject, _) in waiting.items()}
        updates = [n for n in sorted(kept) if kept[n].priority.keep == KeepClass.UPDATE]
        of_step = {
            early_steps.Step.PICTURES_OF_UPDATES: [n for n, (_, is_of_update) in waiting.items() if is_of_update],
            early_steps.Step.UPDATES: updates,
            early_steps.Step.SPARE_PICTURES: [n for n, (subject, _) in waiting.items() if n != newest[subject]],
        }
        by_worth = sorted(kept.values(), key=lambda one: (one.priority.keep, one.sequence))
        living = [one.sequence for one in by_worth if one.priority.keep < KeepClass.TOMBSTONE]

        def candidates(sequences: list[int]) -> list[Candidate]:
            return [Candidate(n, kept[n].size_bytes) for n in sequences]

        size_bytes = _size_bytes(kept)
        found = early_steps.victims(
            size_bytes,
            self._max_bytes,
            of_step=(lambda step: candidates(of_step[step]))
            if self._looks.is_due(size_bytes, self._max_bytes)
            else None,
            by_worth=lambda: candidates(living),
        )
        return [one for some in found.values() for one in some]

    def _bury(self, kept: dict[int, SpooledMessage], victims: list[Candidate], after: int) -> list[SpooledMessage]:
        gone = [one for one in kept.values() if one.priority.keep == KeepClass.TOMBSTONE]
        ranges = [one for tomb in gone for one in giving_up.named_by(tomb.mqtt.payload, epoch=self.epoch) or ()]
        dead = [*(victim.sequence for victim in victims), *(tomb.sequence for tomb in gone)]
        for sequence in dead:
            del kept[sequence]
        ranges += [(sequence, sequence) for sequence in dead]
        events = giving_up.tombstones(ranges, node=self._node, epoch=self.epoch, after=after, at=self._clock.now())
        return self._record(list(events), after)[1]


def _pictures_of(recorded: Sequence[Message]) -> dict[int, tuple[str, bool]]:
    """Return the thumbnails of a batch by sequence: whom each shows, and whether it belongs to a plain update."""
    plain = early_steps.pictures_of_updates(recorded)
    pictures = [one for one in recorded if isinstance(one, Thumbnail)]
    return {one.recorded.sequence: (f"{one.camera} {one.subject}", one.id in plain) for one in pictures if one.recorded}


def _size_bytes(messages: dict[int, SpooledMessage]) -> int:
    return sum(message.size_bytes for message in messages.values())


class FakeLink:
    """A `Link` whose broker is the test: it looks at what was published and says what happened.

    Attributes:
        published: every message and whether it was retained; the index + 1 is its packet id.
        aliases: the number of each one's topic, None if it went without.
        closed: None, or whether it was closed in an orderly way.
        wrong: what `fault` returns.
        outdated: what `is_outdated` returns.
        last_words: what is reported while it is being closed.
    """

    def __init__(self, wake: Callable[[], None], *, receive_maximum: int = 65535) -> None:
        self.published: list[tuple[MqttMessage, bool]] = []
        self.aliases: list[Alias | None] = []
        self.closed: bool | None = None
        self.wrong: str | None = None
        self.outdated = False
        self.last_words: list[Report] = []
        self._receive_maximum = receive_maximum
        self._answered = 0
        self._wake = wake
        self._reports: list[Report] = []

    def report(self, *reports: Report) -> None:
        """Let this happen next."""
        self._reports += reports
        self._answered += sum(isinstance(report, Answered) for report in reports)
        self._wake()

    def publish(self, message: MqttMessage, *, retain: bool = False, alias: Alias | None = None) -> int | None:
        """See `Link.publish`."""
        if self.closed is not None:
            return None
        self.aliases.append(alias)
        self.published.append((message, retain))
        return len(self.published)

    @property
    def room(self) -> int:
        """See `Link.room`."""
        return self._receive_maximum - len(self.published) + self._answered

    def reports(self) -> list[Report]:
        """See `Link.reports`."""
        taken, self._reports = self._reports, []
        return taken

    def fault(self) -> str | None:
        """See `Link.fault`."""
        return self.wrong

    def is_outdated(self) -> bool:
        """See `Link.is_outdated`."""
        return self.outdated

    def close(self, *, orderly: bool) -> None:
        """See `Link.close`."""
        if self.closed is None:
            self.closed = orderly
            self.report(*self.last_words)


_NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
_MODEL: Final = ModelRef(name="a-model", sha256="0" * 64)
_JPEG_HEADER: Final = bytes.fromhex("ffd8 ffc0000b 08 0010 0010 01 011100")
"""Start of image, then a frame header: 8 bits, 16 lines of 16 pixels, one component."""

_JPEG_END: Final = bytes.fromhex("ffd9")


def crossing(number: int, *, node: str = "shop-1", camera: str = "door") -> Event:
    """Return a `line.crossed` of its own: first out, last given up."""
    data = LineCrossed(
        label="person",
        track=number + 1,
        score=0.75,
        box=(0.25, 0.5, 0.125, 0.25),
        frame=(768, 576),
        model=_MODEL,
        clock="file",
        line="entrance",
        direction="in",
    )
    return _event("line.crossed", number, data, node=node, camera=camera)


def update(number: int, *, node: str = "shop-1", camera: str = "door") -> Event:
    """Return an `object.updated` of its own: goes out after changes, is given up before them."""
    data = ObjectUpdated(
        label="person",
        track=number + 1,
        score=0.75,
        box=(0.25, 0.5, 0.125, 0.25),
        frame=(768, 576),
        model=_MODEL,
        clock="file",
        revision=1,
        change="moving",
        moving=True,
        zones=[],
    )
    return _event("object.updated", number, data, node=node, camera=camera)


def thumbnail(number: int, *, size_bytes: int = 2000, node: str = "shop-1", camera: str = "door") -> Thumbnail:
    """Return a thumbnail of its own with a JPEG of `size_bytes`: last out, first given up."""
    jpeg = (_JPEG_HEADER + number.to_bytes(8, "big")).ljust(size_bytes - 2, b"\0") + _JPEG_END
    return Thumbnail(
        id=event_id("footage", "thumbnail.captured", f"person/{number + 1}", 0),
        node=node,
        camera=camera,
        subject=f"person/{number + 1}",
        time=_NOON,
        event_id=event_id("footage", "line.crossed", f"person/{number + 1}", 0),
        jpeg=jpeg,
        sha256=sha256_of(jpeg),
    )


def _event(kind: str, number: int, data: EventData, *, node: str, camera: str) -> Event:
    subject = f"person/{number + 1}"
    return new_event(
        id=event_id("footage", kind, subject, 0), node=node, camera=camera, subject=subject, time=_NOON, data=data
    )
