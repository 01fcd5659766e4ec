"""`python -m benchmarks`: what it lists, what it says of a tool that is missing, and clips that are repeated."""

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import av
import pytest

from benchmarks import __main__ as runner
from benchmarks import detector
from benchmarks.harness.catalogue import measurements, summary_of
from benchmarks.harness.clips import STREET
from benchmarks.harness.repeating import repeated
from benchmarks.harness.report import Report, Target, markdown_of_all
from benchmarks.harness.tools import ToolMissingError


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return runner.main()


def test_every_measurement_says_what_it_measures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--list` names each module that can be run, with the first sentence of its docstring, and runs none."""
    names = measurements()
    assert {"beside", "cameras", "decoding", "detector", "latency", "pipeline", "tracker", "traffic"} <= set(names)
    assert all(len(summary_of(name)) > 20 for name in names)
    assert _run(monkeypatch, "--list") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in names)


def test_missing_tool_is_told_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report says what to install, and the run ends well; a measurement that breaks makes it fail."""

    def missing() -> Report:
        raise ToolMissingError("motion is not installed; compare with it after `apt-get install motion`")

    monkeypatch.setattr(detector, "measure", missing)
    assert _run(monkeypatch, "detector", "--report", str(tmp_path)) == 0
    assert "apt-get install motion" in (tmp_path / "report.md").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["measurements"]["detector"]
    assert "apt-get install motion" in told["missing"]

    def broken() -> Report:
        raise ZeroDivisionError

    monkeypatch.setattr(detector, "measure", broken)
    assert _run(monkeypatch, "detector", "--report", str(tmp_path)) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert "it failed to run" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_targets_of_all_measurements_come_first_and_in_order() -> None:
    """P4 stands before P10, figures without a number last, and what could not be measured says so."""

    def report(number: str, measured: float | None) -> Report:
        target = Target(number=number, what="x", measured=measured, limit=1.3, bound="at most")
        return Report(title=f"title {number}", columns=("a",), rows=[], targets=[target])

    reports = [report("P10", 1.2), report("", 1.2), report("P4", None)]
    head, _, _ = markdown_of_all("Run", "machine", reports, ["section"]).partition("section")
    lines = [line for line in head.splitlines() if "≤ 1.3" in line]
    assert lines == [
        "| P4 | x | - | ≤ 1.3 | not measured |",
        "| P10 | x | 1.2 | ≤ 1.3 | met |",
        "|  | x | 1.2 | ≤ 1.3 | met |",
    ]


def test_repeated_clip_is_the_clip_again_and_again(tmp_path: Path) -> None:
    """Twice the pictures, each decodes, and time goes on over the joint."""
    clip = tmp_path / "street.mp4"
    shutil.copy(STREET, clip)
    with av.open(str(clip)) as container:
        count = sum(bool(packet.size) for packet in container.demux(video=0))
    with av.open(str(repeated(clip, 2))) as container:
        times = [packet.pts or 0 for packet in container.demux(video=0) if packet.size]
        steps = [after - before for before, after in pairwise(times)]
        assert len(times) == 2 * count
        assert max(steps) - min(steps) <= 1  # ticks
        container.seek(0)
        joint = [frame for frame, _ in zip(container.decode(video=0), range(count + 2), strict=False)]
        assert not any(frame.is_corrupt for frame in joint)
