"""What a decoder's process is told, as JSON over its socket: a command line would show the logins of addresses."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.decoder.timekeeping import StreamPosition

_JSON: Final = json.JSONEncoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderOrder:
    """What to decode, and what is wanted of it.

    Attributes:
        address: file, URL or webcam.
        kind: how it is opened.
        settings: timeouts and limits.
        rate: pictures a second of stream time that are wanted; all if None.
        share: at which share of the time between two such pictures they are to arrive, see `sampling`.
        first_index: how many pictures of the source were decoded before.
        after: where the connection before this one ended.
        recording: what gives a recording its time; None for live sources.
    """

    address: str
    kind: SourceKind
    settings: LiveSettings
    rate: float | None = None
    share: float = 0.0
    first_index: int = 0
    after: StreamPosition | None = None
    recording: RecordingTime | None = None

    def encode(self) -> bytes:
        """Return the order as it is sent."""
        recording = self.recording
        return _JSON.encode(
            {
                "address": self.address,
                "kind": self.kind.value,
                "settings": asdict(self.settings),
                "rate": self.rate,
                "share": self.share,
                "first_index": self.first_index,
                "after": _told_position(self.after),
                "recording": recording
                and {
                    "starts_at": recording.starts_at.isoformat(),
                    "ends_at": recording.ends_at and recording.ends_at.isoformat(),
                    "after": _told_position(recording.after),
                },
            }
        ).encode()

    @classmethod
    def decode(cls, sent: bytes) -> "DecoderOrder":
        """Return the order that was sent; the sender is our own code."""
        told = json.loads(sent)
        recording = told["recording"]
        return cls(
            address=told["address"],
            kind=SourceKind(told["kind"]),
            settings=LiveSettings(**told["settings"]),
            rate=told["rate"],
            share=told["share"],
            first_index=told["first_index"],
            after=_position(told["after"]),
            recording=recording
            and RecordingTime(
                starts_at=datetime.fromisoformat(recording["starts_at"]),
                ends_at=recording["ends_at"] and datetime.fromisoformat(recording["ends_at"]),
                after=_position(recording["after"]),
            ),
        )


Told = tuple[int, str, float]
"""A position as it is sent: epoch, stream time, monotonic time of the first frame."""


def _told_position(position: StreamPosition | None) -> Told | None:
    return (position.stream_epoch, str(position.stream_s), position.first_read_mono_s) if position else None


def _position(told: Told | None) -> StreamPosition | None:
    return told and StreamPosition(stream_epoch=told[0], stream_s=Fraction(told[1]), first_read_mono_s=told[2])
