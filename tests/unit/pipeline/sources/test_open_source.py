"""From an address to its source."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from winnow.pipeline.sources import (
    FileSource,
    FolderSource,
    Frame,
    LiveSettings,
    LiveSource,
    SourceNotAllowedError,
    open_source,
)
from winnow.runtime.clock import SystemClock
from winnow.runtime.testing import ManualClock

CLIP: Final = Path(__file__).parents[4] / "sample_videos" / "line_crossing.mp4"
STREET: Final = CLIP.with_name("street.mp4")


def test_address_decides_the_source(tmp_path: Path) -> None:
    """A file, a folder, a URL and a webcam each get their own source, which is not opened yet."""
    clock = ManualClock()
    assert isinstance(open_source(str(CLIP), clock=clock), FileSource)
    assert isinstance(open_source(str(tmp_path), clock=clock), FolderSource)
    assert isinstance(open_source("rtsp://camera/stream", clock=clock), LiveSource)
    assert isinstance(open_source("/dev/video0", clock=clock), LiveSource)


def test_start_is_handed_to_recordings() -> None:
    """The wall time of the first frame is the one that was asked for."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with open_source(str(CLIP), clock=ManualClock(), starts_at=start) as source:
        frame = source.read()
    assert frame
    assert frame.captured_at == start


def test_address_that_may_not_be_opened_is_refused_before_it_is_opened() -> None:
    """FFmpeg never sees the address."""
    with pytest.raises(SourceNotAllowedError):
        open_source("concat:a.ts|b.ts", clock=ManualClock())


def test_description_shows_no_credentials() -> None:
    """What goes to logs has host and path, and no password."""
    source = open_source("rtsp://admin:hunter2@camera/stream?token=hunter2", clock=ManualClock())
    assert source.description == "rtsp://***@camera/stream?***"


def _first_frames(*, fast: bool, isolates: bool = False) -> list[Frame]:
    live = LiveSettings(fast_decoding=fast)
    with open_source(str(STREET), clock=SystemClock(), live=live, isolates=isolates) as source:
        return [frame for _ in range(5) if (frame := source.read())]


def test_fast_decoding_gives_the_same_frames_with_a_little_other_pixels() -> None:
    """Time and number of the frames are those of a whole decoding; the borders between blocks are not smoothed."""
    whole, fast = _first_frames(fast=False), _first_frames(fast=True)
    assert [(frame.index, frame.stream_s) for frame in fast] == [(frame.index, frame.stream_s) for frame in whole]
    for one, other in zip(whole, fast, strict=True):
        difference = np.abs(one.luma().astype(np.int16) - other.luma())
        assert 0 < difference.mean() < 2


def test_fast_decoding_gives_the_same_pixels_wherever_it_is_done() -> None:
    """In a process of its own as in this one: a replay sees what the camera saw."""
    here, there = _first_frames(fast=True), _first_frames(fast=True, isolates=True)
    assert all(np.array_equal(one.luma(), other.luma()) for one, other in zip(here, there, strict=True))
