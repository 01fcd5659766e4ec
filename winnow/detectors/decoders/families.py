"""Which decoder reads which card: names and shapes of the outputs, and the call itself."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import (
    ModelCard,
    NanodetOutput,
    NanodetPlusOutput,
    SsdOutput,
    Yolov8Output,
    YoloxOutput,
)
from winnow.detectors.decoders.candidates import Candidates
from winnow.detectors.decoders.cells import cell_corners, cell_count
from winnow.detectors.decoders.nanodet import decode_nanodet, decode_nanodet_plus
from winnow.detectors.decoders.ssd import decode_ssd
from winnow.detectors.decoders.yolo import decode_yolov8, decode_yolox

Floats = NDArray[np.float32]
Shape = tuple[int | None, ...]


def output_shapes(card: ModelCard) -> Mapping[str, Shape]:
    """Return the outputs that the card's decoder reads, in its order, with their shapes for one image.

    The axis of images is left out; None stands for any size.
    """
    spec, classes = card.output, len(card.labels)
    match spec:
        case NanodetOutput():
            cells = cell_count(card.input.width, card.input.height, spec.strides)
            return {spec.scores: (classes, cells), spec.distances: (4 * spec.bins, cells)}
        case NanodetPlusOutput():
            cells = cell_count(card.input.width, card.input.height, spec.strides)
            return {spec.output: (cells, classes + 4 * spec.bins)}
        case YoloxOutput():
            cells = cell_count(card.input.width, card.input.height, spec.strides)
            return {spec.output: (cells, 5 + classes)}
        case Yolov8Output():
            return {spec.output: (4 + classes, None)}
        case SsdOutput():
            return {spec.boxes: (None, 4), spec.classes: (None,), spec.scores: (None,), spec.count: ()}


def output_names(card: ModelCard) -> list[str]:
    """Return the names of the outputs in the order in which `decode` takes them."""
    return list(output_shapes(card))


def decode(outputs: Sequence[Floats], card: ModelCard, min_score: float) -> Candidates:
    """Return the candidates of one image that score `min_score` or more, in pixels of the model's input.

    Args:
        outputs: one float32 array for each of `output_names`, of the shapes that `output_shapes` gives.
        card: of the model that gave them.
        min_score: 0..1.
    """
    spec, width, height = card.output, card.input.width, card.input.height
    match spec:
        case NanodetOutput():
            corners = cell_corners(width, height, spec.strides)
            return decode_nanodet(outputs[0], outputs[1], corners, min_score)
        case NanodetPlusOutput():
            corners = cell_corners(width, height, spec.strides)
            return decode_nanodet_plus(outputs[0], len(card.labels), corners, min_score)
        case YoloxOutput():
            return decode_yolox(outputs[0], cell_corners(width, height, spec.strides), min_score)
        case Yolov8Output():
            return decode_yolov8(outputs[0], min_score)
        case SsdOutput():
            boxes, classes, scores, count = outputs
            return decode_ssd((boxes, classes, scores, count), spec, width=width, height=height, min_score=min_score)
