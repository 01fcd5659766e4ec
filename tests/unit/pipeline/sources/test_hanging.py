"""When a decoder's process counts as hung."""

import pytest

from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.control import DecoderStep, Progress
from winnow.pipeline.sources.hanging import Spinning, hang

SETTINGS = LiveSettings(open_timeout_s=10, read_timeout_s=5, decode_within_s=2)


def _hang(step: DecoderStep, *, in_step_s: float, beat_ago_s: float = 0.3, cpu_s: float = 0.0) -> str | None:
    now_s = 1000.0
    progress = Progress(step=step, since_mono_s=now_s - in_step_s, beat_mono_s=now_s - beat_ago_s)
    return hang(progress, SETTINGS, now_s=now_s, started_s=now_s - in_step_s, cpu_s=cpu_s)


@pytest.mark.parametrize(
    ("step", "longest_s"),
    [
        (DecoderStep.START, 10),
        (DecoderStep.OPEN, 12),
        (DecoderStep.READ, 7),
        (DecoderStep.DECODE, 2),
    ],
)
def test_each_step_has_its_time(step: DecoderStep, longest_s: float) -> None:
    """FFmpeg's own timeouts come first, with room to spare; one packet is decoded in two seconds or never."""
    assert _hang(step, in_step_s=longest_s - 0.1) is None
    assert _hang(step, in_step_s=longest_s + 0.1)


def test_process_that_cannot_run_hangs_whatever_it_does() -> None:
    """Two seconds without a beat are enough, also while it waits for a silent camera."""
    assert _hang(DecoderStep.READ, in_step_s=3) is None
    assert "no sign of life" in (_hang(DecoderStep.READ, in_step_s=3, beat_ago_s=2.1) or "")


def test_waiting_for_the_network_is_no_computing() -> None:
    """A demuxer that uses two seconds of CPU for one packet goes round in circles; one that waits does not."""
    assert _hang(DecoderStep.READ, in_step_s=3, cpu_s=0.1) is None
    assert "computing" in (_hang(DecoderStep.READ, in_step_s=3, cpu_s=2.1) or "")


def test_cpu_time_is_counted_from_the_step_on() -> None:
    """What earlier steps used does not count against this one."""
    spinning = Spinning()
    spinning.look(1.0, 50.0)
    spinning.look(1.0, 51.5)
    assert spinning.cpu_s == 1.5
    spinning.look(2.0, 60.0)
    assert spinning.cpu_s == 0
