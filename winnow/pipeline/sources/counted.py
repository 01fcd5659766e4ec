"""What a decoder's process counts, added to the tally of the source that owns it."""

from winnow.pipeline.decoder.control import DecoderStep, Progress
from winnow.pipeline.decoder.tally import SourceTally


class Counted:
    """Adds what a decoder counts to the source's tally, each thing once."""

    def __init__(self, tally: SourceTally) -> None:
        self._tally = tally
        self._last = Progress(frames_decoded=tally.frames_decoded)

    def add(self, now: Progress) -> None:
        """Add what was counted since the last call."""
        if now.step is DecoderStep.START:
            return
        tally, last = self._tally, self._last
        tally.bytes_read += now.bytes_read - last.bytes_read
        tally.frames_decoded += now.frames_decoded - last.frames_decoded
        tally.frames_skipped += now.frames_skipped - last.frames_skipped
        tally.corrupt_packets += now.corrupt_packets - last.corrupt_packets
        tally.corrupt_frames += now.corrupt_frames - last.corrupt_frames
        tally.is_truncated |= bool(now.is_truncated)
        tally.drop("damaged", now.damaged - last.damaged)
        tally.drop("drop_oldest", now.drop_oldest - last.drop_oldest)
        self._last = now
