"""What the world is told of a change of a camera's health."""

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

from winnow.events.data import CameraDegraded, CameraOnline, Clock
from winnow.events.status import CameraStatus
from winnow.pipeline.health.changes import HealthChange


def health_report(
    change: HealthChange, *, moment: Callable[[Fraction], datetime], frame_size: tuple[int, int], clock: Clock
) -> CameraDegraded | CameraOnline:
    """Return the event's data: degraded, or online again.

    Args:
        change: what changed.
        moment: stream time → aware UTC wall time.
        frame_size: width and height of the camera's pictures.
        clock: what stream time rests on.
    """
    if change.reason is not None:
        return CameraDegraded(reason=change.reason, since=moment(change.since_s))
    if change.before is None:
        raise ValueError("a change from well to well is none")
    return CameraOnline(frame=frame_size, clock=clock, recovered_from=change.before)


def degraded_status(report: CameraDegraded | CameraOnline, at: datetime) -> CameraStatus:
    """Return the retained state that goes with a report made at a wall time."""
    if isinstance(report, CameraDegraded):
        return CameraStatus(state="degraded", since=report.since, reason=report.reason)
    return CameraStatus(state="online", since=at)
