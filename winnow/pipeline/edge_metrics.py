"""The cameras' counters as Prometheus metrics, read when somebody asks."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from winnow.pipeline.camera import Camera
from winnow.pipeline.tally import STAGES


class CameraCollector(Collector):
    """Every camera's counters, labelled by camera.

    Args:
        cameras: gives those of the node; names are settings, so the label's values are a closed set.
    """

    def __init__(self, cameras: Callable[[], Sequence[Camera]]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        """Return the counters as they are now."""
        yield from self._counters()
        yield self._latency()
        online = GaugeMetricFamily("winnow_camera_online", "1 if the camera delivers frames.", labels=["camera"])
        for camera in self._cameras():
            online.add_metric([camera.name], 1 if camera.is_online else 0)
        yield online

    def _counters(self) -> Iterator[Metric]:
        decoded = CounterMetricFamily("winnow_frames_decoded", "Pictures decoded.", labels=["camera"])
        analysed = CounterMetricFamily("winnow_frames_analysed", "Sampled pictures looked at.", labels=["camera"])
        dropped = CounterMetricFamily("winnow_frames_dropped", "Pictures given up.", labels=["camera", "reason"])
        detector = CounterMetricFamily("winnow_detector_runs", "Pictures the detector saw.", labels=["camera"])
        bytes_in = CounterMetricFamily("winnow_stream_bytes", "Compressed video read.", labels=["camera"])
        bytes_out = CounterMetricFamily("winnow_message_bytes", "Events and thumbnails accepted.", labels=["camera"])
        events = CounterMetricFamily("winnow_events_accepted", "Events and thumbnails.", labels=["camera", "kind"])
        stages = CounterMetricFamily("winnow_stage_seconds", "Time spent by stage.", labels=["camera", "stage"])
        for camera in self._cameras():
            counters, tally = camera.counters(), camera.tally
            decoded.add_metric([camera.name], counters.frames_decoded)
            analysed.add_metric([camera.name], counters.frames_analysed)
            detector.add_metric([camera.name], tally.detector_runs)
            bytes_in.add_metric([camera.name], counters.bytes_in)
            bytes_out.add_metric([camera.name], counters.bytes_out)
            for reason, count in counters.frames_dropped.items():
                dropped.add_metric([camera.name, reason], count)
            for kind, count in tally.events.copy().items():
                events.add_metric([camera.name, kind], count)
            for stage in STAGES:
                stages.add_metric([camera.name, stage], tally.stage_s[stage])
        yield from (decoded, analysed, dropped, detector, bytes_in, bytes_out, events, stages)

    def _latency(self) -> Metric:
        latency = GaugeMetricFamily(
            "winnow_frame_latency_seconds", "Frame read to events accepted, of late.", labels=["camera", "quantile"]
        )
        for camera in self._cameras():
            for quantile in (0.5, 0.95):
                latency.add_metric([camera.name, str(quantile)], camera.tally.latency_ms(quantile) / 1000)
        return latency
