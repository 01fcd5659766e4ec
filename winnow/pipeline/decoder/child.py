"""The process of one decoder: opens what it is told to, and shares the pictures that are wanted.

It is started as `python -m winnow.pipeline.decoder.child SOCKET PAGE`, with the descriptors of a packet socket and of a
`ControlPage`. It reads one order from the socket, then sends JSON messages: `memory` (with a descriptor), `picture`,
and `lost` or, of a recording, `end`. Its owner answers as `answers.py` says. It ends when its owner hangs up or ends,
or when it is killed; it keeps nothing that has to be saved.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

import av
from av.container import InputContainer

from winnow.pipeline.decoder.addresses import SourceKind, redact_url
from winnow.pipeline.decoder.answers import Rest, Sample, decode_answer
from winnow.pipeline.decoder.containers import open_live, unreachable
from winnow.pipeline.decoder.control import ControlPage, DecoderStep
from winnow.pipeline.decoder.errors import DecoderDiedError, SourceError, SourceNotVideoError, SourceUnreachableError
from winnow.pipeline.decoder.lost_packets import Doubt, Gaps, NoGaps, logged_gaps
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.reader import PictureReader, Step, video_stream
from winnow.pipeline.decoder.recording import Recording, RecordingTime
from winnow.pipeline.decoder.sampling import StaggeredSampler
from winnow.pipeline.decoder.shared_pictures import SLOTS, SharedPictures, shareable, size_bytes
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import LiveTime
from winnow.runtime.clock import SystemClock

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

    from winnow.pipeline.decoder.resting import Resting

MAX_MESSAGE_BYTES: Final = 65_536
BEHIND_THE_OWNER: Final = 5
"""Niceness: what is decoded is dealt with before more is decoded. Many decoders that want a core whole, as after a
start, would else leave their owner no more than each of them has, and it is the owner that finds out which of them may
rest. Not more than this, for decoders must keep up on a box that has other work too."""

_PR_SET_PDEATHSIG: Final = 1
"""Source: prctl(2)."""

_UNTIMED_FORMATS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})
"""FFmpeg's names of streams without time stamps: it would invent 25 frames a second for them."""

_JSON: Final = json.JSONEncoder()
_BEAT_S: Final = 0.5
"""How often this process shows that it can run at all."""

_STEPS: Final[dict[Step, DecoderStep]] = {"read": DecoderStep.READ, "decode": DecoderStep.DECODE}


class DecoderChild:
    """Carries out one order."""

    def __init__(self, order: DecoderOrder, owner: socket.socket, page: ControlPage) -> None:
        self._order = order
        self._owner = owner
        self._page = page
        self._clock = SystemClock()
        self._tally = SourceTally()
        self._tally.frames_decoded = order.first_index
        self._free: SimpleQueue[int] = SimpleQueue()
        self._memory: SharedPictures | None = None
        self._memories = 0
        self._rate = order.rate
        self._sampler: StaggeredSampler | None = None
        self._stream_epoch: int | None = None
        self._resting: Resting[Packet[VideoStream]] | None = None

    def run(self) -> None:
        """Share pictures until the stream ends; tell the owner why it did."""
        self._page.beat(self._clock.monotonic_s())
        listening = Thread(target=self._listen, name="listen", daemon=True)
        listening.start()
        Thread(target=self._beat, name="beat", daemon=True).start()
        try:
            if self._order.recording is None:
                self._decode()
            else:
                self._decode_recording(self._order.recording)
                self._tell_end()
        except MemoryError:
            self._tell_lost(DecoderDiedError(redact_url(self._order.address), "decoding it needs too much memory"))
        except SourceError as exc:
            self._tell_lost(exc)
        except av.FFmpegError as exc:
            self._tell_lost(unreachable(self._order.address, exc))
        except Exception as exc:  # noqa: BLE001 - the owner logs it; the message itself may hold the address
            name = redact_url(self._order.address)
            self._tell_lost(DecoderDiedError(name, f"the decoder failed with {type(exc).__name__}"))
        listening.join()  # an end before the owner's would look like a crash to one that has pictures left to take

    def _decode(self) -> None:
        """Read the stream to its end.

        Raises:
            SourceError: it cannot be opened, or has ended.
            av.FFmpegError: it cannot be read on.
            MemoryError: it wants more memory than this process may use.
        """
        self._enter(DecoderStep.OPEN)
        started_s = self._clock.monotonic_s()
        with self._gaps() as gaps, self._open() as container:
            doubt = Doubt(gaps, self._clock.monotonic_s() - started_s)
            stream = video_stream(container)
            if stream is None:
                raise SourceNotVideoError(redact_url(self._order.address), "no video in this stream; check the address")
            timekeeper = LiveTime(
                self._clock,
                after=self._order.after,
                max_clock_difference_s=self._order.settings.max_clock_difference_s,
            )
            timekeeper.follows_arrival = container.format.name in _UNTIMED_FORMATS
            reader = PictureReader(
                container,
                stream,
                timekeeper=timekeeper,
                tally=self._tally,
                enter=lambda step: self._enter(_STEPS[step]),
                doubt=doubt,
                is_fast=self._order.settings.fast_decoding,
            )
            self._resting = reader.resting if not timekeeper.follows_arrival else None
            self._enter(DecoderStep.READ)
            for picture in self._wanted(reader):
                self._share(picture)
        raise SourceUnreachableError(redact_url(self._order.address), "the stream ended; trying again")

    def _decode_recording(self, time: RecordingTime) -> None:
        """Read a file to its end, at the pace of the owner.

        Raises:
            SourceError: it cannot be opened, or no picture could be had.
            MemoryError: it wants more memory than this process may use.
        """
        self._enter(DecoderStep.OPEN)
        recording = Recording(
            Path(self._order.address),
            time=time,
            tally=self._tally,
            enter=lambda step: self._enter(_STEPS[step]),
            is_fast=self._order.settings.fast_decoding,
        )
        self._enter(DecoderStep.READ)
        for picture in recording.pictures():
            self._share(picture)

    def _open(self) -> InputContainer:
        return open_live(self._order.address, self._order.kind, self._order.settings, self._clock)

    def _gaps(self) -> contextlib.AbstractContextManager[Gaps]:
        return logged_gaps() if self._order.kind is SourceKind.RTSP else contextlib.nullcontext(NoGaps())

    def _wanted(self, reader: PictureReader) -> Iterator[Picture]:
        """Return the pictures that are to be analysed."""
        sampled_at: float | None = None
        for picture in reader.pictures():
            moment = picture.moment
            if moment.stream_epoch != self._stream_epoch or self._rate != sampled_at:
                self._stream_epoch, sampled_at = moment.stream_epoch, self._rate
                self._sampler = StaggeredSampler(sampled_at, self._order.share) if sampled_at is not None else None
            if self._sampler is None or self._sampler.takes(moment.stream_s, moment.read_at_mono_s or 0.0):
                yield picture

    def _share(self, picture: Picture) -> None:
        self._enter(DecoderStep.READ)
        image = shareable(picture.image)
        self._make_room(size_bytes(image))
        slot = self._free_slot()
        if slot is None:
            self._tally.dropped["drop_oldest"] += 1
            return
        if self._memory is None:  # pragma: no cover - made above
            raise AssertionError("no memory")
        moment, keyframe = picture.moment, picture.keyframe
        self._tell(
            {
                "kind": "picture",
                "slot": slot,
                "width": image.width,
                "height": image.height,
                "format": image.format.name,
                "color_range": int(image.color_range),
                "colorspace": int(image.colorspace),
                "planes": self._memory.write(slot, image),
                "index": picture.index,
                "is_key": picture.is_key,
                "pts": moment.pts,
                "time_base": str(moment.time_base),
                "stream_s": str(moment.stream_s),
                "stream_epoch": moment.stream_epoch,
                "captured_at": moment.captured_at.isoformat(),
                "read_at_mono_s": moment.read_at_mono_s,
                "clock_source": moment.clock_source,
                "codec": picture.codec,
                "keyframe": keyframe and [keyframe.number, str(keyframe.stream_s), keyframe.digest],
            }
        )

    def _free_slot(self) -> int | None:
        """Return a slot to write to: a recording waits for one, a camera does not."""
        if self._order.recording is None:
            return None if self._free.empty() else self._free.get_nowait()
        self._enter(DecoderStep.WAIT)
        slot = self._free.get()
        self._enter(DecoderStep.READ)
        return slot

    def _make_room(self, slot_bytes: int) -> None:
        """Have slots of at least this size; the owner is told of new ones and forgets the old."""
        if self._memory is not None and self._memory.slot_bytes >= slot_bytes:
            return
        if self._memory is not None:
            self._memory.close()
        self._memory = SharedPictures(slot_bytes)
        self._memories += 1
        message = _JSON.encode({"kind": "memory", "number": self._memories % 256, "slot_bytes": slot_bytes}).encode()
        socket.send_fds(self._owner, [message], [self._memory.descriptor])
        self._free = SimpleQueue()
        for slot in range(SLOTS):
            self._free.put(slot)

    def _listen(self) -> None:
        """Do what the owner says; end this process when it is gone, whatever the main thread is doing."""
        while sent := self._owner.recv(MAX_MESSAGE_BYTES):
            answer = decode_answer(sent)
            if isinstance(answer, Sample):
                self._rate = answer.rate
            elif isinstance(answer, Rest):
                if self._resting is not None:  # only a stream with its own time stamps keeps its time while it rests
                    self._resting.is_wanted = answer.is_wanted
            elif answer.memory == self._memories % 256:  # else it is about memory that was given up
                self._free.put(answer.slot)
        os._exit(0)

    def _beat(self) -> None:
        while True:
            self._page.beat(self._clock.monotonic_s())
            self._clock.sleep(_BEAT_S)

    def _enter(self, step: DecoderStep) -> None:
        self._page.write(step, self._clock.monotonic_s(), self._tally)

    def _tell_end(self) -> None:
        self._enter(DecoderStep.WAIT)
        self._tell({"kind": "end"})

    def _tell_lost(self, exc: SourceError) -> None:
        self._enter(DecoderStep.WAIT)
        self._tell({"kind": "lost", "error": type(exc).__name__, "message": str(exc)})

    def _tell(self, message: dict[str, object]) -> None:
        self._owner.sendall(_JSON.encode(message).encode())


def limit_this_process(memory_bytes: int) -> None:
    """Die with the owner, and never hold more memory than allowed nor write a core of it.

    The owner goes first on the processor, see `BEHIND_THE_OWNER`. The limit is on what is allocated (heap and anonymous
    mappings), not on libraries and shared memory.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(BEHIND_THE_OWNER)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Carry out the one order that comes over the socket."""
    owner = socket.socket(fileno=int(sys.argv[1]))
    page = ControlPage(int(sys.argv[2]))
    order = DecoderOrder.decode(owner.recv(MAX_MESSAGE_BYTES))
    limit_this_process(order.settings.decoder_memory_bytes)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the owner is gone: nobody is left to tell
        DecoderChild(order, owner, page).run()


if __name__ == "__main__":
    main()
