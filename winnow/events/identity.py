"""Deterministic identities: the same footage, settings and model give the same ids."""

import hashlib
from typing import Final

_ID_HEX_DIGITS: Final = 32
"""128 bits: among 10**12 events a collision has a chance of about 10**-15."""


def digest_of(*parts: str) -> str:
    """Return 32 hex digits that depend on every part and on where one ends and the next begins."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(len(encoded).to_bytes(8, "big"))
        hashed.update(encoded)
    return hashed.hexdigest()[:_ID_HEX_DIGITS]


def event_id(stream_id: str, kind: str, subject: str, revision: int) -> str:
    """Return the id of an event.

    Args:
        stream_id: what was looked at and how: see `digest_of`; footage, settings, model, start.
        kind: the event's kind, e.g. `line.crossed`.
        subject: the object or thing it is about.
        revision: 0 for the first event of this kind about this subject in the stream, then 1, 2, …
    """
    return digest_of(stream_id, kind, subject, str(revision))
