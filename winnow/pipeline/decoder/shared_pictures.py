"""Pictures in memory that a decoder's process shares with its owner: the planes as they are, no conversion."""

import fcntl
import mmap
import os
from typing import Final

import av

SLOTS: Final = 2
"""One is read while the other is written."""

SHARED_FORMATS: Final = frozenset(
    {"gray", "nv12", "nv21", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"}
)
"""Pixel formats that are shared as they are: brightness first, one byte a sample. All others become `yuv420p`."""

MAX_SIDE_PX: Final = 16_384
MAX_SLOT_BYTES: Final = 256 * 1024 * 1024


class SharedPictures:
    """Slots for pictures of one size and format, written by the decoder's process.

    The memory cannot shrink: the owner may read it without fear of what happens to this process.

    Args:
        slot_bytes: room for one picture.
    """

    def __init__(self, slot_bytes: int) -> None:
        self.slot_bytes = slot_bytes
        self.descriptor = os.memfd_create("winnow-pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, SLOTS * slot_bytes)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self._memory = mmap.mmap(self.descriptor, SLOTS * slot_bytes)

    def write(self, slot: int, image: av.VideoFrame) -> list[tuple[int, int, int]]:
        """Copy the picture into a slot; return where each plane begins in it, its bytes a row, and its rows."""
        start = slot * self.slot_bytes
        planes = []
        for plane in image.planes:
            size = plane.line_size * plane.height
            self._memory[start : start + size] = memoryview(plane)[:size]
            planes.append((start, plane.line_size, plane.height))
            start += size
        return planes

    def close(self) -> None:
        """Give the memory up; the owner may still hold it."""
        self._memory.close()
        os.close(self.descriptor)


def shareable(image: av.VideoFrame) -> av.VideoFrame:
    """Return the picture in a format that is shared as it is."""
    # One thread: with more, swscale now and then gives other pixels where two slices meet.
    return image if image.format.name in SHARED_FORMATS else image.reformat(format="yuv420p", threads=1)


def size_bytes(image: av.VideoFrame) -> int:
    """Return how much room the picture's planes need."""
    return sum(plane.line_size * plane.height for plane in image.planes)
