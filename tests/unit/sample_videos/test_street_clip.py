"""The real clip is what its description says."""

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import yaml

from winnow.pipeline.sources import FileSource

FOLDER: Final = Path(__file__).parents[3] / "sample_videos"
CLIP: Final = FOLDER / "street.mp4"


def _description() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / "street.yaml").read_text())
    return document


def test_street_clip_has_the_checksum_and_size_of_its_description() -> None:
    """The file was not exchanged, and is small enough for a repository."""
    content = CLIP.read_bytes()
    assert hashlib.sha256(content).hexdigest() == _description()["sha256"]
    assert len(content) == _description()["size_bytes"] <= 5_000_000


def test_street_clip_has_all_frames_of_the_original() -> None:
    """795 frames at 10 a second, whole, with a keyframe at least every two seconds."""
    with FileSource(CLIP) as source:
        assert source.duration_s == Fraction("79.5")
        frames = [(frame.stream_s, frame.is_key, frame.width, frame.height) for frame in source]
        assert not source.stats.damage
    assert [stream_s for stream_s, *_ in frames] == [Fraction(n, 10) for n in range(795)]
    assert {(width, height) for _, _, width, height in frames} == {(768, 576)}
    keys = [n for n, (_, is_key, *_) in enumerate(frames) if is_key]
    assert max(after - before for before, after in zip(keys, [*keys[1:], 795], strict=True)) <= 20
