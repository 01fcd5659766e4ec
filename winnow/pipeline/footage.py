"""What a stream's ids are made of: the footage itself, the settings, the model."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

from winnow.events.data import ModelRef
from winnow.events.identity import digest_of
from winnow.events.names import source_of
from winnow.pipeline.settings import CameraSettings

_CHUNK_BYTES: Final = 1024 * 1024


def recording_digest(path: Path) -> str:
    """Return what identifies a recording: the SHA-256 of its bytes, or of all files of a folder in order of name.

    The same footage has the same digest under any name and at any place.

    Raises:
        OSError: it cannot be read.
    """
    hashed = hashlib.sha256()
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                hashed.update(chunk)
    return hashed.hexdigest()


def live_digest(address: str, opened_at: datetime) -> str:
    """Return what identifies a live stream: no other was opened at the same address and moment."""
    return digest_of(address, opened_at.isoformat())


def stream_id(  # noqa: PLR0913 - whatever changes an event changes its id
    *, footage: str, starts_at: datetime, node: str, camera: str, settings: CameraSettings, model: ModelRef
) -> str:
    """Return the id of one look at some footage.

    Args:
        footage: see `recording_digest` and `live_digest`.
        starts_at: wall time that was given to the first frame.
        node: the box that looks.
        camera: the name it looks under.
        settings: how it looks; where the footage is found, and how, does not matter, but for how it is decoded.
        model: what it looks with.
    """
    look = settings.model_dump_json(exclude={"source", "connection"})
    decoding = ["fast"] if settings.connection.fast_decoding else []
    return digest_of(footage, starts_at.isoformat(), source_of(node, camera), look, model.sha256, *decoding)
