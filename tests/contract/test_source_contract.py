"""What every source promises: files, folders, live streams, and the fake that stands in for them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, timedelta
from itertools import pairwise, product
from pathlib import Path
from threading import Event, Thread
from typing import Final

import numpy as np
import pytest

from winnow.pipeline.sources import FileSource, FolderSource, Frame, LiveSource, Source
from winnow.pipeline.sources.testing import ScriptedSource, serve_stream, transport_stream
from winnow.runtime.clock import SystemClock

CLIP: Final = Path(__file__).parents[2] / "sample_videos" / "line_crossing.mp4"
FRAMES: Final = 110
WAIT_S: Final = 20
"""How long a test waits for a frame that must come."""

Opened = AbstractContextManager[Source]


def _fifty_frames_a_second(stopping: Event) -> Iterator[bytes]:
    """Send the clip in as many pieces as it has frames, then nothing: the connection outlives the test."""
    stream = transport_stream(CLIP)
    size = len(stream) // FRAMES + 1
    for start in range(0, len(stream), size):
        yield stream[start : start + size]
        stopping.wait(0.02)
    stopping.wait(WAIT_S)


def _file(_: Path) -> Source:
    return FileSource(CLIP)


def _folder(tmp_path: Path) -> Source:
    shutil.copy(CLIP, tmp_path / "one.mp4")
    return FolderSource(tmp_path)


def _scripted(_: Path) -> Source:
    with FileSource(CLIP) as clip:
        return ScriptedSource(list(clip))


@contextmanager
def _live(_: Path) -> Iterator[Source]:
    with serve_stream(_fifty_frames_a_second, content_type="video/mp2t") as url, ExitStack() as stack:
        yield stack.enter_context(LiveSource(url, clock=SystemClock()))


@contextmanager
def _recorded(make: Callable[[Path], Source], tmp_path: Path) -> Iterator[Source]:
    with make(tmp_path) as source:
        yield source


MAKERS: Final[dict[str, Callable[[Path], Opened]]] = {
    "file": lambda tmp_path: _recorded(_file, tmp_path),
    "folder": lambda tmp_path: _recorded(_folder, tmp_path),
    "scripted": lambda tmp_path: _recorded(_scripted, tmp_path),
    "live": _live,
}


@pytest.fixture(params=list(MAKERS))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """Return an open source that shows the synthetic clip."""
    with MAKERS[request.param](tmp_path) as opened:
        yield opened


def _read(source: Source, count: int) -> list[Frame]:
    frames = [source.read(WAIT_S) for _ in range(count)]
    assert all(frames), source.stats
    return [frame for frame in frames if frame]


def test_frames_come_in_order_of_time(source: Source) -> None:
    """Index, time and wall time only grow; the first frame is at 0 s unless newer ones replaced it unread."""
    frames = _read(source, 10)
    assert frames[0].stream_s == 0 or source.is_live
    for before, after in pairwise(frames):
        assert before.index < after.index
        assert before.stream_s < after.stream_s
        assert before.captured_at < after.captured_at
        assert before.stream_epoch <= after.stream_epoch


def test_frames_follow_the_time_stamps_of_the_stream(source: Source) -> None:
    """Within an epoch stream time and a recording's wall time advance exactly as the PTS does.

    By a machine's clock no frame was taken after it was read, so frames that come too fast are closer together.
    """
    frames = _read(source, 5)
    for before, after in product(frames, frames):
        if before.stream_epoch == after.stream_epoch:
            step_s = (after.pts - before.pts) * after.time_base
            assert after.stream_s - before.stream_s == step_s
            passed = after.captured_at - before.captured_at
            due = timedelta(microseconds=round(step_s * 1_000_000))
            assert passed == due or (source.is_live and timedelta(0) < abs(passed) < abs(due))


def test_frame_has_pixels(source: Source) -> None:
    """Brightness and colours come in the picture's own size."""
    (frame,) = _read(source, 1)
    assert frame.luma().shape == (frame.height, frame.width) == (192, 320)
    assert frame.bgr().shape == (192, 320, 3)
    assert frame.bgr().dtype == frame.luma().dtype == np.uint8


def test_frame_keeps_its_pixels_after_later_ones_were_read(source: Source) -> None:
    """The decoder never paints over a frame that somebody holds."""
    (first,) = _read(source, 1)
    before = first.luma().copy()
    _read(source, 10)
    np.testing.assert_array_equal(first.luma(), before)


def test_captured_at_is_utc(source: Source) -> None:
    """Wall times are aware."""
    (frame,) = _read(source, 1)
    assert frame.captured_at.tzinfo is UTC


def test_live_is_what_has_a_clock_and_no_length(source: Source) -> None:
    """A live source is timed by a clock and has no duration; a recording has both the other way round."""
    (frame,) = _read(source, 1)
    assert source.is_live == (source.clock_source != "file")
    assert source.is_live == (frame.read_at_mono_s is not None)
    assert not (source.is_live and source.duration_s is not None)


def test_stats_count_what_was_read(source: Source) -> None:
    """Bytes and frames are counted; every decoded frame was handed out, dropped, or waits."""
    _read(source, 3)
    stats = source.stats
    assert stats.bytes_read > 0
    assert stats.frames_decoded - 1 <= 3 + sum(stats.frames_dropped.values()) or source.is_live
    assert stats.frames_decoded >= 3
    assert stats.connection == "online" or source.is_live
    assert not stats.damage


def test_stats_are_a_snapshot(source: Source) -> None:
    """What was asked for does not change afterwards."""
    _read(source, 1)
    before = source.stats
    decoded = before.frames_decoded
    _read(source, 3)
    assert before.frames_decoded == decoded < source.stats.frames_decoded


def test_no_frame_comes_after_close(source: Source) -> None:
    """A closed source has ended, whether one reads or iterates, and closing again is harmless."""
    _read(source, 1)
    source.close()
    assert source.read(WAIT_S) is None
    assert list(source) == []
    assert source.stats.connection == "ended"
    source.close()


def test_close_by_another_thread_ends_the_iteration(source: Source) -> None:
    """A loop over frames stops soon after somebody else closed the source."""
    seen: list[Frame] = []

    def watch() -> None:
        seen.extend(source)

    _read(source, 1)
    watcher = Thread(target=watch)
    watcher.start()
    source.close()
    watcher.join(WAIT_S)
    assert not watcher.is_alive()


@pytest.mark.parametrize("name", ["file", "folder", "scripted"])
def test_recording_hands_out_every_frame_once(name: str, tmp_path: Path) -> None:
    """Nothing of a recording is skipped, however slowly it is read; then it has ended."""
    with MAKERS[name](tmp_path) as source:
        assert [frame.index for frame in source] == list(range(FRAMES))
        assert source.read() is None
        stats = source.stats
    assert stats.frames_decoded == FRAMES
    assert stats.frames_dropped == {}
    assert stats.connection == "ended"


@pytest.mark.parametrize("name", ["file", "folder", "scripted"])
def test_recording_is_the_same_every_time(name: str, tmp_path: Path) -> None:
    """Two readings agree in every time and every pixel."""

    def look(folder: Path) -> list[tuple[object, ...]]:
        folder.mkdir()
        with MAKERS[name](folder) as source:
            return [(frame.pts, frame.stream_s, frame.captured_at, frame.luma().tobytes()) for frame in source]

    assert look(tmp_path / "first") == look(tmp_path / "second")
