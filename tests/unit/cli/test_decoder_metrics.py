"""CPU time and memory of decoders, while they run and after."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from winnow.cli.decoder_metrics import DecodersCollector, children_use
from winnow.pipeline.sources.isolated_file import IsolatedFileSource
from winnow.runtime.clock import SystemClock

CLIP = Path(__file__).parents[3] / "sample_videos" / "line_crossing.mp4"
MIB = 1024 * 1024


def test_decoders_are_counted_while_they_run_and_their_time_after() -> None:
    """A decoder's process has memory while it lives; its CPU time is never taken back."""
    registry = CollectorRegistry()
    registry.register(DecodersCollector())
    before = children_use()
    with IsolatedFileSource(CLIP, clock=SystemClock()) as source:
        assert source.read()
        during = children_use()
        served = registry.get_sample_value("winnow_decoder_resident_memory_bytes")
    after = children_use()
    assert during.processes == before.processes + 1
    assert during.resident_bytes - before.resident_bytes > 10 * MIB
    assert served is not None
    assert served > 10 * MIB
    assert after.processes == before.processes
    assert before.cpu_s < during.cpu_s <= after.cpu_s + 0.02  # a tick of rounding
