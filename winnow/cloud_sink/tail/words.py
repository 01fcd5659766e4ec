"""What an event says, in words. Pure."""

from winnow.events.data import (
    CameraDegraded,
    CameraOffline,
    CameraOnline,
    EventData,
    LineCrossed,
    ModelActivated,
    ModelRejected,
    ModelRolledBack,
    NodeStats,
    ObjectEnded,
    ObjectStarted,
    ObjectUpdated,
    SequenceCompleted,
    SpoolDropped,
    ZoneDwelled,
    ZoneEntered,
    ZoneExited,
    ZoneOccupancy,
)


def describe(data: EventData) -> str:
    """Return what happened, without its subject: `crossed line door, in`."""
    match data:
        case NodeStats():
            return _stats(data)
        case CameraOnline() | CameraOffline() | CameraDegraded():
            return _camera(data)
        case ModelActivated() | ModelRejected() | ModelRolledBack():
            return _model(data)
        case SpoolDropped():
            return f"gave up {_counted(data.count, 'message')}: {data.reason}"
        case ZoneOccupancy():
            passed = f"{data.threshold} or more" if data.state == "above" else f"fewer than {data.threshold}"
            return f"zone {data.zone} holds {data.count}: {passed}"
        case _:
            return _object(data)


def _object(  # noqa: PLR0911 - one answer a kind
    data: ObjectStarted
    | ObjectUpdated
    | ObjectEnded
    | LineCrossed
    | ZoneEntered
    | ZoneExited
    | ZoneDwelled
    | SequenceCompleted,
) -> str:
    match data:
        case ObjectStarted():
            return f"appeared (score {data.score:.2f})"
        case ObjectUpdated():
            return _update(data)
        case ObjectEnded():
            return f"gone after {_seconds(data.dwell_s)} (top score {data.top_score:.2f})"
        case LineCrossed():
            return f"crossed line {data.line}, {data.direction}"
        case ZoneEntered():
            return f"entered zone {data.zone}"
        case ZoneExited():
            return f"left zone {data.zone} after {_seconds(data.dwell_s)}"
        case ZoneDwelled():
            return f"has stayed in zone {data.zone} for {_seconds(data.dwell_s)}"
        case SequenceCompleted():
            return f"completed {data.name}: {' → '.join(data.zones)} in {_seconds(data.duration_s)}"


def _update(data: ObjectUpdated) -> str:
    match data.change:
        case "moving":
            return "moves again"
        case "stationary":
            return "stands still"
        case "zones":
            return f"is in {', '.join(data.zones)}" if data.zones else "is in no zone"
        case "thumbnail":
            return f"better seen (score {data.score:.2f})"


def _camera(data: CameraOnline | CameraOffline | CameraDegraded) -> str:
    match data:
        case CameraOnline():
            width, height = data.frame
            recovered = f"is no longer {data.recovered_from}, " if data.recovered_from else ""
            return f"{recovered}delivers {width}x{height}"
        case CameraOffline():
            return f"delivers nothing: {data.reason}"
        case CameraDegraded():
            return f"shows nothing useful: {data.reason}"


def _model(data: ModelActivated | ModelRejected | ModelRolledBack) -> str:
    match data:
        case ModelActivated():
            return f"uses model {data.model.name} {data.version}"
        case ModelRejected():
            return f"refused model {data.model.name}: {data.reason}"
        case ModelRolledBack():
            return f"went back to model {data.model.name}: {data.reason}"


def _stats(data: NodeStats) -> str:
    bytes_in = sum(camera.bytes_in for camera in data.cameras)
    bytes_out = sum(camera.bytes_sent for camera in data.cameras)
    analysed = sum(camera.frames_analysed for camera in data.cameras)
    flow = f"{size_text(bytes_in)} in, {size_text(bytes_out)} out"
    return f"{_counted(analysed, 'frame')} analysed in {_seconds(data.period_s)}, {flow}, spool {data.spool_depth}"


def size_text(size_bytes: int) -> str:
    """Return a size with its unit: `12 B`, `3.4 kB`, `5.6 MB`; powers of 1000."""
    if size_bytes < 1000:  # noqa: PLR2004 - below the first unit
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.95:  # noqa: PLR2004 - rounds to 1000.0
            return f"{size:.1f} {unit}"
    return f"{size:.1f} TB"


def _seconds(seconds: float) -> str:
    """Return a duration with one decimal below a minute: `4.2 s`, `3 min 5 s`, `2 h 3 min`."""
    if seconds < 59.95:  # noqa: PLR2004 - rounds to 60.0
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest_s} s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
