"""What each kind of event says: one struct a kind, validated when it is decoded.

Fields may be added, never changed or removed: the version is part of the event's type.

Long, because the contract is one page: whoever reads or extends it finds every kind here.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from winnow.events.names import NAME_PATTERN

NO_LINE_END: Final = r"(?!\n)"
"""Behind every `$`: Python's own also matches in front of a line end, JSON Schema's does not."""

Unit = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Name = Annotated[str, Meta(pattern=NAME_PATTERN + NO_LINE_END)]
Label = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Moment = Annotated[datetime, Meta(tz=True)]
Pixels = Annotated[int, Meta(ge=1, le=65535)]
Box = tuple[Unit, Unit, Unit, Unit]
Clock = Literal["rtcp", "file", "wall"]
DegradedReason = Literal["frozen", "black", "white", "covered", "moved", "corrupt", "stalled"]


class _Data(Struct, frozen=True, kw_only=True):
    """Base of every kind's data."""


class ModelRef(_Data, frozen=True, kw_only=True):
    """The model that saw the object."""

    name: Label
    sha256: Sha256


class _ObjectData(_Data, frozen=True, kw_only=True):
    """What every event about one object says.

    Attributes:
        label: the model's label.
        track: number of the track, unique within its stream.
        score: detection score at this moment, 0..1.
        box: x, y, width, height in 0..1 of the full frame, from its top left corner.
        frame: width and height of the full frame in pixels.
        model: the model that found it.
        clock: what the event's time rests on.
    """

    label: Label
    track: Annotated[int, Meta(ge=1)]
    score: Unit
    box: Box
    frame: tuple[Pixels, Pixels]
    model: ModelRef
    clock: Clock


class ObjectStarted(_ObjectData, frozen=True, kw_only=True):
    """An object was confirmed; `first_seen` is its first detection."""

    first_seen: Moment


class ObjectUpdated(_ObjectData, frozen=True, kw_only=True):
    """Something real changed about an object.

    Attributes:
        revision: 1 for the first update of this object.
        change: what changed.
        moving: whether it moves now.
        zones: the zones it is in now.
    """

    revision: Annotated[int, Meta(ge=1)]
    change: Literal["moving", "stationary", "zones", "thumbnail"]
    moving: bool
    zones: Annotated[list[Name], Meta(max_length=64)]


class PathPoint(_Data, frozen=True, kw_only=True):
    """Where the object's anchor (bottom centre) was.

    Attributes:
        after_s: seconds since `first_seen`.
        x: 0..1 of the frame's width.
        y: 0..1 of the frame's height.
    """

    after_s: Seconds
    x: Unit
    y: Unit


class ObjectEnded(_ObjectData, frozen=True, kw_only=True):
    """An object is gone; score and box are those of its last detection.

    Attributes:
        first_seen: its first detection.
        last_seen: its last detection.
        dwell_s: seconds between the two.
        top_score: its best detection score.
        path: at most 32 points from first to last.
        zones: every zone it was in, in order of first entry.
        reason: `lost` (not seen for a while), `stream` (the stream ended or jumped), `stopped` (the process was
            asked to stop).
        picture: with which event the best picture of the object was sent; None if there is none. It is
            `object.started` where nothing better came after the early picture, which is then not sent again.
    """

    first_seen: Moment
    last_seen: Moment
    dwell_s: Seconds
    top_score: Unit
    path: Annotated[list[PathPoint], Meta(max_length=32)]
    zones: Annotated[list[Name], Meta(max_length=64)]
    reason: Literal["lost", "stream", "stopped"]
    picture: Literal["object.started", "object.ended"] | None = None


class LineCrossed(_ObjectData, frozen=True, kw_only=True):
    """An object crossed a line.

    Attributes:
        line: name of the line.
        direction: `in` is from the left side to the right one, seen along the line from its first point to its last.
    """

    line: Name
    direction: Literal["in", "out"]


class ZoneEntered(_ObjectData, frozen=True, kw_only=True):
    """An object's anchor came into a zone."""

    zone: Name


class ZoneExited(_ObjectData, frozen=True, kw_only=True):
    """An object's anchor left a zone after `dwell_s` seconds in it."""

    zone: Name
    dwell_s: Seconds


class ZoneDwelled(_ObjectData, frozen=True, kw_only=True):
    """An object has stayed in a zone for the zone's dwell time."""

    zone: Name
    dwell_s: Seconds


class ZoneOccupancy(_Data, frozen=True, kw_only=True):
    """The number of objects in a zone passed its threshold: `above` is as many or more, `below` fewer."""

    zone: Name
    count: Count
    threshold: Count
    state: Literal["above", "below"]
    clock: Clock


class SequenceCompleted(_ObjectData, frozen=True, kw_only=True):
    """An object went through zones in the order asked for."""

    name: Name
    zones: Annotated[list[Name], Meta(min_length=2, max_length=8)]
    duration_s: Seconds


class CameraOnline(_Data, frozen=True, kw_only=True, omit_defaults=True):
    """A camera delivers frames: it came online, or shows again what it is there for.

    Attributes:
        frame: width and height in pixels.
        clock: what the time of its events rests on.
        is_snapshot: it has done so for a while, and this was said because somebody asked for a picture.
        recovered_from: what was wrong with its pictures until now; absent where it was offline or is new.
    """

    frame: tuple[Pixels, Pixels]
    clock: Clock
    is_snapshot: bool = False
    recovered_from: DegradedReason | None = None


class CameraOffline(_Data, frozen=True, kw_only=True):
    """A camera delivers nothing any more."""

    reason: Reason
    since: Moment


class CameraDegraded(_Data, frozen=True, kw_only=True):
    """A camera delivers pictures that show nothing useful."""

    reason: DegradedReason
    since: Moment


class WireBytes(_Data, frozen=True, kw_only=True):
    """Bytes that really went out: PUBLISH packets with topic, properties and payload, batches as compressed.

    Attributes:
        events: of events, sent for the first time.
        thumbnails: of thumbnails, likewise.
        resent: of both, sent again for want of a receipt or after a lost connection.
    """

    events: Count
    thumbnails: Count
    resent: Count


class DayBytes(_Data, frozen=True, kw_only=True):
    """Sums of one day so far, kept over restarts.

    Attributes:
        day: `2026-05-01`, in the node's own time zone.
        read: compressed video.
        sent: everything that went out.
    """

    day: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]
    read: Count
    sent: Count


class CameraStats(_Data, frozen=True, kw_only=True):
    """One camera's share of a node's statistics.

    Attributes:
        bytes_in: compressed stream bytes read.
        bytes_out: event and thumbnail bytes written to the spool.
        latency_p50_ms: median of frame read → events written.
        latency_p95_ms: 95th percentile of the same.
        wire: bytes that went out in this period; None if this process sends nothing.
        day: sums of the day; None if nobody keeps them.
        overload_step: how far the camera has stepped back; 0 if it is looked at as set.
        pictures_held: thumbnails that were held back or made small, by reason.
    """

    camera: Name
    frames_decoded: Count
    frames_analysed: Count
    frames_dropped: dict[Label, Count]
    bytes_in: Count
    bytes_out: Count
    latency_p50_ms: Seconds
    latency_p95_ms: Seconds
    wire: WireBytes | None = None
    day: DayBytes | None = None
    overload_step: Count = 0
    pictures_held: dict[Label, Count] = {}

    @property
    def bytes_sent(self) -> int:
        """What went out; from an edge that does not tell, what it accepted."""
        wire = self.wire
        return self.bytes_out if wire is None else wire.events + wire.thumbnails + wire.resent


class LinkUse(_Data, frozen=True, kw_only=True):
    """What a node's link carries.

    Attributes:
        own: what the node's own events took in this period.
        day: `2026-05-01`, in the node's own time zone.
        sent: everything that went out on that day.
        daily_bytes: the limit; None if there is none.
        pictures: how large the limit lets pictures be now.
    """

    own: WireBytes
    day: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]
    sent: Count
    daily_bytes: Count | None
    pictures: Literal["full", "small", "none"]


class SettingsInUse(_Data, frozen=True, kw_only=True):
    """Which settings a node runs with.

    Attributes:
        since: when they were last taken over.
        problem: why the file as it is now was refused; None if it was not.
        needs_restart: keys of the file that wait for a restart of the process.
    """

    since: Moment
    problem: Reason | None = None
    needs_restart: Annotated[list[Label], Meta(max_length=64)] = []


class CommandAnswer(_Data, frozen=True, kw_only=True):
    """What became of a command.

    Attributes:
        command: what was asked.
        outcome: whether it was done.
        id: the command's own, if it had one.
        camera: the command's own, if it had one.
        reason: why it was refused.
    """

    command: Label
    outcome: Literal["done", "refused"]
    id: Label | None = None
    camera: Name | None = None
    reason: Reason | None = None


class CertificateEnd(_Data, frozen=True, kw_only=True):
    """When a certificate ends.

    Attributes:
        connection: what it is shown on, such as `mqtt`.
        whose: the node's own, or the one that the server has shown.
        not_after: valid until.
    """

    connection: Label
    whose: Literal["own", "server"]
    not_after: Moment


class NodeStats(_Data, frozen=True, kw_only=True):
    """What a node did in the last `period_s` seconds.

    Attributes:
        settings: which settings run; None where nothing watches them.
        answers: what became of the commands since the last report, oldest first.
        link: what the link carries; None if this process sends nothing.
        certificates: when those end that the node shows and is shown.
    """

    period_s: Seconds
    cameras: Annotated[list[CameraStats], Meta(max_length=64)]
    spool_depth: Count
    spool_bytes: Count
    model: ModelRef
    settings: SettingsInUse | None = None
    answers: Annotated[list[CommandAnswer], Meta(max_length=64)] = []
    link: LinkUse | None = None
    certificates: Annotated[list[CertificateEnd], Meta(max_length=16)] = []


class SpoolDropped(_Data, frozen=True, kw_only=True):
    """A tombstone: sequences that were accepted and given up.

    Attributes:
        dropped_epoch: the epoch they belong to.
        ranges: first and last sequence of each run, both included.
        count: how many in all.
        reason: why.
    """

    dropped_epoch: Annotated[str, Meta(min_length=1, max_length=40)]
    ranges: Annotated[list[tuple[Count, Count]], Meta(min_length=1, max_length=256)]
    count: Annotated[int, Meta(ge=1)]
    reason: Reason


class ModelActivated(_Data, frozen=True, kw_only=True):
    """A model is now in use on the node."""

    model: ModelRef
    version: Label


class ModelRejected(_Data, frozen=True, kw_only=True):
    """A model was not taken into use."""

    model: ModelRef
    reason: Reason


class ModelRolledBack(_Data, frozen=True, kw_only=True):
    """The node went back to `model`."""

    model: ModelRef
    reason: Reason


EventData = (
    ObjectStarted
    | ObjectUpdated
    | ObjectEnded
    | LineCrossed
    | ZoneEntered
    | ZoneExited
    | ZoneDwelled
    | ZoneOccupancy
    | SequenceCompleted
    | CameraOnline
    | CameraOffline
    | CameraDegraded
    | NodeStats
    | SpoolDropped
    | ModelActivated
    | ModelRejected
    | ModelRolledBack
)

DATA_TYPES: Final[dict[str, type[EventData]]] = {
    "object.started": ObjectStarted,
    "object.updated": ObjectUpdated,
    "object.ended": ObjectEnded,
    "line.crossed": LineCrossed,
    "zone.entered": ZoneEntered,
    "zone.exited": ZoneExited,
    "zone.dwelled": ZoneDwelled,
    "zone.occupancy": ZoneOccupancy,
    "sequence.completed": SequenceCompleted,
    "camera.online": CameraOnline,
    "camera.offline": CameraOffline,
    "camera.degraded": CameraDegraded,
    "node.stats": NodeStats,
    "spool.dropped": SpoolDropped,
    "model.activated": ModelActivated,
    "model.rejected": ModelRejected,
    "model.rolledback": ModelRolledBack,
}
"""Every kind of event that is sent as JSON. `thumbnail.captured` is sent as an image: see `thumbnail`."""

KIND_OF: Final[dict[type[EventData], str]] = {data_type: kind for kind, data_type in DATA_TYPES.items()}
