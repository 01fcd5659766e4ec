"""Where in a frame the detector looks, and what it found there."""

from winnow.pipeline.detection.finder import ObjectFinder
from winnow.pipeline.detection.look import Look
from winnow.pipeline.detection.planning import LookPlan, plan_look, plan_whole_frame

__all__ = ["Look", "LookPlan", "ObjectFinder", "plan_look", "plan_whole_frame"]
