"""One camera's health: which pictures are looked at, and what their verdicts add up to."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Final

from winnow.events.data import DegradedReason
from winnow.pipeline.health.changes import HealthChange, Hysteresis
from winnow.pipeline.health.frozen import FrozenJudge
from winnow.pipeline.health.reference import Reference
from winnow.pipeline.health.silence import SilenceJudge
from winnow.pipeline.health.verdict import judge
from winnow.pipeline.health.view import view_of
from winnow.pipeline.settings import HealthSettings
from winnow.pipeline.sources import Frame

BLIND: Final[frozenset[DegradedReason]] = frozenset({"black", "white"})
"""With these there is nothing in the picture that a detector could find."""

_FREEZES_UNDER: Final = frozenset({None, "moved"})
"""A picture that is frozen is called so unless it also shows nothing."""


class HealthWatch:
    """Judges the first picture of each second of stream time, and every keyframe.

    What the camera usually shows, and the state, outlive a jump in time; the answers depend on the pictures, their
    times and the settings alone, except for silence.

    Args:
        settings: the camera's.
        is_live: the frames come from a camera, not from a recording.
    """

    def __init__(self, settings: HealthSettings, *, is_live: bool) -> None:
        self._is_live = is_live
        self._set_up(settings)
        self._reference = Reference()
        self._stream: tuple[int, int, int] | None = None
        self._second: int | None = None
        self._last_s = Fraction(0)
        self._moved_at_s: Fraction | None = None

    @property
    def state(self) -> DegradedReason | None:
        """Return what is wrong with the camera; None if nothing is."""
        return self._hysteresis.state

    @property
    def is_blind(self) -> bool:
        """Return whether the pictures show nothing at all."""
        return self.state in BLIND

    def change(self, settings: HealthSettings) -> None:
        """Judge by other settings from the next frame on; a moved view is accepted, as a person was here."""
        state = self.state
        self._set_up(settings)
        self._hysteresis.become(state)
        if self._moved_at_s is not None:
            self.accept_view()

    def accept_view(self) -> None:
        """Take what the camera shows from now on as what it should show."""
        self._reference = Reference()
        self._moved_at_s = None

    def interrupt(self) -> None:
        """Forget the state: the camera is offline, and that is worse."""
        self._hysteresis.become(None)
        self._silence.forget()

    def see(self, frame: Frame, mono_s: float) -> HealthChange | None:
        """Take in a frame that was read at a monotonic time; return the change of state that it brings."""
        if not self._settings.enabled:
            return None
        self._silence.note_picture(mono_s)
        self._follow_stream(frame)
        at_s = self._last_s = frame.stream_s
        if "frozen" in self._settings.checks:
            self._frozen.note(frame)
        second = floor(at_s)
        if second == self._second:
            return None
        self._second = second
        return self._judge(frame)

    def hear(self, mono_s: float, bytes_read: int) -> HealthChange | None:
        """Ask at a monotonic time whether a connected camera is silent, while no frame comes."""
        silence = self._silence.judge(mono_s, bytes_read) if self._settings.enabled and self._is_live else None
        if silence is None or silence.reason == self.state or silence.reason not in self._settings.checks:
            return None
        at_s = self._last_s + Fraction(round(silence.lasts_s * 1000), 1000)
        change = HealthChange(at_s=at_s, reason=silence.reason, before=self.state, since_s=self._last_s)
        self._hysteresis.become(silence.reason)
        return change

    def _set_up(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._hysteresis = Hysteresis(settings.hold_s)
        self._frozen = FrozenJudge(settings.frozen_after_s, is_live=self._is_live)
        self._silence = SilenceJudge(max(settings.stalled_after_s, settings.hold_s))

    def _follow_stream(self, frame: Frame) -> None:
        stream = (frame.stream_epoch, frame.width, frame.height)
        if self._stream is not None and stream != self._stream:
            self._hysteresis.restart()
            self._frozen.restart()
            if stream[1:] != self._stream[1:]:
                self.accept_view()
        self._stream = stream

    def _judge(self, frame: Frame) -> HealthChange | None:
        at_s = frame.stream_s
        if self._moved_at_s is not None and at_s - self._moved_at_s >= self._settings.accept_move_after_s:
            self.accept_view()
        view = view_of(frame.luma())
        likeness = self._reference.compare(view) if self._reference.is_known else None
        verdict = judge(view, likeness, self._settings, is_moved=self._moved_at_s is not None)
        frozen_since_s = self._frozen.frozen_since_s(at_s)
        if verdict is None:
            self._reference.learn(view)
        if frozen_since_s is not None and verdict in _FREEZES_UNDER:
            verdict = "frozen"
        change = self._hysteresis.note(at_s, verdict)
        if change is None:
            return None
        if change.reason is None or change.reason == "moved":
            self._moved_at_s = at_s if change.reason == "moved" else None
        is_frozen = change.reason == "frozen" and frozen_since_s is not None
        return replace(change, since_s=frozen_since_s) if is_frozen and frozen_since_s is not None else change
