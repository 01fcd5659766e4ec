"""A running edge that is watched from outside: cameras are served, time and memory of its process tree are read."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness.cost import ROOT

TICKS: Final = os.sysconf("SC_CLK_TCK")
STARTS_WITHIN_S: Final = 180.0
"""Cameras start one after the other: fifty take a minute and a half on one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningEdge:
    """`winnow run` as a process.

    Attributes:
        pid: of its main process.
        metrics_port: where its metrics are.
    """

    pid: int
    metrics_port: int

    def cpu_s(self) -> float:
        """Return processor seconds of all its processes so far."""
        return process_tree_cpu_s(self.pid)

    def resident_mib(self) -> float:
        """Return the resident memory of all its processes; what two of them share counts once."""
        return sum(map(_proportional_kib, _tree(self.pid))) / 1024

    def metrics(self) -> dict[str, list[float]]:
        """Return its metrics by name, one value for each set of labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[str, list[float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCameras:
    """Cameras that all send the same clip, each from another place on.

    Attributes:
        port: on the loopback interface.
    """

    port: int

    def addresses(self, count: int) -> list[str]:
        """Return the addresses of so many cameras; that of `c0` is the first."""
        return [f"rtsp://127.0.0.1:{self.port}/c{number}" for number in range(count)]


@contextmanager
def served(clip: Path, *, core: int | None = None) -> Iterator[ServedCameras]:
    """Serve the clip as any number of cameras while the block runs."""
    command = [*_on_core(core), sys.executable, "-m", "benchmarks.subjects.cameras_server", str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:  # noqa: S603
        if server.stdout is None:  # pragma: no cover - it was asked for
            raise AssertionError("no pipe")
        try:
            yield ServedCameras(port=int(server.stdout.readline()))
        finally:
            server.terminate()


@contextmanager
def running_edge(
    addresses: Sequence[str],
    *,
    mqtt: str = "mqtt://127.0.0.1:1",
    core: int | None = None,
    camera: dict[str, Any] | None = None,
) -> Iterator[RunningEdge]:
    """Run the edge on these cameras while the block runs.

    Args:
        addresses: of the cameras.
        mqtt: the broker; by default there is none, and everything stays in the spool.
        core: the one processor core that it may use; any if None.
        camera: further settings of each camera.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        settings = {
            "node": "bench",
            "mqtt": {"url": mqtt},
            "metrics": {"port": port},
            "spool": {"path": f"{folder}/spool.sqlite"},
            "cameras": {
                f"c{number}": {"source": address, **deepcopy(camera or {})} for number, address in enumerate(addresses)
            },
        }
        path = Path(folder) / "edge.yaml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        command = [*_on_core(core), sys.executable, "-m", "winnow.cli", "run", "-c", str(path), "--log-level", "ERROR"]
        with subprocess.Popen(command, cwd=ROOT) as child:  # noqa: S603
            try:
                edge = RunningEdge(pid=child.pid, metrics_port=port)
                _wait_for_frames(child, edge, len(addresses))
                yield edge
            finally:
                child.terminate()


def _wait_for_frames(child: subprocess.Popen[bytes], edge: RunningEdge, cameras: int) -> None:
    deadline_s = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline_s and child.poll() is None:
        time.sleep(0.5)
        try:
            if sum(edge.metrics().get("winnow_camera_online", [])) == cameras:
                return
        except OSError:
            continue
    raise RuntimeError(f"not all of {cameras} cameras were online within {STARTS_WITHIN_S:.0f} s, or the edge ended")


def process_tree_cpu_s(pid: int) -> float:
    """Return processor seconds of a process and its living descendants so far."""
    return sum(map(_cpu_s, _tree(pid)))


def _tree(root: int) -> list[int]:
    tree = [root]
    for pid in tree:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            tree += map(int, _read(children).split())
    return tree


def _on_core(core: int | None) -> list[str]:
    return [] if core is None else ["taskset", "-c", str(core)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu_s(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _proportional_kib(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    """Return the text, empty for a process that has just ended."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
