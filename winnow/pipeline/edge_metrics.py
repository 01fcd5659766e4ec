"""The cameras' counters as Prometheus metrics, read when somebody asks.

`CAMERA_METRICS` is the whole list: whoever counts something new adds a row here, and then writes page and dashboard
anew with `python -m scripts.metrics_page && python -m scripts.grafana_dashboard`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from winnow.events.data import DegradedReason
from winnow.pipeline.camera import Camera
from winnow.pipeline.tally import STAGES

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of the labels after `camera`, and the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMetric:
    """One metric of every camera.

    Attributes:
        kind: a counter only grows; its name is shown with `_total`.
        name: with its unit, without `_total`.
        text: what is counted.
        labels: those after `camera`; their values are a closed set.
        read: gives a camera's samples; called on the thread that asks.
    """

    kind: Literal["counter", "gauge"]
    name: str
    text: str
    labels: tuple[str, ...] = ()
    read: Callable[[Camera], Samples]

    def family(self) -> CounterMetricFamily | GaugeMetricFamily:
        """Return the metric without samples."""
        family = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return family(self.name, self.text, labels=["camera", *self.labels])


def _one(value: float) -> Samples:
    return [((), value)]


def _damage(camera: Camera) -> Samples:
    damage = camera.source.stats.damage
    return [(("packet",), damage.corrupt_packets), (("frame",), damage.corrupt_frames)]


def _open_objects(camera: Camera) -> Samples:
    events = camera.tally.events
    return _one(events["object.started"] - events["object.ended"])


CAMERA_METRICS: Final[tuple[CameraMetric, ...]] = (
    CameraMetric(
        kind="gauge",
        name="winnow_camera_online",
        text="1 if the camera delivers frames.",
        read=lambda camera: _one(1 if camera.is_online else 0),
    ),
    CameraMetric(
        kind="gauge",
        name="winnow_camera_degraded",
        text="1 if the camera's pictures show nothing useful, by what is wrong.",
        labels=("reason",),
        read=lambda camera: [((reason,), float(camera.degraded == reason)) for reason in get_args(DegradedReason)],
    ),
    CameraMetric(
        kind="counter",
        name="winnow_camera_reconnects",
        text="Tries to connect to the camera after the first.",
        read=lambda camera: _one(camera.source.stats.reconnects),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_decoder_restarts",
        text="Decoders that crashed, hung or wanted too much memory, and were replaced.",
        read=lambda camera: _one(camera.source.stats.decoder_restarts),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_decode_errors",
        text="Packets that are marked as broken or never arrived, and pictures that did not decode whole.",
        labels=("what",),
        read=_damage,
    ),
    CameraMetric(
        kind="counter",
        name="winnow_frames_decoded",
        text="Pictures decoded.",
        read=lambda camera: _one(camera.source.stats.frames_decoded),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_frames_dropped",
        text="Pictures given up.",
        labels=("reason",),
        read=lambda camera: [((one,), n) for one, n in camera.frames_dropped().items()],
    ),
    CameraMetric(
        kind="counter",
        name="winnow_frames_analysed",
        text="Sampled pictures looked at.",
        read=lambda camera: _one(camera.tally.frames_analysed),
    ),
    CameraMetric(
        kind="gauge",
        name="winnow_overload_step",
        text="How far the camera has stepped back; 0 if it is looked at as set.",
        read=lambda camera: _one(camera.relief.number),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_overload_steps",
        text="Steps back because frames got too old.",
        labels=("step",),
        read=lambda camera: [((str(step),), n) for step, n in camera.relief.steps_up().items() if step > 0],
    ),
    CameraMetric(
        kind="counter",
        name="winnow_pictures_held",
        text="Thumbnails held back (overload, budget_none) or made small (budget_small).",
        labels=("reason",),
        read=lambda camera: [((reason,), n) for reason, n in camera.tally.pictures_held.copy().items()],
    ),
    CameraMetric(
        kind="counter",
        name="winnow_detector_runs",
        text="Pictures the detector saw.",
        read=lambda camera: _one(camera.tally.detector_runs),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_model_runs",
        text="Inferences that took: several for a picture of which one model input cannot show all that matters.",
        read=lambda camera: _one(camera.tally.model_runs),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_detector_wait_seconds",
        text="Time that pictures waited for the camera's turn at a detector; part of the stage `detect`.",
        read=lambda camera: _one(camera.detector_waited_s),
    ),
    CameraMetric(
        kind="gauge",
        name="winnow_tracks_open",
        text="What is followed, before and after it is taken for an object.",
        read=lambda camera: _one(camera.tally.tracks.open),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_tracks_begun",
        text="Tracks begun; those that no second look confirmed included.",
        read=lambda camera: _one(camera.tally.tracks.begun),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_flow_steps",
        text="Steps of tracks between two analysed pictures that optical flow measured.",
        read=lambda camera: _one(camera.tally.tracks.flow_steps),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_events_accepted",
        text="Events and thumbnails that the spool took.",
        labels=("kind",),
        read=lambda camera: [((kind,), count) for kind, count in camera.tally.events.copy().items()],
    ),
    CameraMetric(
        kind="gauge",
        name="winnow_objects_open",
        text="Objects that have started and not ended.",
        read=_open_objects,
    ),
    CameraMetric(
        kind="counter",
        name="winnow_stream_bytes",
        text="Compressed video read.",
        read=lambda camera: _one(camera.source.stats.bytes_read),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_message_bytes",
        text="Bytes of the events and thumbnails that the spool took.",
        read=lambda camera: _one(camera.tally.bytes_out),
    ),
    CameraMetric(
        kind="counter",
        name="winnow_stage_seconds",
        text="Time spent by stage.",
        labels=("stage",),
        read=lambda camera: [((stage,), camera.tally.stage_s[stage]) for stage in STAGES],
    ),
    CameraMetric(
        kind="gauge",
        name="winnow_frame_latency_seconds",
        text="Frame read to events accepted, of late.",
        labels=("quantile",),
        read=lambda camera: [((str(share),), camera.tally.latency_ms(share) / 1000) for share in (0.5, 0.95)],
    ),
)
"""Every metric that has the label `camera`."""


class CameraCollector(Collector):
    """Every camera's counters, labelled by camera.

    Args:
        cameras: gives those of the node; names are settings, so the label's values are a closed set.
    """

    def __init__(self, cameras: Callable[[], Sequence[Camera]]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        """Return the counters as they are now."""
        cameras = self._cameras()
        for metric in CAMERA_METRICS:
            family = metric.family()
            for camera in cameras:
                for values, sample in metric.read(camera):
                    family.add_metric([camera.name, *values], sample)
            yield family
