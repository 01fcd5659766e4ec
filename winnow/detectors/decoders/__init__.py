"""Turn the numbers a session gives into boxes, scores and classes: one pure function a family of models."""

from winnow.detectors.decoders.candidates import Candidates
from winnow.detectors.decoders.families import decode, output_names, output_shapes

__all__ = ["Candidates", "decode", "output_names", "output_shapes"]
