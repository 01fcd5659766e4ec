"""One page of memory that a decoder's process writes and its owner reads: what it is doing, since when, and counters.

The page outlives the process, so the owner can tell what a decoder did that crashed, and see that one hangs that can no
longer send anything.
"""

import mmap
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from winnow.pipeline.decoder.tally import SourceTally

PAGE_BYTES: Final = 4096
_LAYOUT: Final = struct.Struct("=Qd8Q")
"""Step, its start, and the counters in the order of `Progress`; each of 8 bytes at a multiple of 8."""

_BEAT: Final = struct.Struct("=d")
_BEAT_AT: Final = 2048
"""The beat is written by another thread, so it has a place of its own."""


class DecoderStep(IntEnum):
    """What the decoder's process does."""

    START = 0
    OPEN = 1
    READ = 2
    DECODE = 3
    WAIT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the page says.

    Attributes:
        step: what the decoder does.
        since_mono_s: monotonic time at which it began with that; 0 if it did not begin with anything yet.
        beat_mono_s: monotonic time at which the process last showed that it can run; 0 if it never did.
        bytes_read: see `SourceStats`, as all below.
        frames_decoded: pictures.
        drop_oldest: pictures dropped because the owner was slow.
        damaged: pictures dropped because of damage.
        corrupt_packets: packets marked as broken.
        corrupt_frames: pictures that did not decode.
        is_truncated: 1 if a recording ended too early.
        frames_skipped: pictures that were not decoded because the camera rests.
    """

    step: DecoderStep = DecoderStep.START
    since_mono_s: float = 0.0
    beat_mono_s: float = 0.0
    bytes_read: int = 0
    frames_decoded: int = 0
    drop_oldest: int = 0
    damaged: int = 0
    corrupt_packets: int = 0
    corrupt_frames: int = 0
    is_truncated: int = 0
    frames_skipped: int = 0


class ControlPage:
    """The page, mapped.

    Args:
        descriptor: of the memory; both sides map the same.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, PAGE_BYTES)

    def write(self, step: DecoderStep, since_mono_s: float, tally: SourceTally) -> None:
        """Say what is being done, and what was counted so far."""
        _LAYOUT.pack_into(
            self._memory,
            0,
            step,
            since_mono_s,
            tally.bytes_read,
            tally.frames_decoded,
            tally.dropped["drop_oldest"],
            tally.dropped["damaged"],
            tally.corrupt_packets,
            tally.corrupt_frames,
            tally.is_truncated,
            tally.frames_skipped,
        )

    def beat(self, now_mono_s: float) -> None:
        """Show that the process can run, whatever its main thread does."""
        _BEAT.pack_into(self._memory, _BEAT_AT, now_mono_s)

    def read(self) -> Progress:
        """Return what the other side wrote last; a step that does not exist reads as START."""
        step, since_mono_s, *counters = _LAYOUT.unpack_from(self._memory, 0)
        (beat_mono_s,) = _BEAT.unpack_from(self._memory, _BEAT_AT)
        known = DecoderStep(step) if step in set(DecoderStep) else DecoderStep.START
        return Progress(
            step=known,
            since_mono_s=since_mono_s,
            beat_mono_s=beat_mono_s,
            bytes_read=counters[0],
            frames_decoded=counters[1],
            drop_oldest=counters[2],
            damaged=counters[3],
            corrupt_packets=counters[4],
            corrupt_frames=counters[5],
            is_truncated=counters[6],
            frames_skipped=counters[7],
        )

    def close(self) -> None:
        """Unmap the page."""
        self._memory.close()


def create_page() -> int:
    """Return the descriptor of a new page, which nothing but its descriptors keeps alive."""
    descriptor = os.memfd_create("winnow-decoder")
    os.ftruncate(descriptor, PAGE_BYTES)
    return descriptor
