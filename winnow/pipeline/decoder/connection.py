"""How a camera is opened, and how long it may be silent."""

from dataclasses import dataclass
from typing import Literal

Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """How a camera is opened, how long it may be silent, and what its decoder may use.

    Attributes:
        rtsp_transport: `tcp` loses nothing on a bad network; `udp` is for cameras that know nothing else.
        open_timeout_s: a connection that is not up by then is tried again.
        read_timeout_s: a stream without a packet for so long is taken for lost.
        reconnect_first_s: wait before the first new try; doubles with each further one, spread by 30 %.
        reconnect_limit_s: no wait is longer, before the spread.
        settled_after_s: after so long with frames the next wait is the first one again.
        max_clock_difference_s: a camera whose own clock (RTCP sender reports) is further off from this machine's is not
            believed.
        decoder_memory_bytes: memory that the decoder's process may allocate.
        decode_within_s: a decoder that works longer on one packet hangs, and is replaced.
        fast_decoding: see `PictureReader`.
    """

    rtsp_transport: Transport = "tcp"
    open_timeout_s: float = 10
    read_timeout_s: float = 5
    reconnect_first_s: float = 1
    reconnect_limit_s: float = 60
    settled_after_s: float = 30
    max_clock_difference_s: float = 60
    decoder_memory_bytes: int = 512 * 1024 * 1024
    decode_within_s: float = 2
    fast_decoding: bool = False
