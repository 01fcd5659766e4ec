"""What the decoders' processes use, in the edge's metrics: its own figures do not hold them."""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_UTIME, _STIME, _RSS = 11, 12, 21
"""Fields after the process's name. Source: proc(5), /proc/PID/stat, fields 14, 15 and 24."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenUse:
    """What this process's children use: those that run, and the CPU time of those that have ended too."""

    processes: int
    cpu_s: float
    resident_bytes: int


def children_use(proc: Path = Path("/proc")) -> ChildrenUse:
    """Return what the children use now; one that ends meanwhile may be missing from the sums."""
    processes = ticks = pages = 0
    for task in (proc / "self" / "task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread or child that has just ended
            for pid in (task / "children").read_text().split():
                fields = (proc / pid / "stat").read_text().rpartition(")")[2].split()
                processes += 1
                ticks += int(fields[_UTIME]) + int(fields[_STIME])
                pages += int(fields[_RSS])
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ChildrenUse(
        processes=processes,
        cpu_s=ticks / _TICKS_PER_S + ended.ru_utime + ended.ru_stime,
        resident_bytes=pages * _PAGE_BYTES,
    )


class DecodersCollector(Collector):
    """CPU time and memory of all decoders together: the edge has no other children."""

    def collect(self) -> Iterator[Metric]:
        """Return what is used now; nothing where Linux does not tell."""
        with suppress(OSError):
            use = children_use()
            yield CounterMetricFamily("winnow_decoder_cpu_seconds", "CPU time of all decoders.", value=use.cpu_s)
            yield GaugeMetricFamily(
                "winnow_decoder_resident_memory_bytes", "Memory of all decoders.", value=use.resident_bytes
            )
