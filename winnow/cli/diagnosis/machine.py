"""Disk, clock, memory and ports of the box itself."""

import ctypes
import errno
import os
import socket
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from winnow.cli.diagnosis.finding import Finding, good, problem, warning
from winnow.pipeline.delivery.disk import FREE_FLOOR_BYTES
from winnow.pipeline.settings import EdgeSettings, MetricsSettings, SpoolSettings

WRITES: Final = 5
SLOW_WRITE_S: Final = 0.1
"""A spool that takes longer for each event holds the cameras up."""

FIRST_YEAR, LAST_YEAR = 2025, 2100
"""A clock outside of them was never set: boxes without a battery wake up in 1970 or in their firmware's year."""

ONE_CAMERA_BYTES: Final = 400 * 1024 * 1024
"""What an edge with one 1080p camera may take at most."""

_MIB: Final = 1024 * 1024
_UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2): nothing disciplines the clock."""


def examine_disk(settings: SpoolSettings) -> Finding:
    """Return whether the spool can be written, how fast, and whether its quota fits on the disk."""
    part, folder = "disk", settings.path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent  # the edge makes the folders that are missing
    try:
        write_s = median(_durable_write_s(folder) for _ in range(WRITES))
        found = os.statvfs(folder)
    except OSError as exc:
        advice = "make the folder writable for this user, or choose another spool.path"
        return problem(part, f"{folder}: {str(exc.strerror).lower()}", advice)
    free_bytes = found.f_bavail * found.f_frsize
    said = (
        f"{settings.path}, {free_bytes // _MIB} MiB free for a spool of {settings.max_bytes // _MIB} MiB, "
        f"a durable write takes {1000 * write_s:.1f} ms"
    )
    facts = {"free_bytes": free_bytes, "max_bytes": settings.max_bytes, "write_ms": round(1000 * write_s, 2)}
    if free_bytes < FREE_FLOOR_BYTES:
        return problem(part, said, "make room: nothing is spooled below 64 MiB", **facts)
    if free_bytes - FREE_FLOOR_BYTES < settings.max_bytes:
        return warning(part, said, "make room, or lower spool.max_bytes: the disk ends before the quota", **facts)
    if write_s > SLOW_WRITE_S:
        return warning(part, said, "put the spool on a faster disk: a worn memory card is slow, then dead", **facts)
    return good(part, said, **facts)


def examine_clock() -> Finding:
    """Return whether the wall clock is set, is kept right by something, and does not jump."""
    part, now = "clock", datetime.now(UTC)
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        advice = "set the clock: events would carry this time, and TLS refuses certificates"
        return problem(part, f"it is {now:%Y-%m-%d %H:%M} UTC here", advice)
    drift_s = _step_s()
    kept = _is_synchronised()
    facts = {"now": now.isoformat(timespec="seconds"), "synchronised": kept, "step_s": round(drift_s, 3)}
    said = f"{now:%Y-%m-%d %H:%M:%S} UTC, {'synchronised' if kept else 'kept by nobody'}"
    if abs(drift_s) > 0.1:  # noqa: PLR2004 - a tenth of a second in half of one
        return warning(part, f"{said}, jumped by {drift_s:+.2f} s just now", "find out who sets it", **facts)
    if not kept:
        return warning(part, said, "run an NTP client (systemd-timesyncd, chrony): times of events drift", **facts)
    return good(part, said, **facts)


def examine_machine(settings: EdgeSettings | None) -> list[Finding]:
    """Return whether memory and cores are enough, and whether the metrics' port is free."""
    available, cores = _available_bytes(), len(os.sched_getaffinity(0))
    said = f"{available // _MIB} MiB available, {cores} cores"
    facts = {"available_bytes": available, "cores": cores}
    if available < ONE_CAMERA_BYTES:
        memory = warning("memory", said, "an edge with one 1080p camera may take 400 MiB: end other programs", **facts)
    else:
        memory = good("memory", said, **facts)
    return [memory] if settings is None else [memory, _port(settings.metrics)]


def _port(settings: MetricsSettings) -> Finding:
    if settings.port is None:
        return good("metrics", "not served")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((settings.host, settings.port))
    except OSError as exc:
        said = f"{settings.host}:{settings.port}: {str(exc.strerror).lower()}"
        if exc.errno == errno.EADDRINUSE:
            return warning("metrics", said, "well if that is this edge; else choose another metrics.port")
        return problem("metrics", said, "choose another metrics.host or metrics.port")
    return good("metrics", f"{settings.host}:{settings.port} is free")


def _durable_write_s(folder: Path) -> float:
    """Return how long it takes until four kilobytes are on the disk; the file is gone afterwards."""
    with tempfile.TemporaryFile(dir=folder) as file:
        began_s = time.perf_counter()
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - began_s


def _step_s() -> float:
    """Return by how much the wall clock moved more than the monotonic one in half a second."""
    wall_s, mono_s = time.time(), time.monotonic()
    time.sleep(0.5)
    return (time.time() - wall_s) - (time.monotonic() - mono_s)


def _is_synchronised() -> bool:
    """Return what the kernel knows of its clock. Source: adjtimex(2), which only reads where `modes` is 0."""
    state = ctypes.create_string_buffer(512)  # struct timex, larger than on any architecture
    return int(ctypes.CDLL(None).adjtimex(state)) not in {-1, _UNSYNCHRONISED}


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
