"""`edge.yaml`: what one edge box watches, looks for and reports."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from winnow.events.errors import ContractError
from winnow.events.names import check_name
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.settings import Settings, SettingsInvalidError, SettingsPath, beside_settings


def _check_name(name: str) -> str:
    try:
        return check_name(name)
    except ContractError as exc:
        raise ValueError(str(exc)) from exc


Name = Annotated[str, AfterValidator(_check_name)]
Coordinate = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Coordinate, Coordinate]
"""x and y in 0..1 of the full frame, from its top left corner."""
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""A source that starts so is a URL, not a path."""

Redaction = Literal["heads", "people", "none", "no-images"]


def _check_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) < 3:  # noqa: PLR2004 - a triangle is the smallest polygon
        raise ValueError("a polygon needs at least 3 points")
    if _crosses_itself(points):
        raise ValueError("the polygon crosses itself: list its corners in order around it")
    if _area(points) < 1e-6:  # noqa: PLR2004 - less than a pixel of a 1080p frame
        raise ValueError("the polygon has no area: are its points on one line?")
    return points


def _area(points: tuple[Point, ...]) -> float:
    pairs = zip(points, (*points[1:], points[0]), strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _crosses_itself(points: tuple[Point, ...]) -> bool:
    edges = list(zip(points, (*points[1:], points[0]), strict=True))
    return any(
        _cross(*edges[i], *edges[j])
        for i in range(len(edges))
        for j in range(i + 2, len(edges))
        if (j + 1) % len(edges) != i
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, point: Point) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


Polygon = Annotated[tuple[Point, ...], Field(max_length=64), AfterValidator(_check_polygon)]


def _source_beside_settings(source: str, info: ValidationInfo) -> str:
    return source if _ADDRESS.match(source) else str(beside_settings(Path(source), info))


def _card_beside_settings(model: str, info: ValidationInfo) -> str:
    return str(beside_settings(Path(model), info)) if model.endswith((".yaml", ".onnx")) else model


class ZoneSettings(Settings):
    """An area of the picture.

    Attributes:
        points: corners in order.
        labels: which objects count; all if empty.
    """

    points: Polygon
    labels: tuple[str, ...] = ()


class LineSettings(Settings):
    """A line across the picture; `in` is from its left side to its right, seen from the first point to the second.

    Attributes:
        points: the two ends.
        labels: which objects count; all if empty.
    """

    points: tuple[Point, Point]
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_length(self) -> "LineSettings":
        if self.points[0] == self.points[1]:
            raise ValueError("points: the two ends of the line are the same")
        return self


class MotionSettings(Settings):
    """When a picture is worth looking at.

    Attributes:
        enabled: False looks at every sampled frame.
        threshold: grey levels (0..255) by which a pixel must differ from the background.
        min_area: smallest changed area that counts, as a share of the frame.
        masks: areas in which motion is ignored: trees, flags, clocks.
    """

    enabled: bool = True
    threshold: Annotated[int, Field(ge=1, le=255)] = 20
    min_area: Annotated[float, Field(gt=0, lt=1)] = 0.0005
    masks: tuple[Polygon, ...] = ()


class TrackingSettings(Settings):
    """When detections become an object, and when it is gone.

    Attributes:
        min_score: detections below it only extend tracks.
        start_score: an object starts when the median of its last scores reaches it …
        start_hits: … over at least this many detections.
        lost_after_s: an object ends this long after it was last seen.
        update_every_s: at most one `object.updated` an object in this time.
    """

    min_score: Annotated[float, Field(gt=0, le=1)] = 0.4
    start_score: Annotated[float, Field(gt=0, le=1)] = 0.5
    start_hits: Annotated[int, Field(ge=1, le=50)] = 3
    lost_after_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    update_every_s: Annotated[float, Field(gt=0, le=3600)] = 5.0


class ThumbnailSettings(Settings):
    """What leaves the box as an image.

    Attributes:
        redaction: `heads` pixelates the head of every person in the crop, `people` the whole person, `none` nothing;
            `no-images` sends no thumbnails at all.
        masks: areas of the scene that no image ever shows.
        max_side_px: longest side.
        max_bytes: size of the JPEG; quality is lowered to reach it.
        margin: room around the object, as a share of its size.
    """

    redaction: Redaction = "heads"
    masks: tuple[Polygon, ...] = ()
    max_side_px: Annotated[int, Field(ge=32, le=640)] = 320
    max_bytes: Annotated[int, Field(ge=1024, le=48 * 1024)] = 8 * 1024
    margin: Annotated[float, Field(ge=0, le=1)] = 0.15


class CameraSettings(Settings):
    """One camera.

    Attributes:
        source: file, folder, `rtsp://…`, `http://…` or `/dev/videoN`; relative paths start at the settings file.
        analysed_fps: frames a second of stream time that are looked at.
        labels: objects to report; every label of the model if empty.
        zones: by name.
        lines: by name.
    """

    source: Annotated[str, Field(min_length=1), AfterValidator(_source_beside_settings)]
    analysed_fps: Annotated[float, Field(gt=0, le=60)] = 5.0
    labels: tuple[str, ...] = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "dog", "cat")
    zones: dict[Name, ZoneSettings] = Field(default_factory=dict)
    lines: dict[Name, LineSettings] = Field(default_factory=dict)
    motion: MotionSettings = MotionSettings()
    tracking: TrackingSettings = TrackingSettings()
    thumbnails: ThumbnailSettings = ThumbnailSettings()


class SpoolSettings(Settings):
    """Where accepted events wait for their receipts.

    Attributes:
        path: the SQLite file; its directory is created.
        max_bytes: at most this much waits; beyond it the least valuable goes first, each drop with a tombstone.
    """

    path: SettingsPath = Field(default=Path("winnow-spool.sqlite"), validate_default=True)
    max_bytes: Annotated[int, Field(ge=1024 * 1024)] = 512 * 1024 * 1024


class MetricsSettings(Settings):
    """Where Prometheus metrics and `/healthz` are served; port 0 picks a free one, None serves none."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = 9464


class EdgeSettings(Settings):
    """The whole of `edge.yaml`.

    Attributes:
        node: name of this box.
        model: a packaged model's name, or the path of a model card (`.yaml`).
        inference_threads: threads of the one inference session.
        stats_every_s: period of `node.stats`.
        cameras: by name.
    """

    node: Name = "edge"
    model: Annotated[str, AfterValidator(_card_beside_settings)] = "nanodet-g-416-int8"
    inference_threads: Annotated[int, Field(ge=1, le=64)] = 1
    stats_every_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    mqtt: MqttSettings = MqttSettings()
    spool: SpoolSettings = SpoolSettings()
    metrics: MetricsSettings = MetricsSettings()
    cameras: Annotated[dict[Name, CameraSettings], Field(min_length=1, max_length=64)]


def check_labels(path: Path, settings: EdgeSettings, known: Sequence[str]) -> None:
    """Return if every label that the settings name is one of the model's.

    Raises:
        SettingsInvalidError: it names each unknown label and its key.
    """
    problems = [
        f"{key}: unknown label {label!r}{_likely(label, known)}; the model {settings.model} knows {', '.join(known)}"
        for key, labels in _label_keys(settings)
        for label in labels
        if label not in known
    ]
    if problems:
        raise SettingsInvalidError(path, problems)


def _likely(label: str, known: Sequence[str]) -> str:
    likely = get_close_matches(label, known, n=1)
    return f" (did you mean {likely[0]}?)" if likely else ""


def _label_keys(settings: EdgeSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, camera in settings.cameras.items():
        yield f"cameras.{name}.labels", camera.labels
        for zone_name, zone in camera.zones.items():
            yield f"cameras.{name}.zones.{zone_name}.labels", zone.labels
        for line_name, line in camera.lines.items():
            yield f"cameras.{name}.lines.{line_name}.labels", line.labels
