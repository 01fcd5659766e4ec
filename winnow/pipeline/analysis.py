"""From sampled frames of one stream epoch to its events: motion gate, detector, scene, ids."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detector
from winnow.events.data import CameraOnline, ModelRef
from winnow.events.data import Clock as ClockSource
from winnow.pipeline.detection import LookPlan, ObjectFinder, plan_look, plan_whole_frame
from winnow.pipeline.event_maker import EventMaker, Message
from winnow.pipeline.motion import Motion, MotionGate
from winnow.pipeline.scene import Happening, Picture, Scene
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.tally import Tally
from winnow.pipeline.thumbnails import NoRestraint, Restraint, take_snapshot
from winnow.runtime.clock import Clock

DETECT_EVERY_S: Final = 10
"""A scene without motion is looked at this often all the same, in stream time; less often only if the settings want the
whole frame less often even where something moves."""


class Analysis:
    """What one camera sees in one stream epoch.

    Args:
        settings: the camera's.
        detector: used by this camera's thread alone.
        maker: gives events their ids.
        frame_size: width and height of the frames in pixels.
        clock_source: what stream time rests on.
        tally: counts what is done.
        clock: times the stages; it decides nothing.
        restraint: may hold pictures back.
        strictness: factor on the motion threshold, asked for each frame.
    """

    def __init__(  # noqa: PLR0913 - the parts of a camera
        self,
        settings: CameraSettings,
        *,
        detector: Detector,
        maker: EventMaker,
        frame_size: tuple[int, int],
        clock_source: ClockSource,
        tally: Tally,
        clock: Clock,
        restraint: Restraint | None = None,
        strictness: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._settings = settings
        self._spec = detector.card.input
        self._frame_size = frame_size
        self._finder = ObjectFinder(detector)
        self._maker = maker
        self._tally = tally
        self._clock = clock
        self._clock_source = clock_source
        self._restraint: Restraint = restraint or NoRestraint()
        self._wanted_strictness = strictness
        self._strictness = 1.0
        self._gate = MotionGate(settings.motion)
        self._scene = Scene(
            settings,
            labels=detector.card.labels,
            model=model_ref(detector),
            frame_size=frame_size,
            clock=clock_source,
            moment=maker.moment,
            restraint=restraint,
        )
        self._looked_around_s: Fraction | None = None
        self._moved_at_s: Fraction | None = None
        self._tracks_before = tally.tracks
        self._last_s = Fraction(0)

    def analyse(self, frame: Frame) -> list[Message]:
        """Return the events and thumbnails that this frame brings."""
        at_s = self._last_s = frame.stream_s
        self._tally.frames_analysed += 1
        self._be_as_strict_as_needed()
        with self._tally.timed("motion", self._clock):
            luma = frame.luma()
            motion = self._gate.update(luma, at_s)
        if motion.regions or motion.is_global_change or self._moved_at_s is None:
            self._moved_at_s = at_s
        moving = self._moving(motion)
        plan = self._plan(motion, moving, at_s)
        if plan is None:
            with self._tally.timed("observe", self._clock):
                return self._told(self._scene.coast(at_s, luma))
        self._tally.detector_runs += 1
        self._tally.model_runs += len(plan.inputs)
        with self._tally.timed("detect", self._clock):
            look = self._finder.look(frame, plan)
        with self._tally.timed("observe", self._clock):
            return self._told(self._scene.observe(at_s, look, frame.bgr, luma=luma, moving_xyxy=moving))

    def _told(self, happened: list[Happening | Picture]) -> list[Message]:
        self._tally.tracks = self._scene.note_tracks(self._tracks_before)
        return self._maker.messages(happened)

    def rest(self, frame: Frame) -> list[Message]:
        """Return the events that come with time alone: this frame shows nothing, so nobody looks at it."""
        self._last_s = frame.stream_s
        self._tally.frames_analysed += 1
        return self._told(self._scene.coast(frame.stream_s))

    def relearn(self) -> None:
        """Know nothing of the scene's usual look: the next frame is new as a whole."""
        self._gate.relearn()

    @property
    def may_rest(self) -> bool:
        """Whether nothing has moved for so long that keyframes are enough."""
        after_s = self._settings.motion.rest_after_s
        if after_s is None or self._moved_at_s is None or not self._settings.motion.enabled:
            return False
        return self._last_s - self._moved_at_s >= after_s

    def change(self, settings: CameraSettings, stream_id: str, at_s: Fraction) -> list[Message]:
        """Look in another way from the frame at `at_s` on; return the events that the change brings.

        Args:
            settings: must differ from those before only in what tracks outlive, see `settings.changes`.
            stream_id: what ids are made of from now on.
            at_s: stream time of the first frame to be looked at so.
        """
        self._maker = self._maker.continued(stream_id, self._scene.open_subjects)
        happened = self._maker.messages(self._scene.change(settings, at_s))
        if settings.motion != self._settings.motion:
            self._gate, self._strictness = MotionGate(settings.motion), 1.0
        self._settings = settings
        return happened

    def note_clock(self, clock_source: ClockSource) -> None:
        """Say from now on that wall time rests on this."""
        self._clock_source = clock_source
        self._scene.note_clock(clock_source)

    def snapshot(self, frame: Frame) -> list[Message]:
        """Return a picture of the whole scene with the event that it belongs to; nothing if no image may be sent.

        Looks for people in this very frame, so that whoever is to be unrecognisable is, also before a track exists.
        """
        if self._restraint.size() == "none":
            return []
        look = self._finder.look(frame, plan_whole_frame(self._frame_size, self._spec))
        jpeg = take_snapshot(frame.bgr(), self._scene.people_in(look), self._settings.thumbnails)
        if jpeg is None:
            return []
        said = CameraOnline(frame=(frame.width, frame.height), clock=self._clock_source, is_snapshot=True)
        return self._maker.snapshot(frame.captured_at, said, jpeg)

    def finish(self, reason: Literal["stream", "stopped"]) -> list[Message]:
        """Return the events that end every open object."""
        self._tally.tracks = replace(self._tally.tracks, open=0)
        return self._maker.messages(self._scene.finish(self._last_s, reason))

    def _moving(self, motion: Motion) -> NDArray[np.float64]:
        """Return where something moves, (M, 4), x1 y1 x2 y2 in pixels."""
        regions = np.array(motion.regions, np.float64).reshape(-1, 4)
        corners = np.concatenate((regions[:, :2], regions[:, :2] + regions[:, 2:]), axis=1)
        return corners * np.tile(np.array(self._frame_size, np.float64), 2)

    def _plan(self, motion: Motion, moving: NDArray[np.float64], at_s: Fraction) -> LookPlan | None:
        """Return where the detector is to look, None if nowhere."""
        is_needed = motion.is_global_change or self._scene.needs_detection(at_s, moving)
        if self._is_whole_frame_due(at_s, happens=is_needed or bool(len(moving))):
            self._looked_around_s = at_s
            return plan_whole_frame(self._frame_size, self._spec)
        if not is_needed:
            return None
        areas = np.concatenate((moving, self._scene.where_to_look(at_s, moving)))
        boxes = [(x1, y1, x2, y2) for x1, y1, x2, y2 in areas.tolist()]
        return plan_look(boxes, self._frame_size, self._spec, self._settings.detection.max_runs)

    def _is_whole_frame_due(self, at_s: Fraction, *, happens: bool) -> bool:
        if self._looked_around_s is None or not self._settings.motion.enabled:
            return True
        every_s = self._settings.detection.whole_frame_every_s
        return at_s - self._looked_around_s >= (every_s if happens else max(every_s, DETECT_EVERY_S))

    def _be_as_strict_as_needed(self) -> None:
        factor = self._wanted_strictness()
        if factor != self._strictness:
            self._strictness = factor
            self._gate.be_strict(factor)


def model_ref(detector: Detector) -> ModelRef:
    """Return what events say of the detector's model."""
    return ModelRef(name=detector.card.name, sha256=detector.card.sha256)
