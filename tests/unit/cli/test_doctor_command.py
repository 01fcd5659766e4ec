"""`winnow doctor` on boxes where something, or everything, is wrong."""

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from winnow.cli.diagnosis import examine_disk
from winnow.cli.diagnosis.examination import Examination, examine_all
from winnow.cli.diagnosis.finding import good
from winnow.cli.root import app
from winnow.pipeline.settings import SpoolSettings
from winnow.pipeline.sources.testing import serve_stream, transport_stream

SAMPLES = Path(__file__).parents[3] / "sample_videos"
STREAM_BYTES_A_PART = 4096
SECRET = "lantern-99"  # noqa: S105 - a test's own


@pytest.fixture(scope="module")
def camera_url() -> Iterator[str]:
    """Return the URL of a camera that sends a clip again and again."""
    stream = transport_stream(SAMPLES / "line_crossing.mp4")

    def parts(stopping: Event) -> Iterable[bytes]:
        for start in range(0, len(stream), STREAM_BYTES_A_PART):
            if stopping.is_set():
                return
            yield stream[start : start + STREAM_BYTES_A_PART]
        stopping.wait()

    with serve_stream(parts, content_type="video/mp2t") as url:
        yield url


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port on which nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def doctor(folder: Path, settings: dict[str, Any] | str, *options: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Return exit code, findings by part, and everything that was printed."""
    path = folder / "edge.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    result = CliRunner().invoke(app, ["doctor", "-c", str(path), "--json", "--timeout", "10", *options])
    told = json.loads(result.stdout)
    return result.exit_code, {one["part"]: one for one in told["findings"]}, result.output


def test_camera_is_described(tmp_path: Path, camera_url: str) -> None:
    """Size, codec, rate, clock and the delay of the first frame, of a live camera."""
    code, parts, _ = doctor(tmp_path, {"cameras": {"door": {"source": camera_url}}}, "--camera", "door")
    assert code == 0
    facts = parts["camera door"]["facts"]
    assert (facts["width"], facts["height"], facts["codec"], facts["clock_source"]) == (320, 192, "h264", "wall")
    assert 0 < facts["first_frame_s"] < 10
    assert set(parts) == {"settings", "camera door"}


def test_everything_broken_is_told_part_by_part_without_a_secret(tmp_path: Path, closed_port: int) -> None:
    """Each part says what to do, none keeps another from being looked at, and the exit code is 1."""
    readonly = tmp_path / "file"
    readonly.write_text("")
    code, parts, output = doctor(
        tmp_path,
        {
            "mqtt": {"url": f"mqtt://127.0.0.1:{closed_port}"},
            "spool": {"path": str(readonly / "below-a-file.sqlite")},
            "metrics": {"host": "192.0.2.1"},
            "cameras": {
                "lost": {"source": str(tmp_path / "nowhere.mp4")},
                "dead": {"source": f"rtsp://viewer:{SECRET}@127.0.0.1:{closed_port}/a"},
            },
        },
    )
    assert code == 1
    broken = {name for name, one in parts.items() if one["status"] == "problem"}
    assert broken == {"camera lost", "camera dead", "broker", "disk", "metrics"}
    assert all(parts[name]["advice"] for name in broken)
    assert parts["model"]["status"] in {"ok", "warning"}
    assert SECRET not in output


@pytest.mark.parametrize(("is_watched", "status"), [(True, "ok"), (False, "problem")])
def test_empty_folder_is_well_only_where_recordings_are_awaited(
    tmp_path: Path,
    is_watched: bool,  # noqa: FBT001 - a case
    status: str,
) -> None:
    """A watched folder begins empty; any other one that is empty will never give a picture."""
    (tmp_path / "in").mkdir()
    settings = {"source": str(tmp_path / "in"), "connection": {"watch_folder": is_watched}}
    _, parts, _ = doctor(tmp_path, {"cameras": {"drop": settings}}, "--camera", "drop")
    assert parts["camera drop"]["status"] == status


def test_wrong_settings_do_not_hide_the_machine(tmp_path: Path) -> None:
    """Every wrong key is a line, clock and memory are looked at all the same, and the exit code is 2."""
    code, parts, _ = doctor(tmp_path, "cameras: {a: {sorce: x.mp4}}\n")
    assert code == 2
    assert parts["settings"]["status"] == "problem"
    assert {"clock", "memory"} <= set(parts)


def test_missing_model_is_told(tmp_path: Path) -> None:
    """A model that is not there is a wrong setting, with the ones that are."""
    code, parts, _ = doctor(tmp_path, {"model": "yolo", "cameras": {"a": {"source": "x.mp4"}}})
    assert code == 2
    assert "nanodet" in parts["settings"]["said"]


def test_unknown_camera_is_wrong_use(tmp_path: Path) -> None:
    """The names that there are come with it."""
    path = tmp_path / "edge.yaml"
    path.write_text("cameras: {door: {source: x.mp4}}\n")
    result = CliRunner().invoke(app, ["doctor", "-c", str(path), "--camera", "dor"])
    assert result.exit_code == 2
    assert "choose one of door" in result.stderr


def test_lines_are_readable_without_a_terminal(tmp_path: Path) -> None:
    """One line a part, and the advice below it."""
    path = tmp_path / "edge.yaml"
    path.write_text("cameras: {door: {source: nowhere.mp4}}\n")
    result = CliRunner().invoke(app, ["doctor", "-c", str(path), "--camera", "door"])
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok", "problem", "→"]


def test_small_disk_is_told_before_it_is_full(tmp_path: Path) -> None:
    """A quota that the disk cannot hold is a warning with both figures; nothing is left behind."""
    free_bytes = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    found = examine_disk(SpoolSettings(path=tmp_path / "deep" / "spool.sqlite", max_bytes=2 * free_bytes))
    assert found.status == "warning"
    assert "before the quota" in found.advice
    assert not list(tmp_path.iterdir())


def test_part_that_hangs_or_fails_holds_no_other_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never answers is told as such, one that raises too, and the third is heard."""
    monkeypatch.setattr("winnow.cli.diagnosis.examination.GRACE_S", 0.2)
    release = Event()

    def fails() -> list[Any]:
        raise RuntimeError("as it happens")

    def hangs() -> list[Any]:
        release.wait(30)
        return []

    parts = [
        Examination(part="hangs", look=hangs),
        Examination(part="fails", look=fails),
        Examination(part="well", look=lambda: [good("well", "fine")]),
    ]
    began_s = time.monotonic()
    found = dict(examine_all(parts, within_s=0.2))
    release.set()
    assert time.monotonic() - began_s < 5
    assert [found[number][0].status for number in range(3)] == ["problem", "problem", "ok"]
    assert "as it happens" in found[1][0].said


def test_shell_completes_command_and_options() -> None:
    """What `winnow --install-completion` teaches the shell knows this command and its options."""
    for words, at, completed in (("winnow doc", 1, "doctor"), ("winnow doctor --cam", 2, "--camera")):
        environment = {"_WINNOW_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        result = CliRunner().invoke(app, [], env=environment, prog_name="winnow")
        assert completed in result.stdout.split()
