"""Where in a frame the detector looks, what it found there, and which camera it serves next."""

from winnow.pipeline.detection.finder import ObjectFinder
from winnow.pipeline.detection.look import Look
from winnow.pipeline.detection.planning import LookPlan, plan_look, plan_whole_frame
from winnow.pipeline.detection.scheduler import DetectionScheduler, ScheduledDetector

__all__ = [
    "DetectionScheduler",
    "Look",
    "LookPlan",
    "ObjectFinder",
    "ScheduledDetector",
    "plan_look",
    "plan_whole_frame",
]
