"""A recording that is decoded by a process of its own gives the same frames, and dies alone."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import av
import pytest

from tests.conftest import STREET
from winnow.pipeline.decoder.reader import digest
from winnow.pipeline.sources import (
    FileSource,
    FolderSource,
    Frame,
    LiveSettings,
    SourceDamagedError,
    SourceNotFoundError,
    SourceNotVideoError,
    open_source,
)
from winnow.pipeline.sources.isolated_file import IsolatedFileSource
from winnow.runtime.clock import SystemClock

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _short_clip(path: Path, *, size: tuple[int, int] = (96, 64), frames: int = 12) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            image = av.VideoFrame(*size, "yuv420p")
            for plane in image.planes:
                plane.update(bytes([index * 9 % 256]) * plane.buffer_size)
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    return path


def _facts(frames: Iterable[Frame]) -> list[tuple[object, ...]]:
    return [
        (
            frame.index,
            frame.pts,
            frame.stream_s,
            frame.stream_epoch,
            frame.captured_at,
            frame.is_key,
            digest(frame.image),
        )
        for frame in frames
    ]


def _pid(source: IsolatedFileSource) -> int:
    return source._decoder.pid


def test_frames_are_those_of_decoding_in_the_own_process(tmp_path: Path) -> None:
    """Numbers, times, pixels and counters agree."""
    clip = _short_clip(tmp_path / "a.mp4", frames=40)
    with open_source(str(clip), clock=SystemClock(), starts_at=START) as near:
        expected = _facts(near)
    with open_source(str(clip), clock=SystemClock(), starts_at=START, isolates=True) as far:
        assert isinstance(far, IsolatedFileSource)
        assert _facts(far) == expected
    assert len(expected) == 40
    assert far.stats == near.stats


def test_folder_of_isolated_recordings_has_one_time(tmp_path: Path) -> None:
    """Each file follows the one before in an epoch of its own; one that is no video is passed over."""
    _short_clip(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"not a video at all")
    _short_clip(tmp_path / "c.mp4", size=(128, 96))
    with FolderSource(tmp_path, starts_at=START) as near:
        expected = _facts(near)
    open_file = partial(IsolatedFileSource, clock=SystemClock())
    with FolderSource(tmp_path, starts_at=START, open_file=open_file) as far:
        assert _facts(far) == expected
    assert {fact[3] for fact in expected} == {0, 1}
    assert far.stats == near.stats


def test_slow_owner_misses_no_frame(tmp_path: Path) -> None:
    """The decoder waits for whoever reads; a pause longer than its time for one packet is not taken for a hang."""
    clip = _short_clip(tmp_path / "a.mp4")
    with IsolatedFileSource(clip, clock=SystemClock(), settings=LiveSettings(decode_within_s=0.2)) as source:
        frames = [source.read()]
        time.sleep(1)
        frames += list(source)
    assert len(frames) == 12
    assert source.stats.frames_dropped == {}
    assert source.stats.decoder_restarts == 0


def test_frames_at_the_end_wait_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A decoder that is done stays until its owner is: the last frames are had however late they are asked for."""
    clip = _short_clip(tmp_path / "a.mp4")
    with IsolatedFileSource(clip, clock=SystemClock()) as source:
        frames = [source.read() for _ in range(9)]
        for _ in range(4):
            time.sleep(0.3)  # a process that has nothing left to do is gone by then
            frames.append(source.read())
    assert [frame.index for frame in frames if frame] == list(range(12))
    assert not source.stats.damage
    assert source.stats.decoder_restarts == 0
    assert not caplog.records


@pytest.mark.parametrize("fatal", [signal.SIGSEGV, signal.SIGSTOP])
def test_recording_ends_where_its_decoder_dies(fatal: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    """The frames before are had, the file counts as cut short, and the reason is told."""
    with IsolatedFileSource(STREET, clock=SystemClock()) as source:
        assert source.read()
        os.kill(_pid(source), fatal)
        died_s = time.monotonic()
        assert len(list(source)) < 5
        assert time.monotonic() - died_s < 3.5
    assert source.stats.damage.is_truncated
    assert source.stats.decoder_restarts == 1
    assert "the decoder " in (source.stats.last_error or "")
    assert "a recording ends early" in caplog.text


def test_folder_goes_on_after_a_recording_that_kills_its_decoder(tmp_path: Path) -> None:
    """The next file is read as if nothing had been."""
    shutil.copy(STREET, tmp_path / "a.mp4")
    _short_clip(tmp_path / "b.mp4")
    opened: list[IsolatedFileSource] = []

    def open_file(path: Path, **options: object) -> IsolatedFileSource:
        opened.append(IsolatedFileSource(path, clock=SystemClock(), **options))  # type: ignore[arg-type]
        return opened[-1]

    with FolderSource(tmp_path, open_file=open_file) as source:
        assert source.read()
        os.kill(_pid(opened[0]), signal.SIGKILL)
        rest = list(source)
    assert [frame.stream_epoch for frame in rest][-12:] == [1] * 12
    assert len(rest) < 12 + 5


def test_recording_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    """A picture that does not fit ends the decoder, and names the file."""
    clip = _short_clip(tmp_path / "huge.avi", size=(7680, 7680), frames=1)
    settings = LiveSettings(decoder_memory_bytes=48 * 1024 * 1024)
    source = IsolatedFileSource(clip, clock=SystemClock(), settings=settings)
    with pytest.raises(SourceDamagedError, match=r"huge\.avi"), source:
        pass


def test_what_cannot_be_opened_is_told_as_ever(tmp_path: Path) -> None:
    """The same errors as without a process of its own."""
    (tmp_path / "text.mp4").write_text("hello")
    for name, error in (("none.mp4", SourceNotFoundError), ("text.mp4", SourceNotVideoError)):
        for source in (FileSource(tmp_path / name), IsolatedFileSource(tmp_path / name, clock=SystemClock())):
            with pytest.raises(error) as caught, source:
                pass
            assert name in str(caught.value)


def test_closing_from_another_thread_ends_a_read(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is logged as if the recording were broken, and the process is gone."""
    with IsolatedFileSource(STREET, clock=SystemClock()) as source:
        pid = _pid(source)
        threading.Timer(0.3, source.close).start()
        frames = len(list(source))
    assert frames < 795
    assert not Path(f"/proc/{pid}").exists()
    assert not source.stats.damage.is_truncated
    assert caplog.text == ""
