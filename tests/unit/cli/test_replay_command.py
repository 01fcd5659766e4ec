"""`winnow replay` as a person types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from winnow.cli.replay import name_of

SAMPLES = Path(__file__).parent.parent.parent.parent / "sample_videos"


def _winnow(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "winnow.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=folder)


def _errors(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error:")]


def test_output_for_programs_is_the_same_every_time() -> None:
    """One CloudEvent a line, byte for byte the same at any speed; the summary goes elsewhere."""
    street = SAMPLES / "street.mp4"
    fast = _winnow("replay", street, "--json", "--fps", "2")
    held_back = _winnow("replay", street, "--json", "--fps", "2", "--speed", "60")
    assert fast.returncode == held_back.returncode == 0
    assert fast.stdout == held_back.stdout
    events = [json.loads(line) for line in fast.stdout.splitlines()]
    assert {event["type"] for event in events} >= {"winnow.object.started.v1", "winnow.object.ended.v1"}
    assert not any("sequence" in event for event in events)
    assert "× real time" in fast.stderr


def test_thumbnails_are_files_named_by_their_event(tmp_path: Path) -> None:
    """The folder is made; each file is a JPEG that belongs to a printed event."""
    folder = tmp_path / "deep" / "shots"
    result = _winnow("replay", SAMPLES / "street.mp4", "--json", "--fps", "2", "--thumbnails", folder)
    ids = {json.loads(line)["id"] for line in result.stdout.splitlines()}
    files = list(folder.iterdir())
    assert files
    assert {file.stem for file in files} <= ids
    assert all(file.read_bytes().startswith(b"\xff\xd8") for file in files)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"", "is empty"), (b"hello, world" * 99, "not a video")],
    ids=["missing", "empty", "text"],
)
def test_file_that_is_no_video_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    """Exit code 2 and one clear line that names the file."""
    file = tmp_path / "clip.mp4"
    if content is not None:
        file.write_bytes(content)
    result = _winnow("replay", file)
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {file}")
    assert said in line


def test_device_is_no_video() -> None:
    """A file without an end is refused before it is read."""
    result = _winnow("replay", "/dev/zero")
    assert result.returncode == 2
    assert result.stderr == "error: /dev/zero: neither a file nor a folder; give a video file\n"


def test_truncated_file_gives_its_events_and_says_so() -> None:
    """What could be read is reported; exit code 2 tells that it was not all."""
    result = _winnow("replay", SAMPLES / "truncated.mp4", "--json")
    assert result.returncode == 2
    assert "camera.online" in result.stdout
    (line,) = _errors(result)
    assert "cut short" in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--speed", "0"), "--speed 0"),
        (("--speed", "soon"), "--speed soon"),
        (("--start", "monday"), "--start monday"),
        (("--start", "0001-01-01T00:00:00+14:00"), "--start 0001"),
        (("--start", "9999-12-31T23:59:59Z"), "--start 9999"),
        (("--camera", "Front Door"), "--camera"),
        (("--mqtt", "http://x"), "--mqtt"),
        (("--mqtt", "mqtt://user:secret@x"), "--mqtt"),
        (("-c", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_wrong_option_is_named(options: tuple[str, str], said: str) -> None:
    """Exit code 2, one line that names the option, and no password in it."""
    result = _winnow("replay", SAMPLES / "still.mp4", *options)
    assert result.returncode == 2
    (line,) = _errors(result)
    assert said in line
    assert "secret" not in result.stderr


def test_start_is_the_time_of_the_first_frame() -> None:
    """Events carry the wall time that was given."""
    result = _winnow("replay", SAMPLES / "still.mp4", "--json", "--start", "2026-05-01T22:00:00+02:00")
    assert json.loads(result.stdout.splitlines()[0])["time"] == "2026-05-01T20:00:00Z"


def test_several_files_follow_each_other() -> None:
    """The second recording starts where the first one ended, under its own name."""
    result = _winnow("replay", SAMPLES / "still.mp4", SAMPLES / "line_crossing.mp4", "--json")
    first, second = (json.loads(line) for line in result.stdout.splitlines() if "camera.online" in line)
    assert (first["source"], second["source"]) == ("/nodes/edge/cameras/still", "/nodes/edge/cameras/line-crossing")
    assert second["time"] > first["time"]


def test_reader_that_goes_away_is_no_error() -> None:
    """`winnow replay … | head -1` ends quietly, with the code that the shell knows for it."""
    for option in ("--json", "--fps=5"):
        command = [sys.executable, "-m", "winnow.cli", "replay", str(SAMPLES / "street.mp4"), option]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            complaint = process.stderr.read()
            assert process.wait(60) == 141
            assert b"Traceback" not in complaint


@pytest.mark.parametrize(
    ("file", "name"),
    [("Front Door.MP4", "front-door"), ("__.mp4", "camera"), ("x" * 60 + ".mp4", "x" * 40), ("Größe.avi", "gr-e")],
)
def test_camera_is_named_after_the_file(file: str, name: str) -> None:
    """Whatever the file is called, the name fits the contract."""
    assert name_of(Path(file)) == name
