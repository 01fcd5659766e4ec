"""SSD models that suppress overlaps inside the graph.

Source: TensorFlow object detection API, `exporter_main_v2.py`, for names, order and normalisation.
"""

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import SsdOutput
from winnow.detectors.decoders.candidates import Candidates

Floats = NDArray[np.float32]


def decode_ssd(
    outputs: tuple[Floats, Floats, Floats, Floats], spec: SsdOutput, *, width: int, height: int, min_score: float
) -> Candidates:
    """Return the objects that score `min_score` or more.

    Args:
        outputs: boxes (N, 4), y1 x1 y2 x2 as parts of the input's height and width; classes (N,); scores (N,); and the
            number of rows that are filled, ().
        spec: says which number stands for the first label.
        width: of the input, in pixels.
        height: of the input, in pixels.
        min_score: 0..1.
    """
    boxes, classes, scores, count = outputs
    filled = max(0, min(int(count), len(scores)))
    (kept,) = np.nonzero(scores[:filled] >= min_score)
    pixels = boxes[kept][:, [1, 0, 3, 2]] * np.array([width, height, width, height], np.float32)
    return Candidates(
        boxes_xyxy=pixels,
        scores=scores[kept],
        class_ids=classes[kept].astype(np.int32) - spec.first_class,
    )
