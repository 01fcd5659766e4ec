"""Folders of recordings."""

import shutil
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from winnow.pipeline.sources import FolderSource, SourceNotFoundError, SourceNotVideoError

CLIPS: Final = Path(__file__).parents[4] / "sample_videos"


def _copy(name: str, to: Path) -> None:
    shutil.copy(CLIPS / name, to)


def test_files_are_read_in_order_of_their_names(tmp_path: Path) -> None:
    """Each file is an epoch; index and time run through all of them."""
    _copy("zone_visit.mp4", tmp_path / "02.mp4")
    _copy("line_crossing.mp4", tmp_path / "01.mp4")
    with FolderSource(tmp_path) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(110 + 130))
    assert [frame.stream_epoch for frame in frames] == [0] * 110 + [1] * 130
    assert frames[110].stream_s == 11
    assert frames[-1].stream_s == Fraction(239, 10)
    assert all(before.captured_at < after.captured_at for before, after in pairwise(frames))


def test_other_files_are_not_looked_at(tmp_path: Path) -> None:
    """Notes and pictures beside the recordings are no damage."""
    _copy("line_crossing.mp4", tmp_path / "CLIP.MP4")
    (tmp_path / "notes.txt").write_text("gate camera")
    with FolderSource(tmp_path) as source:
        assert len(list(source)) == 110
        assert not source.stats.damage


def test_file_without_a_frame_is_reported_and_passed_over(tmp_path: Path) -> None:
    """One bad recording hides none of the others, and is named."""
    _copy("line_crossing.mp4", tmp_path / "1.mp4")
    (tmp_path / "2.mp4").write_bytes(b"not a video" * 100)
    _copy("line_crossing.mp4", tmp_path / "3.mp4")
    with FolderSource(tmp_path) as source:
        assert len(list(source)) == 220
        (skipped,) = source.stats.damage.skipped_files
    assert "2.mp4: not a video file" in skipped


def test_damage_of_all_files_is_summed(tmp_path: Path) -> None:
    """The report of a folder is that of its files together."""
    _copy("damaged.mp4", tmp_path / "1.mp4")
    _copy("truncated.mp4", tmp_path / "2.mp4")
    with FolderSource(tmp_path) as source:
        assert len(list(source)) == 105 + 70
        assert source.stats.frames_dropped == {"damaged": 5}
        assert source.stats.damage.is_truncated


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """The message tells that the folder is not there."""
    with pytest.raises(SourceNotFoundError, match="no such folder"), FolderSource(tmp_path / "nowhere"):
        pass


def test_folder_without_video_is_named(tmp_path: Path) -> None:
    """An empty folder is a mistake, not an empty recording."""
    with pytest.raises(SourceNotVideoError, match="no video in this folder"), FolderSource(tmp_path):
        pass


def test_folder_of_bad_files_is_no_video(tmp_path: Path) -> None:
    """When not one file gave a frame the end is an error."""
    (tmp_path / "1.mp4").write_bytes(b"not a video" * 100)
    with FolderSource(tmp_path) as source, pytest.raises(SourceNotVideoError, match="no file of this folder"):
        source.read()
