"""Whether a decoder's process hangs, told from what it says it does, since when, and how much CPU it used for it."""

from typing import Final

from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.control import DecoderStep, Progress

START_WITHIN_S: Final = 10.0
"""Room for a busy machine; a process that starts takes 0.1 s."""

GRACE_S: Final = 2.0
"""How much longer than FFmpeg's own timeouts opening and reading may take."""

BEAT_WITHIN_S: Final = 2.0
"""A process beats twice a second, unless it is stopped, or code holds the interpreter's lock and never returns."""


class Spinning:
    """CPU time that a process has used since its present step began, as far as was seen."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self._step_since_s = -1.0
        self._cpu_before_s = 0.0

    def look(self, step_since_s: float, cpu_s: float) -> None:
        """Learn when the present step began, and what the process has used in all."""
        if step_since_s != self._step_since_s:
            self._step_since_s, self._cpu_before_s = step_since_s, cpu_s
        self.cpu_s = cpu_s - self._cpu_before_s


def hang(progress: Progress, settings: LiveSettings, *, now_s: float, started_s: float, cpu_s: float) -> str | None:
    """Return what takes too long, or None if nothing does.

    Args:
        progress: what the process says.
        settings: how long reading and decoding may take.
        now_s: monotonic time.
        started_s: monotonic time at which the process was started.
        cpu_s: CPU time of the present step.
    """
    step, in_step_s = progress.step, now_s - progress.since_mono_s
    if step is DecoderStep.START:
        return f"starting for {now_s - started_s:.1f} s" if now_s - started_s > START_WITHIN_S else None
    if now_s - progress.beat_mono_s > BEAT_WITHIN_S:
        return f"no sign of life for {now_s - progress.beat_mono_s:.1f} s"
    if step is DecoderStep.DECODE and in_step_s > settings.decode_within_s:
        return f"decoding one packet for {in_step_s:.1f} s"
    if step is DecoderStep.READ and cpu_s > settings.decode_within_s:
        return f"computing for {cpu_s:.1f} s while reading one packet"
    allowed_s = {DecoderStep.OPEN: settings.open_timeout_s, DecoderStep.READ: settings.read_timeout_s}.get(step)
    if allowed_s is not None and in_step_s > allowed_s + GRACE_S:
        return f"{step.name.lower()} for {in_step_s:.1f} s"
    return None
