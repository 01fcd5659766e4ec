"""What a decoder's process is told, as JSON over its socket: a command line would show the logins of addresses."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.connection import LiveSettings
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
        first_index: how many pictures of the source were decoded before.
        after: where the connection before this one ended.
        starts_at: wall time of a recording's first picture.
    """

    address: str
    kind: SourceKind
    settings: LiveSettings
    rate: float | None = None
    first_index: int = 0
    after: StreamPosition | None = None
    starts_at: datetime | None = None

    def encode(self) -> bytes:
        """Return the order as it is sent."""
        after = self.after
        return _JSON.encode(
            {
                "address": self.address,
                "kind": self.kind.value,
                "settings": asdict(self.settings),
                "rate": self.rate,
                "first_index": self.first_index,
                "after": after and [after.stream_epoch, str(after.stream_s), after.first_read_mono_s],
                "starts_at": self.starts_at and self.starts_at.isoformat(),
            }
        ).encode()

    @classmethod
    def decode(cls, sent: bytes) -> "DecoderOrder":
        """Return the order that was sent; the sender is our own code."""
        told = json.loads(sent)
        after = told["after"]
        return cls(
            address=told["address"],
            kind=SourceKind(told["kind"]),
            settings=LiveSettings(**told["settings"]),
            rate=told["rate"],
            first_index=told["first_index"],
            after=after
            and StreamPosition(stream_epoch=after[0], stream_s=Fraction(after[1]), first_read_mono_s=after[2]),
            starts_at=told["starts_at"] and datetime.fromisoformat(told["starts_at"]),
        )
