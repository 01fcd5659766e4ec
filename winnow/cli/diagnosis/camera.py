"""Does a camera answer, and what does it send?"""

from pathlib import Path
from typing import Final

from winnow.cli.diagnosis.finding import Finding, good, problem, warning
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import Frame, Source, SourceError, SourceNotVideoError, open_source
from winnow.runtime.clock import Clock

WATCHED_S: Final = 2.0
"""Stream time over which the rate is measured."""

TRIES: Final = 2
"""A camera that refused so often will not answer a third time."""

BLACK_LEVEL: Final = 20
"""A picture whose mean brightness (0..255) is below shows nothing: video black is 16."""


def examine_camera(name: str, settings: CameraSettings, clock: Clock, *, within_s: float) -> Finding:
    """Return what a camera or recording sends, or why it does not.

    Args:
        name: the camera's.
        settings: its source and how it is reached.
        clock: times the first frame.
        within_s: a camera that gives no frame by then does not answer.
    """
    part = f"camera {name}"
    try:
        with open_source(settings.source, clock=clock, live=settings.connection.live(), isolates=True) as source:
            began_s = clock.monotonic_s()
            first = _first_frame(source, began_s + within_s, clock)
            if first is None:
                return _silent(part, source, within_s)
            delay_s = clock.monotonic_s() - began_s
            last = _watch(source, first, clock)
            return _described(part, settings, source, first, last, delay_s)
    except SourceNotVideoError as exc:
        if settings.connection.watch_folder and _is_empty(Path(settings.source)):
            return good(part, f"{settings.source}: nothing there yet; what comes into this folder is read")
        return problem(part, str(exc), f"correct cameras.{name}.source")
    except SourceError as exc:
        return problem(part, str(exc), f"correct cameras.{name}.source, or make the file readable")


def _is_empty(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None


def _first_frame(source: Source, until_s: float, clock: Clock) -> Frame | None:
    while source.stats.connection != "ended" and (left_s := until_s - clock.monotonic_s()) > 0:
        frame = source.read(min(left_s, 0.5))
        if frame is not None:
            return frame
        if not source.is_live or source.stats.reconnects >= TRIES:
            return None
    return None


def _watch(source: Source, first: Frame, clock: Clock) -> Frame:
    """Return the last frame of the time that is watched: two seconds of the stream, or twice that on the wall."""
    last, until_s = first, clock.monotonic_s() + 2 * WATCHED_S
    while float(last.stream_s - first.stream_s) < WATCHED_S and clock.monotonic_s() < until_s:
        frame = source.read(0.5)
        if frame is not None and frame.stream_epoch == first.stream_epoch:
            last = frame
        elif source.stats.connection == "ended":
            break
    return last


def _silent(part: str, source: Source, within_s: float) -> Finding:
    reason = source.stats.last_error or f"{source.description}: no frame within {within_s:g} s"
    advice = "look whether it is on and reachable from this box, and whether address and login are right"
    if source.description.startswith("/dev/"):
        advice = "`v4l2-ctl --list-devices` (package v4l-utils) shows the webcams of this box"
    return problem(part, reason, advice)


def _described(  # noqa: PLR0913, PLR0917 - what is said of a camera
    part: str, settings: CameraSettings, source: Source, first: Frame, last: Frame, delay_s: float
) -> Finding:
    stats, span_s = source.stats, float(last.stream_s - first.stream_s)
    rate = (last.index - first.index) / span_s if span_s > 0 else None
    facts = {
        "width": first.width,
        "height": first.height,
        "codec": stats.codec,
        "frames_per_s": None if rate is None else round(rate, 1),
        "clock_source": last.clock_source,
        "first_frame_s": round(delay_s, 2),
        "damaged_frames": stats.damage.corrupt_frames,
    }
    shown_rate = "one frame" if rate is None else f"{rate:.1f} frames/s"
    said = (
        f"{first.width}x{first.height} {stats.codec or 'unknown codec'}, {shown_rate}, "
        f"clock {last.clock_source}, first frame after {delay_s:.1f} s"
    )
    doubts = _doubts(settings, stats.damage.corrupt_frames, rate, last)
    if stats.damage.is_truncated:
        doubts.append(f"it ends early: {stats.last_error or 'the file is cut short'}; get another copy")
    return warning(part, said, "; ".join(doubts), **facts) if doubts else good(part, said, **facts)


def _doubts(settings: CameraSettings, damaged: int, rate: float | None, last: Frame) -> list[str]:
    doubts = []
    if rate is not None and rate < 0.9 * settings.analysed_fps:
        doubts.append(f"it sends fewer frames than the {settings.analysed_fps:g} a second that are to be analysed")
    if damaged:
        doubts.append(f"{damaged} damaged frames: look at the network, or use tcp")
    if float(last.luma().mean()) < BLACK_LEVEL:
        doubts.append("the picture is black: is the lens covered, is there light?")
    return doubts
