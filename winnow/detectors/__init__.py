"""One image in, objects out: model files and cards, sessions, decoders."""

from winnow.detectors.card import ModelCard, read_card
from winnow.detectors.detections import Detections
from winnow.detectors.detector import DEFAULT_MIN_SCORE, Detector
from winnow.detectors.errors import DetectorError, ImageError, ModelNotFoundError, ModelRefusedError

__all__ = [
    "DEFAULT_MIN_SCORE",
    "Detections",
    "Detector",
    "DetectorError",
    "ImageError",
    "ModelCard",
    "ModelNotFoundError",
    "ModelRefusedError",
    "read_card",
]
