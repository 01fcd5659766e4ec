"""What a source's address says: which kind it is, and how to show it without its secrets."""

import re
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from winnow.pipeline.decoder.errors import SourceNotAllowedError

RTSP_SCHEMES: Final = frozenset({"rtsp", "rtsps"})
HTTP_SCHEMES: Final = frozenset({"http", "https"})

_HIDDEN: Final = "***"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_WEBCAM: Final = re.compile(r"/dev/video\d+")


class SourceKind(Enum):
    """How a source is opened."""

    RTSP = "rtsp"
    HTTP = "http"
    WEBCAM = "webcam"
    PATH = "path"


def source_kind(address: str) -> SourceKind:
    """Return how `address` is opened.

    FFmpeg itself would open far more (`concat:`, `data:`, playlists of playlists); everything that is not named here is
    refused before FFmpeg sees it.

    Raises:
        SourceNotAllowedError: another scheme, a URL without a host, or an empty address.
    """
    if not address.strip():
        raise SourceNotAllowedError("source", "empty; give a file, a folder, a URL or /dev/videoN")
    if _WEBCAM.fullmatch(address):
        return SourceKind.WEBCAM
    scheme = _SCHEME.match(address)
    if scheme is None or Path(address).exists():
        return SourceKind.PATH
    name = scheme.group(1).lower()
    if name not in RTSP_SCHEMES | HTTP_SCHEMES:
        raise SourceNotAllowedError(
            redact_url(address), f"{name}: is not opened; use rtsp, rtsps, http, https, a path, or /dev/videoN"
        )
    if not _host(address):
        raise SourceNotAllowedError(redact_url(address), f"no host in the URL; write {name}://host/path")
    return SourceKind.RTSP if name in RTSP_SCHEMES else SourceKind.HTTP


def redact_url(address: str) -> str:
    """Return `address` without anything that may be a secret: user, password, parameters, fragment.

    Parameters are hidden wherever cameras put them: after `?` as well as in the path (`/user=..&password=..`).
    """
    if "://" not in address:
        scheme = _SCHEME.match(address)
        return f"{scheme.group(1)}:{_HIDDEN}" if scheme else address
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.split('://', 1)[0]}://{_HIDDEN}"
    user, _, host = parts.netloc.rpartition("@")
    path = "/".join(_HIDDEN if "=" in part else part for part in parts.path.split("/"))
    return urlunsplit((parts.scheme, f"{_HIDDEN}@{host}" if user else host, path, _HIDDEN if parts.query else "", ""))


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
