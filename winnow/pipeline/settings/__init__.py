"""The edge's settings: what it watches, looks for and reports."""

from winnow.pipeline.settings.camera import CameraSettings
from winnow.pipeline.settings.changes import LookChange, SettingsChange, applied, look_change, settings_change
from winnow.pipeline.settings.connection import ConnectionSettings
from winnow.pipeline.settings.detection import DetectionSettings
from winnow.pipeline.settings.edge import EdgeSettings, MetricsSettings, SpoolSettings
from winnow.pipeline.settings.health import HealthSettings
from winnow.pipeline.settings.labels import check_labels
from winnow.pipeline.settings.link import LinkSettings
from winnow.pipeline.settings.motion import MotionSettings
from winnow.pipeline.settings.rules import (
    Anchor,
    FilterSettings,
    LineSettings,
    OccupancySettings,
    RuleSettings,
    SequenceSettings,
    ZoneSettings,
)
from winnow.pipeline.settings.schedule import ScheduleSettings, WatchHours
from winnow.pipeline.settings.shapes import Name, Point, Polygon
from winnow.pipeline.settings.thumbnails import Redaction, ThumbnailSettings
from winnow.pipeline.settings.tracking import TrackingSettings

__all__ = [
    "Anchor",
    "CameraSettings",
    "ConnectionSettings",
    "DetectionSettings",
    "EdgeSettings",
    "FilterSettings",
    "HealthSettings",
    "LineSettings",
    "LinkSettings",
    "LookChange",
    "MetricsSettings",
    "MotionSettings",
    "Name",
    "OccupancySettings",
    "Point",
    "Polygon",
    "Redaction",
    "RuleSettings",
    "ScheduleSettings",
    "SequenceSettings",
    "SettingsChange",
    "SpoolSettings",
    "ThumbnailSettings",
    "TrackingSettings",
    "WatchHours",
    "ZoneSettings",
    "applied",
    "check_labels",
    "look_change",
    "settings_change",
]
