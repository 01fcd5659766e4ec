"""Draws what a camera's settings place in its picture, for the person who sets it up."""

from winnow.pipeline.drawing.picture import draw_settings

__all__ = ["draw_settings"]
