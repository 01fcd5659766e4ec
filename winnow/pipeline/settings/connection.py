"""How a camera is reached, how long it may be silent, and what its decoder may use."""

from typing import Annotated

from pydantic import Field

from winnow.pipeline.decoder.connection import LiveSettings, Transport
from winnow.runtime.settings import Settings

Wait = Annotated[float, Field(gt=0, le=3600)]


class ConnectionSettings(Settings):
    """How a camera is reached. Recordings look at `watch_folder` and at what their decoder may use.

    Attributes:
        watch_folder: of a folder, `winnow run` reads each recording that comes into it from then on, once it is
            complete, and goes on waiting; else it reads what is there, and ends.
        transport: of RTSP: `tcp` loses nothing on a bad network, `udp` is for cameras that know nothing else.
        open_timeout_s: a connection that is not up by then is tried again.
        read_timeout_s: a stream without a packet for so long is taken for lost.
        reconnect_first_s: wait before the first new try; doubles with each further one, spread by 30 %.
        reconnect_limit_s: no wait is longer, before the spread.
        settled_after_s: after so long with frames the next wait is the first one again.
        max_clock_difference_s: a camera whose own clock is further off from this machine's is not believed, and its
            events are timed by this machine; 0 never believes it.
        decoder_memory_mib: memory that the camera's decoder may allocate; 512 is enough for 4K.
        decode_within_s: a decoder that works longer on one packet is replaced.
        fast_decoding: leave out the smoothing of the borders between blocks. Of H.264 a fifth to a quarter of the
            decoding; what it lacks adds up from keyframe to keyframe, which shows in pictures of a few hundred kbit/s.
    """

    watch_folder: bool = False
    transport: Transport = "tcp"
    open_timeout_s: Wait = 10.0
    read_timeout_s: Wait = 5.0
    reconnect_first_s: Wait = 1.0
    reconnect_limit_s: Wait = 60.0
    settled_after_s: Wait = 30.0
    max_clock_difference_s: Annotated[float, Field(ge=0)] = 60.0
    decoder_memory_mib: Annotated[int, Field(ge=64, le=16_384)] = 512
    decode_within_s: Wait = 2.0
    fast_decoding: bool = False

    def live(self) -> LiveSettings:
        """Return what a live source is opened with."""
        return LiveSettings(
            rtsp_transport=self.transport,
            open_timeout_s=self.open_timeout_s,
            read_timeout_s=self.read_timeout_s,
            reconnect_first_s=self.reconnect_first_s,
            reconnect_limit_s=self.reconnect_limit_s,
            settled_after_s=self.settled_after_s,
            max_clock_difference_s=self.max_clock_difference_s,
            decoder_memory_bytes=self.decoder_memory_mib * 1024 * 1024,
            decode_within_s=self.decode_within_s,
            fast_decoding=self.fast_decoding,
        )
