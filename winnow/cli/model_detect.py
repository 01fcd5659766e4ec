"""`winnow models detect`: one picture in, objects and a drawn-on copy out."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.cli.model_views import FoundObject, found_objects
from winnow.detectors import ImageError, ModelCard, open_detector
from winnow.detectors.drawing import draw_detections

MAX_IMAGE_BYTES: Final = 64 * 1024 * 1024


def find_objects(path: Path, model: str, min_score: float, out: Path | None) -> tuple[ModelCard, list[FoundObject]]:
    """Return the model's card and what it finds in the picture; write the picture with boxes to `out`.

    Raises:
        ImageError: the picture cannot be read, or `out` cannot be written.
        ModelNotFoundError: no such model.
        ModelRefusedError: the model must not be used.
    """
    image = _read_image(path)
    detector = open_detector(model, min_score=min_score)
    (detections,) = detector.detect([image])
    if out is not None:
        _write_image(out, draw_detections(image, detections, detector.card.labels))
    return detector.card, found_objects(detections, detector.card.labels)


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError as exc:
        raise ImageError(f"{path}: {exc.strerror}") from exc
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageError(f"{path}: over {MAX_IMAGE_BYTES} bytes; give a smaller picture")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as exc:
        raise ImageError(f"{path}: OpenCV refuses it: {exc.err}") from exc
    if image is None:
        raise ImageError(f"{path}: not a picture; give a PNG, JPEG or WebP file")
    return image.astype(np.uint8, copy=False)


def _write_image(path: Path, image: NDArray[np.uint8]) -> None:
    try:
        written, data = cv2.imencode(path.suffix or ".png", image)
    except cv2.error as exc:
        raise ImageError(f"{path}: name a .png, .jpg or .webp file") from exc
    if not written:
        raise ImageError(f"{path}: the picture cannot be encoded; name a .png file")
    try:
        path.write_bytes(data.tobytes())
    except OSError as exc:
        raise ImageError(f"{path}: {exc.strerror}") from exc
