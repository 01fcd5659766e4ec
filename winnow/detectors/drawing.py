"""Draw what was found into an image, for people to look at."""

import colorsys
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.detectors.detections import Detections

FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
GOLDEN_RATIO: Final = 0.618034
"""Steps of this size round the colour circle keep neighbouring classes apart."""
WHITE: Final = (255, 255, 255)


def draw_detections(image: NDArray[np.uint8], detections: Detections, labels: Sequence[str]) -> NDArray[np.uint8]:
    """Return a copy of the image (H, W, 3) with a box, a label and a score for each object, the best on top."""
    drawn = image.copy()
    scale = max(0.4, min(image.shape[:2]) / 1200)
    rows = zip(detections.boxes_xyxy, detections.scores, detections.class_ids, strict=True)
    for box, score, class_id in reversed(list(rows)):
        colour = class_colour(int(class_id))
        x1, y1, x2, y2 = (round(float(edge)) for edge in box)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
        text = f"{labels[class_id]} {score:.2f}"
        (width, height), baseline = cv2.getTextSize(text, FONT, scale, 1)
        top = max(y1 - height - baseline, 0)
        cv2.rectangle(drawn, (x1, top), (x1 + width, top + height + baseline), colour, cv2.FILLED)
        cv2.putText(drawn, text, (x1, top + height), FONT, scale, WHITE, 1, cv2.LINE_AA)
    return drawn


def class_colour(class_id: int) -> tuple[int, int, int]:
    """Return a colour (B, G, R), dark enough for white text and always the same for a class."""
    red, green, blue = colorsys.hsv_to_rgb(class_id * GOLDEN_RATIO % 1, 0.9, 0.7)
    return round(blue * 255), round(green * 255), round(red * 255)
