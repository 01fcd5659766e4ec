"""From an address to its source."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from winnow.pipeline.sources import FileSource, FolderSource, LiveSource, SourceNotAllowedError, open_source
from winnow.runtime.testing import ManualClock

CLIP: Final = Path(__file__).parents[4] / "sample_videos" / "line_crossing.mp4"


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
