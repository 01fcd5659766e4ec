"""Decoders that loop for ever or leak: each takes its own camera down for a moment, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cameras.http_cameras import http_camera
from tests.cameras.planted_faults import Fault, plant, prepare
from tests.cameras.test_decoder_dies import _is_gone, _next_epoch, _pid
from winnow.cli.diagnosis import examine_camera
from winnow.pipeline.settings import CameraSettings, ConnectionSettings
from winnow.pipeline.sources import FileSource, LiveSettings, LiveSource, SourceDamagedError
from winnow.pipeline.sources.isolated_file import IsolatedFileSource
from winnow.runtime.clock import SystemClock

CLIP: Final = Path(__file__).parents[2] / "sample_videos" / "line_crossing.mp4"
WAIT_S: Final = 20
NOTICED_WITHIN_S: Final = 3.5
"""Two seconds of CPU time or without a beat, and the beats and looks between."""
BACK_WITHIN_S: Final = 3


@pytest.fixture(scope="module")
def cameras() -> Iterator[tuple[str, str]]:
    """Return the URLs of two cameras that show ten pictures a second for ever."""
    with http_camera() as sick, http_camera() as well:
        yield sick, well


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("spin", "the decoder hung (decoding one packet"),
        ("spin_with_the_lock", "the decoder hung (no sign of life"),
        ("leak", "decoding it needs too much memory"),
    ],
)
def test_camera_is_back_soon_after_its_decoder_went_wrong(
    fault: Fault, problem: str, cameras: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is ended and replaced, the reason is named, and another camera's goes on."""
    prepare(tmp_path, monkeypatch)
    settings = LiveSettings(decoder_memory_bytes=160 * 1024 * 1024)
    with (
        LiveSource(cameras[0], clock=SystemClock(), settings=settings) as sick,
        LiveSource(cameras[1], clock=SystemClock()) as well,
    ):
        before = sick.read(WAIT_S)
        assert before
        assert well.read(WAIT_S)
        pid = _pid(sick)
        plant(tmp_path, fault, cameras[0])
        planted_s = time.monotonic()
        while sick.stats.decoder_restarts == 0:
            assert time.monotonic() - planted_s < WAIT_S, sick.stats
            time.sleep(0.01)
        ended_s = time.monotonic()
        if fault != "leak":
            assert ended_s - planted_s < NOTICED_WITHIN_S
        _next_epoch(sick, before.stream_epoch)
        assert time.monotonic() - ended_s < BACK_WITHIN_S
        assert _is_gone(pid)
        assert problem in (sick.stats.last_error or "")
        assert (well.stats.decoder_restarts, well.stats.reconnects) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("spin", "decoding one packet"), ("spin_with_the_lock", "no sign of life"), ("leak", "too much memory")],
)
def test_recording_that_ruins_its_decoder_ends_there(
    fault: Fault, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames up to that point are those of the file; then it ends as if it were cut short, with the reason."""
    prepare(tmp_path, monkeypatch)
    settings = LiveSettings(decoder_memory_bytes=160 * 1024 * 1024)
    with FileSource(CLIP) as whole:
        expected = [frame.pts for frame in whole]
    with IsolatedFileSource(CLIP, clock=SystemClock(), settings=settings) as source:
        first = source.read()
        assert first
        plant(tmp_path, fault, str(CLIP))
        seen = [first.pts, *(frame.pts for frame in source)]
    assert seen == expected[: len(seen)]
    assert len(seen) < len(expected)
    assert source.stats.damage.is_truncated
    assert problem in (source.stats.last_error or "")


def test_recording_that_ruins_its_decoder_at_once_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a single frame there is nothing to look at: opening it fails, in bounded time."""
    prepare(tmp_path, monkeypatch)
    plant(tmp_path, "spin", str(CLIP))
    source = IsolatedFileSource(CLIP, clock=SystemClock())
    with pytest.raises(SourceDamagedError, match=CLIP.name), source:
        pass
    assert "decoding one packet" in (source.stats.last_error or "")


def test_doctor_survives_a_recording_that_ruins_its_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that the file ends there and why; the command itself goes on."""
    prepare(tmp_path, monkeypatch)
    plant(tmp_path, "leak", str(CLIP))
    settings = CameraSettings(source=str(CLIP), connection=ConnectionSettings(decoder_memory_mib=160))
    found = examine_camera("door", settings, SystemClock(), within_s=WAIT_S)
    assert found.status == "warning"
    assert "too much memory" in found.advice
