"""The loop over one camera: read a frame, look at it when it is due, hand its events on."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from threading import Event as Flag
from typing import Final, Literal

from winnow.detectors import Detector
from winnow.events.data import CameraOffline, CameraOnline, DegradedReason
from winnow.events.event import encode_event
from winnow.events.identity import digest_of
from winnow.events.status import CameraStatus
from winnow.events.thumbnail import Thumbnail
from winnow.pipeline.analysis import Analysis, model_ref
from winnow.pipeline.bandwidth import HeldPictures
from winnow.pipeline.detection import ScheduledDetector
from winnow.pipeline.event_maker import EventMaker, Message
from winnow.pipeline.footage import stream_id
from winnow.pipeline.health import HealthChange, HealthWatch, degraded_status, health_report
from winnow.pipeline.node_stats import CameraCounters
from winnow.pipeline.overload import LadderRelief, NoRelief, Relief
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, look_change
from winnow.pipeline.sources import EPOCH, Frame, FrameSampler, Source
from winnow.pipeline.stream_clock import StreamClock
from winnow.pipeline.tally import Tally
from winnow.pipeline.thumbnails import Size
from winnow.runtime.clock import Clock

logger = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.5
"""How long a silent camera can delay the answer to a request to stop."""

Accept = Callable[[Sequence[Message]], None]
"""Takes events and thumbnails over, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """Everything that decides what a camera's events are.

    Attributes:
        node: the edge box.
        name: the camera.
        settings: how it looks.
        footage: see `footage.recording_digest` and `footage.live_digest`.
    """

    node: str
    name: str
    settings: CameraSettings
    footage: str


class Camera:
    """One camera or recording, from frames to accepted events.

    Args:
        plan: decides what the events are.
        source: gives the frames; opened and closed by `run`.
        detector: used by this camera alone.
        accept: takes the events.
        announce: told when the camera's state changes.
        clock: paces and times; it never decides what an event says.
        pace: holds a recording's frames back.
        picture_size: how large the node's budget lets pictures be.

    Attributes:
        tally: what was done so far.
        position_s: stream time of the last frame.
        is_online: frames come.
    """

    def __init__(  # noqa: PLR0913 - the parts of a camera
        self,
        plan: CameraPlan,
        *,
        source: Source,
        detector: Detector,
        accept: Accept,
        clock: Clock,
        pace: Pace,
        announce: Callable[[CameraStatus], None] = lambda _: None,
        picture_size: Callable[[], Size] = lambda: "full",
    ) -> None:
        self.tally = Tally()
        self._plan = plan
        self._source = source
        self._detector = detector
        self._accept = accept
        self._announce = announce
        self._clock = clock
        self._pace = pace
        self._relief = self._new_relief()
        self._restraint = HeldPictures(
            sends_early=lambda: self._relief.rung.sends_early, size=picture_size, held=self.tally.pictures_held
        )
        self._sampler = FrameSampler(plan.settings.analysed_fps)
        self._stream_epoch: int | None = None
        self._maker: EventMaker | None = None
        self._analysis: Analysis | None = None
        self._starts_at = EPOCH
        self._stream_clock: StreamClock | None = None
        self._lineage = ""
        self._health = HealthWatch(plan.settings.health, is_live=source.is_live)
        self._frame_size = (0, 0)
        self._wanted: deque[CameraSettings] = deque(maxlen=1)
        self._snapshots: deque[Callable[[str | None], None]] = deque(maxlen=16)
        self.is_online = False
        self.position_s = Fraction(0)

    @property
    def name(self) -> str:
        """Return the camera's name."""
        return self._plan.name

    @property
    def degraded(self) -> DegradedReason | None:
        """Return what is wrong with the camera's pictures; None if nothing is."""
        return self._health.state

    @property
    def detector_waited_s(self) -> float:
        """Return how long the camera has waited for its turns at a detector that it shares with others."""
        return self._detector.waited_s if isinstance(self._detector, ScheduledDetector) else 0.0

    @property
    def source(self) -> Source:
        """Return where the frames come from."""
        return self._source

    def counters(self) -> CameraCounters:
        """Return what this camera did so far; any thread may ask."""
        stats = self._source.stats
        return CameraCounters(
            frames_decoded=stats.frames_decoded,
            frames_analysed=self.tally.frames_analysed,
            frames_dropped=self.frames_dropped(),
            bytes_in=stats.bytes_read,
            bytes_out=self.tally.bytes_out,
            latency_p50_ms=self.tally.latency_ms(0.5),
            latency_p95_ms=self.tally.latency_ms(0.95),
            overload_step=self._relief.number,
            pictures_held={str(reason): count for reason, count in self.tally.pictures_held.copy().items()},
        )

    def frames_dropped(self) -> dict[str, int]:
        """Return the pictures that were given up, by reason."""
        dropped = {str(reason): count for reason, count in self._source.stats.frames_dropped.items()}
        return dropped | {"overload": self.tally.frames_skipped}

    @property
    def relief(self) -> Relief:
        """Return how far the camera has stepped back."""
        return self._relief

    def change(self, settings: CameraSettings) -> None:
        """Look at the next frame with these settings; any thread may ask, and the source stays open."""
        self._wanted.append(settings)

    def ask_snapshot(self, tell: Callable[[str | None], None]) -> None:
        """Send a redacted picture of the next frame; any thread may ask.

        `tell` is called on the camera's thread, with None once the picture is on its way, or the reason why there is
        none.
        """
        self._snapshots.append(tell)

    def run(self, stopping: Flag) -> None:
        """Return when the recording ends or `stopping` is set; every open object has ended then.

        Raises:
            SourceError: a recording cannot be read at all.
        """
        self._source.sample(self._plan.settings.analysed_fps)
        with self._source:
            while not stopping.is_set() and self.run_once(stopping):
                pass
            self._finish("stopped" if stopping.is_set() else "stream")
            self._set_offline("stopped" if stopping.is_set() else "the recording ended")

    def run_once(self, stopping: Flag) -> bool:
        """Take one frame through; return whether more may come."""
        with self.tally.timed("decode", self._clock):
            frame = self._source.read(READ_TIMEOUT_S)
        if frame is None:
            return self._wait_for_camera()
        self.position_s = frame.stream_s
        if self._wanted:
            self._adopt(self._wanted.popleft(), frame)
        if frame.stream_epoch != self._stream_epoch:
            self._begin_stream(frame)
        elif self._stream_clock and self._stream_clock.follow(frame) and self._analysis:
            self._analysis.note_clock(frame.clock_source)
        self._note_health(self._health.see(frame, self._clock.monotonic_s()))
        if (self._source.samples or self._sampler.takes(frame.stream_s)) and self._is_looked_at():
            stopping.wait(self._pace.delay_s(frame.stream_s, self._clock.monotonic_s()))
            self._look_at(frame)
        if self._snapshots:
            self._send_snapshot(self._snapshots.popleft(), frame)
        return True

    def _is_looked_at(self) -> bool:
        takes = self._relief.takes()
        self.tally.frames_skipped += not takes
        return takes

    def _new_relief(self) -> Relief:
        if not self._source.is_live:
            return NoRelief()
        return LadderRelief(self._plan.name, self._plan.settings.analysed_fps)

    def _wait_for_camera(self) -> bool:
        stats = self._source.stats
        if self.is_online and stats.connection == "offline":
            reason = stats.last_error or "no frames"
            self._report_offline(reason[:200])
        elif self.is_online and stats.connection == "online":
            self._note_health(self._health.hear(self._clock.monotonic_s(), stats.bytes_read))
        return stats.connection != "ended"

    def _adopt(self, settings: CameraSettings, frame: Frame) -> None:
        """Take other settings over at this frame. Ids from now on are those of no other look at this footage.

        The footage may be looked at with the same settings from its start on, and again: the moment of each change
        is part of every later id, so none of them can be one that another look gave to something else.
        """
        former = self._plan.settings
        change = look_change(former, settings)
        self._lineage = digest_of(self._lineage, str(frame.stream_epoch), str(frame.stream_s))
        self._plan = replace(self._plan, settings=settings)
        self._source.sample(settings.analysed_fps)
        self._health.change(settings.health)
        if self._analysis is None or frame.stream_epoch != self._stream_epoch:
            return  # a stream begins with this frame, or none has
        logger.info("Camera looks with its new settings", extra={"camera": self.name, "tracks": change})
        if change != "continues":
            self._begin_stream(frame)
            return
        if settings.analysed_fps != former.analysed_fps:
            self._sampler = FrameSampler(settings.analysed_fps)
            self._relief = self._new_relief()
        identity = self._stream_id()
        self._hand_on(self._analysis.change(settings, identity, frame.stream_s))
        self._maker = replace(self._maker, stream_id=identity) if self._maker else None

    def _stream_id(self) -> str:
        whole = stream_id(
            footage=self._plan.footage,
            starts_at=self._starts_at,
            node=self._plan.node,
            camera=self.name,
            settings=self._plan.settings,
            model=model_ref(self._detector),
        )
        changes = [self._lineage] if self._lineage else []
        return digest_of(whole, str(self._stream_epoch), *changes)

    def _begin_stream(self, frame: Frame) -> None:
        self._finish("stream")
        self._stream_clock = StreamClock(frame)
        self._starts_at = self._stream_clock.moment(Fraction(0))
        self._stream_epoch = frame.stream_epoch
        self._frame_size = (frame.width, frame.height)
        self._sampler = FrameSampler(self._plan.settings.analysed_fps)
        self._maker = EventMaker(
            node=self._plan.node,
            camera=self.name,
            stream_id=self._stream_id(),
            moment=self._stream_clock.moment,
        )
        self._analysis = Analysis(
            self._plan.settings,
            detector=self._detector,
            maker=self._maker,
            frame_size=(frame.width, frame.height),
            clock_source=frame.clock_source,
            tally=self.tally,
            clock=self._clock,
            restraint=self._restraint,
            strictness=lambda: self._relief.rung.threshold_factor,
        )

    def _look_at(self, frame: Frame) -> None:
        if self._analysis is None or self._maker is None:  # pragma: no cover - a stream begins before its first frame
            raise AssertionError("no stream")
        started_mono_s = frame.read_at_mono_s if frame.read_at_mono_s is not None else self._clock.monotonic_s()
        messages = self._analysis.rest(frame) if self._health.is_blind else self._analysis.analyse(frame)
        self._source.rest(is_wanted=self._analysis.may_rest)
        if not self.is_online:
            self.is_online = True
            online = CameraOnline(frame=(frame.width, frame.height), clock=self._source.clock_source)
            messages.insert(0, self._maker.about_camera(frame.captured_at, online))
            self._announce(CameraStatus(state="online", since=self._clock.now()))
        self._hand_on(messages)
        now_s = self._clock.monotonic_s()
        self.tally.note_latency((now_s - started_mono_s) * 1000, now_s)
        self._relief.note(now_s - started_mono_s, now_s)

    def _send_snapshot(self, tell: Callable[[str | None], None], frame: Frame) -> None:
        messages = self._analysis.snapshot(frame) if self._analysis else []
        self._hand_on(messages)
        tell(None if messages else "no image may be sent: redaction is no-images, or the budget is used up")

    def _note_health(self, change: HealthChange | None) -> None:
        """Tell the world of a change; whatever it was, the scene that motion is measured against is no longer known."""
        if change is None or self._maker is None or self._analysis is None:
            return
        at = self._maker.moment(change.at_s)
        report = health_report(
            change, moment=self._maker.moment, frame_size=self._frame_size, clock=self._source.clock_source
        )
        fields = {"camera": self.name, "reason": change.reason or change.before}
        if change.reason:
            logger.warning("Camera degraded", extra=fields)
        else:
            logger.info("Camera recovered", extra=fields)
        self._analysis.relearn()
        self._hand_on([self._maker.about_camera(at, report)])
        self._announce(degraded_status(report, at))

    def _finish(self, reason: Literal["stream", "stopped"]) -> None:
        if self._analysis is not None:
            self._hand_on(self._analysis.finish(reason))
            self._analysis = None

    def _report_offline(self, reason: str) -> None:
        if self._maker is not None:
            since = self._clock.now()
            self._hand_on([self._maker.about_camera(since, CameraOffline(reason=reason, since=since))])
        self._set_offline(reason)

    def _set_offline(self, reason: str) -> None:
        self._health.interrupt()
        self.is_online = False
        self._announce(CameraStatus(state="offline", since=self._clock.now(), reason=reason))

    def _hand_on(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        with self.tally.timed("accept", self._clock):
            self._accept(messages)
        for message in messages:
            self.tally.events[message.kind] += 1
            self.tally.bytes_out += size_bytes(message)


def size_bytes(message: Message) -> int:
    """Return how many bytes of payload a message has on its way to the cloud."""
    return len(message.jpeg) if isinstance(message, Thumbnail) else len(encode_event(message))
