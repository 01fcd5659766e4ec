"""Opening containers with FFmpeg, which is told what it may open and for how long."""

import errno
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import av
from av.container import InputContainer

from winnow.pipeline.decoder.addresses import SourceKind, redact_url
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.errors import (
    SourceDamagedError,
    SourceError,
    SourceNotFoundError,
    SourceNotVideoError,
    SourceUnreachableError,
)
from winnow.runtime.clock import Clock

FILE_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,av1,"
    "mjpeg,mpjpeg,flv,live_flv,asf,ogg,mxf,dv,nut,yuv4mpegpipe"
)
"""Containers of recordings. Left out on purpose: playlists (hls, dash, concat, sdp), which open further addresses."""

HTTP_FORMATS: Final = "mpegts,mpjpeg,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,live_flv,h264,hevc,avi,ogg"
"""Containers that may come from a server; playlists are left out here too."""

PROTOCOLS: Final = {
    SourceKind.PATH: "file",
    SourceKind.HTTP: "http,https,tcp,tls",
    SourceKind.RTSP: "rtsp,rtsps,rtp,srtp,tcp,tls,udp,crypto",
}
"""What FFmpeg may speak for each kind of source."""

DEVICE_ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.ENOENT: "plug the webcam in, or name another device (ls /dev/video*)",
        errno.ENODEV: "plug the webcam in again",
        errno.EACCES: "let this user read it (usermod --append --groups video USER)",
        errno.EPERM: "a rule of the service or container forbids it (DeviceAllow=char-video4linux rw)",
        errno.EBUSY: "another program uses the webcam: end that one (fuser DEVICE)",
        errno.ENOTTY: "it is no webcam, or not the node that gives pictures: try the next one (ls /dev/video*)",
        errno.EINVAL: "it is no webcam, or not the node that gives pictures: try the next one (ls /dev/video*)",
    }
)
"""What to do about a webcam that cannot be opened, by the error's number. Most webcams have two nodes, one of which
gives nothing but descriptions of the pictures."""

QUICK_START: Final = {"fpsprobesize": "0"}
"""Without it FFmpeg reads 20 pictures to measure a frame rate that nobody needs, before it hands out the first."""


def open_recording(path: Path) -> InputContainer:
    """Return the opened container of a file.

    Raises:
        SourceNotFoundError: there is no such file.
        SourceUnreachableError: the file may not be read.
        SourceNotVideoError: it is empty, or nothing that FFmpeg takes for video.
        SourceDamagedError: it is video, but its index is missing or broken.
    """
    name = str(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise SourceNotVideoError(name, "neither a file nor a folder; give a video file")
    try:
        head = _first_bytes(path)
    except FileNotFoundError as exc:
        raise SourceNotFoundError(name, "no such file; check the path") from exc
    except OSError as exc:
        raise SourceUnreachableError(name, f"cannot be read: {exc.strerror}") from exc
    if not head:
        raise SourceNotVideoError(name, "the file is empty; give a video file")
    options = {"protocol_whitelist": PROTOCOLS[SourceKind.PATH], "format_whitelist": FILE_FORMATS}
    try:
        return av.open(f"file:{path}", "r", options=options, metadata_errors="replace")
    except av.FFmpegError as exc:
        if head[4:8] == b"ftyp":
            problem = "the video's index is missing or broken, as when a recording was cut off; get another copy"
            raise SourceDamagedError(name, problem) from exc
        raise SourceNotVideoError(name, "not a video file that can be read; give a video file") from exc


def open_live(address: str, kind: SourceKind, settings: LiveSettings, clock: Clock) -> InputContainer:
    """Return the opened container of a camera, server or webcam; its reads end with an error after the read timeout.

    Raises:
        SourceUnreachableError: it did not answer in time, refused, or sent something that is not video.
    """
    options = dict(QUICK_START)
    if kind is SourceKind.RTSP:
        options |= {"rtsp_transport": settings.rtsp_transport, "format_whitelist": "rtsp"}
        options |= {"allowed_media_types": "video"}  # sound is neither fetched nor able to shift the pictures' time
    elif kind is SourceKind.HTTP:
        options |= {"format_whitelist": HTTP_FORMATS}
    if kind in PROTOCOLS:
        options |= {"protocol_whitelist": PROTOCOLS[kind]}
    timeout = (settings.open_timeout_s, settings.read_timeout_s)
    started_mono_s = clock.monotonic_s()
    container_format = "v4l2" if kind is SourceKind.WEBCAM else None
    try:
        return av.open(
            address, "r", format=container_format, options=options, timeout=timeout, metadata_errors="replace"
        )
    except av.FFmpegError as exc:
        # FFmpeg gives an interrupted RTSP request many names; its error carries the address, with its password.
        has_timed_out = clock.monotonic_s() - started_mono_s >= settings.open_timeout_s
        raise unreachable(address, exc, has_timed_out=has_timed_out) from None
    except ValueError:
        raise SourceUnreachableError(redact_url(address), "webcams are not supported by this FFmpeg") from None


def unreachable(address: str, exc: av.FFmpegError, *, has_timed_out: bool = False) -> SourceError:
    """Return what to raise for an error of FFmpeg, without the credentials that the error shows."""
    has_timed_out |= isinstance(exc, av.ExitError)  # what FFmpeg says when PyAV's timeout interrupts it
    reason = "no answer in time" if has_timed_out else (exc.strerror or "unknown error").lower()
    advice = "check address, credentials and network"
    if address.startswith("/dev/"):
        advice = DEVICE_ADVICE.get(exc.errno or 0, "check the device")
    elif not has_timed_out and (exc.errno == errno.EIO or isinstance(exc, av.InvalidDataError | av.ArgumentError)):
        reason = "no such host, a connection that broke, or no video that is read here (HLS playlists are not)"
    return SourceUnreachableError(redact_url(address), f"{reason}; {advice}")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
