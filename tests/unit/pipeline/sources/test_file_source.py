"""Recordings that are whole, odd, damaged, or no recordings at all."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest

from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.sources import (
    FileSource,
    Frame,
    SourceDamagedError,
    SourceNotFoundError,
    SourceNotVideoError,
    SourceStats,
    SourceUnreachableError,
)

CLIPS: Final = Path(__file__).parents[4] / "sample_videos"
CLIP: Final = CLIPS / "line_crossing.mp4"


def _read(path: Path) -> tuple[list[Frame], SourceStats]:
    with FileSource(path) as source:
        return list(source), source.stats


def _remux(source: Path, out: Path, container_format: str) -> Path:
    """`out` holds the packets of `source` in another container."""
    with av.open(str(source)) as clip, av.open(str(out), "w", format=container_format) as copy:
        stream = copy.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    return out


def _encode(out: Path, codec: str, sizes: Iterable[tuple[int, int]], pixel_format: str = "yuv420p") -> Path:
    """`out` shows ten grey pictures of each size, one file of its own per size, joined byte by byte."""
    joined = b""
    for width, height in sizes:
        part = out.with_name(f"part-{width}x{height}{out.suffix}")
        with av.open(str(part), "w") as clip:
            stream = clip.add_stream(codec, rate=10, options={"threads": "1"})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            for level in range(10):
                pixels = np.full((height, width, 3), 10 * level, np.uint8)
                clip.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
            clip.mux(stream.encode())
        joined += part.read_bytes()
        part.unlink()
    out.write_bytes(joined)
    return out


def _sound(out: Path, codec: str) -> Path:
    with av.open(str(out), "w") as file:
        stream = file.add_stream(codec, rate=16_000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return out


def test_duration_is_known_while_the_file_is_open() -> None:
    """A progress bar can ask the header for the length."""
    source = FileSource(CLIP)
    durations = [source.duration_s]
    with source:
        durations.append(source.duration_s)
    durations.append(source.duration_s)
    assert durations == [None, 11, None]


def test_bytes_read_are_those_of_the_video() -> None:
    """All packets are counted: a little less than the file, which holds an index too."""
    _, stats = _read(CLIP)
    assert 0.95 * CLIP.stat().st_size < stats.bytes_read < CLIP.stat().st_size


def test_start_moves_the_wall_time_and_nothing_else() -> None:
    """A replay may say when the recording was made."""
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with FileSource(CLIP, time=RecordingTime(starts_at=start)) as source:
        frames = list(source)
    assert frames[0].captured_at == start
    assert frames[25].captured_at == datetime(2026, 3, 1, 12, 0, 2, 500_000, tzinfo=UTC)
    assert frames[25].stream_s == Fraction(5, 2)


def test_missing_file_is_named() -> None:
    """The message is one line with the path and what to do."""
    with (
        pytest.raises(SourceNotFoundError, match=r"^nowhere\.mp4: no such file; check the path$"),
        FileSource(Path("nowhere.mp4")),
    ):
        pass


def test_empty_file_is_no_video(tmp_path: Path) -> None:
    """A recording that never began is called empty."""
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(SourceNotVideoError, match="the file is empty"), FileSource(path):
        pass


def test_folder_is_not_read_as_a_file(tmp_path: Path) -> None:
    """What cannot be read as a file is an error of its own, not a crash."""
    with pytest.raises(SourceUnreachableError, match="cannot be read"), FileSource(tmp_path):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"just some text, long enough to be probed\n" * 50,
        bytes(range(256)) * 64,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/part.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
    ],
    ids=["text", "noise", "playlist", "concat"],
)
def test_other_content_is_no_video(content: bytes, tmp_path: Path) -> None:
    """Text and noise are refused, and so are playlists, through which a file could make FFmpeg open anything."""
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceNotVideoError, match="not a video file"), FileSource(path):
        pass


def test_sound_without_pictures_is_no_video(tmp_path: Path) -> None:
    """A sound file in a video container has nothing to look at."""
    path = _sound(tmp_path / "sound.mkv", "pcm_s16le")
    with pytest.raises(SourceNotVideoError, match="no video in it"), FileSource(path):
        pass


def test_recording_without_its_index_is_damaged(tmp_path: Path) -> None:
    """An MP4 that was cut off before its index was written is video, but cannot be read."""
    path = tmp_path / "cut.mp4"
    with av.open(str(CLIP)) as clip, av.open(str(tmp_path / "whole.mp4"), "w") as copy:
        stream = copy.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    content = (tmp_path / "whole.mp4").read_bytes()
    path.write_bytes(content[: content.rindex(b"moov") - 4])
    with pytest.raises(SourceDamagedError, match="index is missing or broken"), FileSource(path):
        pass


def test_recording_without_one_good_frame_is_damaged(tmp_path: Path) -> None:
    """An index alone is not enough: the end comes as an error when no picture came before it."""
    path = tmp_path / "header.mp4"
    content = CLIP.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 8])
    with FileSource(path) as source, pytest.raises(SourceDamagedError, match="not one frame"):
        source.read()


def test_damaged_pictures_are_left_out_up_to_the_next_keyframe() -> None:
    """One broken picture and the four that build on it are counted; the file is whole otherwise."""
    frames, stats = _read(CLIPS / "damaged.mp4")
    assert {35, 36, 37, 38, 39}.isdisjoint(frame.index for frame in frames)
    assert stats.frames_dropped == {"damaged": 5}
    assert stats.damage.corrupt_frames == 1
    assert not stats.damage.is_truncated
    assert {frame.stream_epoch for frame in frames} == {0}


def test_pictures_after_the_damage_are_those_of_the_whole_clip() -> None:
    """What is handed out shows no trace of the damage."""
    whole, _ = _read(CLIP)
    for frame in _read(CLIPS / "damaged.mp4")[0]:
        np.testing.assert_array_equal(frame.luma(), whole[frame.index].luma())


def test_truncated_recording_gives_the_frames_before_the_cut() -> None:
    """Seventy whole pictures come, and the report says that the rest is missing."""
    frames, stats = _read(CLIPS / "truncated.mp4")
    assert [frame.index for frame in frames] == list(range(70))
    assert stats.damage.is_truncated


def test_cut_between_two_packets_is_noticed(tmp_path: Path) -> None:
    """No packet is broken, but fewer follow than the index promises."""
    with av.open(str(CLIP)) as clip:
        ends = [(packet.pos or 0) + packet.size for packet in clip.demux(video=0) if packet.size]
    path = tmp_path / "cut.mp4"
    path.write_bytes(CLIP.read_bytes()[: ends[49]])
    frames, stats = _read(path)
    assert len(frames) == 50
    assert stats.damage.is_truncated
    assert stats.damage.corrupt_frames == 0


@pytest.mark.parametrize("container_format", ["mpegts", "matroska", "h264", "flv"])
def test_same_pictures_come_from_every_container(container_format: str, tmp_path: Path) -> None:
    """MPEG-TS, Matroska, FLV and a bare H.264 stream give the same frames without a report of damage."""
    whole, _ = _read(CLIP)
    frames, stats = _read(_remux(CLIP, tmp_path / "copy.video", container_format))
    assert not stats.damage
    assert len(frames) == len(whole)
    np.testing.assert_array_equal(frames[77].luma(), whole[77].luma())


@pytest.mark.parametrize("container_format", ["mpegts", "matroska", "flv"])
def test_time_is_exact_in_every_container_that_has_it(container_format: str, tmp_path: Path) -> None:
    """Ten frames a second stay ten frames a second, whatever the container counts in."""
    frames, _ = _read(_remux(CLIP, tmp_path / "copy.video", container_format))
    assert [frame.stream_s for frame in frames] == [Fraction(n, 10) for n in range(110)]


def test_old_recordings_are_read(tmp_path: Path) -> None:
    """MPEG-4 in AVI, as video recorders of twenty years ago wrote it: whole, and exactly timed."""
    frames, stats = _read(_encode(tmp_path / "old.avi", "mpeg4", [(320, 192)]))
    assert [frame.stream_s for frame in frames] == [Fraction(n, 10) for n in range(10)]
    assert not stats.damage


def test_bare_stream_without_time_stamps_is_timed_by_its_frame_rate(tmp_path: Path) -> None:
    """A raw H.264 file carries no time: frames are evenly spaced, in one epoch."""
    frames, _ = _read(_remux(CLIP, tmp_path / "bare.h264", "h264"))
    steps = {after.stream_s - before.stream_s for before, after in pairwise(frames)}
    assert len(steps) == 1
    assert steps.pop() > 0
    assert frames[-1].stream_epoch == 0


def test_joined_recordings_are_epochs_of_one_stream(tmp_path: Path) -> None:
    """Where the time stamps start again, stream time goes on by one frame and a new epoch begins."""
    part = _remux(CLIP, tmp_path / "part.ts", "mpegts").read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    frames, _ = _read(joined)
    assert {frame.stream_epoch for frame in frames} == {0, 1}
    assert all(before.stream_s < after.stream_s for before, after in pairwise(frames))
    assert frames[-1].stream_s == Fraction(219, 10)


def test_change_of_size_starts_an_epoch(tmp_path: Path) -> None:
    """A camera that switches its resolution goes on in frames of the new size; nothing is tracked across the switch."""
    path = _encode(tmp_path / "switch.h264", "libx264", [(320, 192), (160, 96)])
    frames, _ = _read(path)
    assert [(frame.width, frame.stream_epoch) for frame in frames] == [(320, 0)] * 10 + [(160, 1)] * 10
    assert frames[-1].luma().shape == (96, 160)


def test_ten_bit_video_is_read(tmp_path: Path) -> None:
    """A ten-bit picture has eight-bit brightness and colours."""
    path = _encode(tmp_path / "deep.mkv", "libx265", [(128, 96)], pixel_format="yuv420p10le")
    frames, _ = _read(path)
    assert frames[0].image.format.name == "yuv420p10le"
    assert frames[9].luma().dtype == np.uint8
    assert frames[0].luma().mean() < frames[9].luma().mean()


def test_name_with_a_colon_or_percent_is_a_name(tmp_path: Path) -> None:
    """FFmpeg reads no protocol and no pattern into a file's name."""
    for name in ("10:30 gate.mp4", "concat:a.mp4", "%03d.mp4"):
        shutil.copy(CLIP, tmp_path / name)
        assert len(_read(tmp_path / name)[0]) == 110
