"""Where in a frame the detector looks, and what it found there."""

from winnow.pipeline.detection.look import Look

__all__ = ["Look"]
