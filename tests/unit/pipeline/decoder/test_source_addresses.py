"""Which addresses are opened, and how they are shown."""

from pathlib import Path

import pytest

from winnow.pipeline.decoder.addresses import SourceKind, redact_url, source_kind
from winnow.pipeline.decoder.errors import SourceNotAllowedError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("rtsp://camera/stream", SourceKind.RTSP),
        ("RTSPS://camera:322/stream", SourceKind.RTSP),
        ("http://camera/video.mjpg", SourceKind.HTTP),
        ("https://camera/video.ts", SourceKind.HTTP),
        ("/dev/video0", SourceKind.WEBCAM),
        ("yard.mp4", SourceKind.PATH),
        ("/srv/recordings", SourceKind.PATH),
        ("./10:30.mp4", SourceKind.PATH),
    ],
)
def test_source_kind_follows_the_address(address: str, kind: SourceKind) -> None:
    """The scheme decides; what has none is a path."""
    assert source_kind(address) is kind


@pytest.mark.parametrize(
    "address",
    ["ftp://host/a.mp4", "file:///etc/passwd", "concat:a.ts|b.ts", "data:video/mp4,x", "udp://@:1234", "pipe:0"],
)
def test_source_kind_refuses_other_schemes(address: str) -> None:
    """FFmpeg would open these; they are refused by name before it sees them."""
    with pytest.raises(SourceNotAllowedError, match="is not opened; use rtsp"):
        source_kind(address)


def test_source_kind_takes_an_existing_file_with_a_colon_for_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording that is named after the time of day is a file, not a scheme."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate:1030.mp4").write_bytes(b"x")
    assert source_kind("gate:1030.mp4") is SourceKind.PATH


@pytest.mark.parametrize("address", ["", "   "])
def test_source_kind_refuses_an_empty_address(address: str) -> None:
    """An empty setting is a mistake, not the current folder."""
    with pytest.raises(SourceNotAllowedError, match="empty"):
        source_kind(address)


@pytest.mark.parametrize("address", ["http:///video", "rtsp://", "http://[::1"])
def test_source_kind_refuses_a_url_without_a_host(address: str) -> None:
    """A URL that names no host is refused with the form to write."""
    with pytest.raises(SourceNotAllowedError, match="no host in the URL"):
        source_kind(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://camera:554/stream1", "rtsp://camera:554/stream1"),
        ("rtsp://admin:hunter2@camera:554/stream1", "rtsp://***@camera:554/stream1"),
        ("rtsp://admin:p@ss@camera/stream1", "rtsp://***@camera/stream1"),
        ("http://camera/video?user=admin&pwd=hunter2", "http://camera/video?***"),
        ("rtsp://camera/user=admin_password=hunter2_channel=1.sdp", "rtsp://camera/***"),
        ("http://camera/video#hunter2", "http://camera/video"),
        ("http://[::1hunter2", "http://***"),
        ("data:hunter2", "data:***"),
        ("yard.mp4", "yard.mp4"),
    ],
)
def test_redact_url_hides_whatever_may_be_a_secret(address: str, shown: str) -> None:
    """Host, port and plain path stay readable; user, password and parameters do not."""
    assert redact_url(address) == shown
