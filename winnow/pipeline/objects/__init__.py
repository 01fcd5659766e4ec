"""Tracks become objects: they start, change and end."""

from winnow.pipeline.objects.lifecycle import Change, Objects, Turn
from winnow.pipeline.objects.tracked import TrackedObject

__all__ = ["Change", "Objects", "TrackedObject", "Turn"]
