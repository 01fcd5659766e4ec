"""A folder into which recordings come."""

import logging
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from winnow.pipeline.sources import Frame, SourceNotFoundError, WatchedFolderSource, open_source
from winnow.pipeline.sources.arrivals import Arrivals
from winnow.pipeline.sources.folder_memory import FolderMemory
from winnow.runtime.clock import SystemClock
from winnow.runtime.testing import ManualClock

CLIP: Final = Path(__file__).parents[4] / "sample_videos" / "line_crossing.mp4"
NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _put(folder: Path, name: str, *, ends_at: datetime = NOON, size_bytes: int | None = None) -> None:
    (folder / name).write_bytes(CLIP.read_bytes()[:size_bytes])
    os.utime(folder / name, (ends_at.timestamp(), ends_at.timestamp()))


def _all(source: WatchedFolderSource) -> list[Frame]:
    """Return the frames that come before ten seconds pass without one."""
    frames = []
    while (frame := source.read(timeout_s=10)) is not None:
        frames.append(frame)
    return frames


def test_file_counts_once_it_has_not_changed_for_a_while() -> None:
    """A file that grows is waited for; then it counts once, and again only if it changes."""
    arrivals = Arrivals({}, settle_s=3)
    seen = [(0, 10), (2, 20), (4, 20), (5, 20), (9, 20), (10, 30), (13, 30)]
    told = [arrivals.complete({"a.mp4": (size, size)}, at_s) for at_s, size in seen]
    assert told == [[], [], [], ["a.mp4"], [], [], ["a.mp4"]]


def test_what_was_there_before_does_not_count_until_it_changes() -> None:
    """A restart does not report a week of recordings again; a recording that was being written at the start counts."""
    arrivals = Arrivals({"old.mp4": (5, 5), "growing.mp4": (6, 6)}, settle_s=1)
    listing = {"old.mp4": (5, 5), "growing.mp4": (9, 9)}
    assert [arrivals.complete(listing, at_s) for at_s in (0, 1)] == [[], ["growing.mp4"]]


def test_empty_files_wait_and_the_oldest_change_comes_first() -> None:
    """A recorder makes the file first and fills it later; several that are complete come in order of their ends."""
    arrivals = Arrivals({}, settle_s=1)
    listing = {"b.mp4": (5, 1), "a.mp4": (5, 2), "empty.mp4": (0, 0)}
    assert [arrivals.complete(listing, at_s) for at_s in (0, 1, 9)] == [[], ["b.mp4", "a.mp4"], []]


def test_recordings_are_read_as_they_come(tmp_path: Path) -> None:
    """Each is an epoch of its own and ends when the file was last changed; what was there before stays unread."""
    _put(tmp_path, "before.mp4")
    with WatchedFolderSource(tmp_path, clock=ManualClock()) as source:
        assert _all(source) == []
        assert source.stats.connection == "online"
        _put(tmp_path, "one.mp4")
        (tmp_path / "notes.txt").write_text("x")
        first = _all(source)
        _put(tmp_path, "two.mp4", ends_at=NOON + timedelta(hours=1))
        second = _all(source)
    assert (len(first), len(second)) == (110, 110)
    assert {frame.stream_epoch for frame in first}.isdisjoint(frame.stream_epoch for frame in second)
    assert second[0].stream_s > first[-1].stream_s
    assert first[0].captured_at == NOON - timedelta(seconds=11)
    assert second[0].captured_at == NOON + timedelta(minutes=60, seconds=-11)
    assert second[-1].captured_at - second[0].captured_at == timedelta(seconds=10.9)


def test_each_recording_is_told_when_it_is_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever puts a file into the folder sees in the log that it was read, and how much of it."""
    with caplog.at_level(logging.INFO), WatchedFolderSource(tmp_path, clock=ManualClock()) as source:
        _put(tmp_path, "one.mp4")
        _all(source)
    (told,) = caplog.records
    assert (told.getMessage(), vars(told)["source"], vars(told)["frames"]) == (
        "read a file of the folder",
        str(tmp_path / "one.mp4"),
        110,
    )


def test_bad_file_is_named_and_passed_over(tmp_path: Path) -> None:
    """The next recording is read all the same."""
    with WatchedFolderSource(tmp_path, clock=ManualClock()) as source:
        _put(tmp_path, "1.mp4", size_bytes=100)
        _put(tmp_path, "2.mp4", ends_at=NOON + timedelta(seconds=1))
        assert len(_all(source)) == 110
        assert len(source.stats.damage.skipped_files) == 1


def test_folder_that_is_away_for_a_moment_is_not_taken_for_emptied(tmp_path: Path) -> None:
    """When the share is back, what it held before is still known."""
    folder = tmp_path / "share"
    folder.mkdir()
    _put(folder, "before.mp4")
    with WatchedFolderSource(folder, clock=ManualClock()) as source:
        folder.rename(tmp_path / "away")
        assert _all(source) == []
        (tmp_path / "away").rename(folder)
        assert _all(source) == []
        shutil.copy(CLIP, folder / "new.mp4")
        assert len(_all(source)) == 110


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that is not there at the start is a mistake in the settings."""
    with (
        pytest.raises(SourceNotFoundError, match="no such folder"),
        WatchedFolderSource(tmp_path / "nowhere", clock=ManualClock()),
    ):
        pass


def test_close_ends_a_read_that_waits(tmp_path: Path) -> None:
    """Nothing comes, and the reader is let go."""
    source = open_source(str(tmp_path), clock=SystemClock(), watches_folder=True)
    assert isinstance(source, WatchedFolderSource)
    with source:
        reader = Thread(target=source.read)
        reader.start()
        source.close()
        reader.join(5)
        assert not reader.is_alive()
    assert source.stats.connection == "ended"


def test_restart_reads_what_came_meanwhile_and_what_was_not_finished(tmp_path: Path) -> None:
    """What was there at the first start and what was read to its end stay read; nothing else is lost."""
    folder, memory = tmp_path / "in", FolderMemory(tmp_path / "spool.door.folder.json")
    folder.mkdir()
    _put(folder, "before.mp4")
    with WatchedFolderSource(folder, clock=ManualClock(), memory=memory) as source:
        _put(folder, "read.mp4")
        read = len(_all(source))
        _put(folder, "half.mp4", ends_at=NOON + timedelta(hours=1))
        assert source.read(timeout_s=10)
    _put(folder, "meanwhile.mp4", ends_at=NOON + timedelta(hours=2))
    with WatchedFolderSource(folder, clock=ManualClock(), memory=memory) as source:
        again = _all(source)
    assert len(again) == 2 * read
    assert {frame.stream_epoch for frame in again} == {0, 1}
    assert memory.load() == {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_memory_forgets_what_left_the_folder(tmp_path: Path) -> None:
    """It never grows beyond the folder."""
    folder, memory = tmp_path / "in", FolderMemory(tmp_path / "m.json")
    folder.mkdir()
    _put(folder, "old.mp4")
    with WatchedFolderSource(folder, clock=ManualClock(), memory=memory) as source:
        (folder / "old.mp4").unlink()
        _put(folder, "new.mp4")
        _all(source)
    assert list(memory.load() or {}) == ["new.mp4"]


def test_memory_that_cannot_be_read_or_written_is_told_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken file counts as none; a full disk is logged once."""
    (tmp_path / "m.json").write_text('{"a": 1}')
    assert FolderMemory(tmp_path / "m.json").load() is None
    (tmp_path / "file").touch()
    nowhere = FolderMemory(tmp_path / "file" / "m.json")
    nowhere.keep({})
    nowhere.keep({})
    assert [record.message for record in caplog.records] == [
        "What was read of a folder cannot be told; taking all for read",
        "What was read of a folder cannot be kept",
    ]
