"""One image in, objects out: model files and cards, sessions, decoders."""

from winnow.detectors.card import ModelCard, read_card
from winnow.detectors.catalogue import DEFAULT_MODEL, bundled_models, find_card, load_model, open_detector
from winnow.detectors.detections import Detections
from winnow.detectors.detector import DEFAULT_MIN_SCORE, Detector
from winnow.detectors.errors import DetectorError, ImageError, ModelNotFoundError, ModelRefusedError
from winnow.detectors.session import OnnxDetector

__all__ = [
    "DEFAULT_MIN_SCORE",
    "DEFAULT_MODEL",
    "Detections",
    "Detector",
    "DetectorError",
    "ImageError",
    "ModelCard",
    "ModelNotFoundError",
    "ModelRefusedError",
    "OnnxDetector",
    "bundled_models",
    "find_card",
    "load_model",
    "open_detector",
    "read_card",
]
