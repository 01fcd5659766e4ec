"""Detections in, tracks out: who in this frame is who in the last."""

from winnow.pipeline.tracking.tracker import Tracker
from winnow.pipeline.tracking.tracks import Tracks

__all__ = ["Tracker", "Tracks"]
