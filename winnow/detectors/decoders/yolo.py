"""YOLOX and YOLOv8-style outputs.

Source: Ge et al., YOLOX, 2021, and Megvii-BaseDetection/YOLOX, `demo_utils.py`; ultralytics' ONNX export for YOLOv8.
"""

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.decoders.candidates import Candidates

Floats = NDArray[np.float32]


def decode_yolox(output: Floats, corners: Floats, min_score: float) -> Candidates:
    """Return the cells whose objectness times best class score is `min_score` or more.

    Args:
        output: (cells, 5 + classes): centre in strides from the cell's corner, logarithm of the size in strides,
            objectness, class scores.
        corners: (3, cells) from `cell_corners`.
        min_score: 0..1.
    """
    scores = output[:, 5:].max(axis=1) * output[:, 4]
    (kept,) = np.nonzero(scores >= min_score)
    x, y, stride = corners[:, kept]
    column, row, log_width, log_height = output[kept, :4].T
    width, height = np.exp(log_width) * stride, np.exp(log_height) * stride
    return Candidates(
        boxes_xyxy=_centred_boxes(x + column * stride, y + row * stride, width, height),
        scores=scores[kept],
        class_ids=output[kept, 5:].argmax(axis=1).astype(np.int32),
    )


def decode_yolov8(output: Floats, min_score: float) -> Candidates:
    """Return the columns whose best class score is `min_score` or more.

    Args:
        output: (4 + classes, cells): centre x, centre y, width, height in input pixels, class scores.
        min_score: 0..1.
    """
    scores = output[4:].max(axis=0)
    (kept,) = np.nonzero(scores >= min_score)
    x, y, width, height = output[:4, kept]
    return Candidates(
        boxes_xyxy=_centred_boxes(x, y, width, height),
        scores=scores[kept],
        class_ids=output[4:, kept].argmax(axis=0).astype(np.int32),
    )


def _centred_boxes(x: Floats, y: Floats, width: Floats, height: Floats) -> Floats:
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
