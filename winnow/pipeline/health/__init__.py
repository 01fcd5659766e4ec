"""Whether a camera's pictures show what the camera is there for: pure judges over one small picture a second."""

from winnow.pipeline.health.changes import HealthChange
from winnow.pipeline.health.reports import degraded_status, health_report
from winnow.pipeline.health.watch import BLIND, HealthWatch

__all__ = ["BLIND", "HealthChange", "HealthWatch", "degraded_status", "health_report"]
