"""The loop that people write first: OpenCV reads, the model looks at every frame, supervision's ByteTrack follows.

    first_loop CLIP CARD PACKAGES

CARD is a model card, PACKAGES a folder that has `supervision`. OpenCV and onnxruntime run as they do if nobody tells
them otherwise: as many threads as there are cores. For each frame in which something is followed one line of JSON goes
out (label, number, score and box of each object), no picture.
"""

import importlib
import json
import sys
import warnings
from collections import Counter
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime as ort

from benchmarks.harness.clips import FPS
from benchmarks.harness.cost import costing
from winnow.detectors import find_card, load_model
from winnow.detectors.card import ModelCard
from winnow.detectors.decoders import decode, output_names
from winnow.detectors.suppression import suppress_overlaps

MIN_SCORE: Final = 0.4
WANTED: Final = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "dog", "cat")
SEEN_AT_LEAST: Final = 3
"""In so many frames must a number have been given to count as an object, as with Winnow's `start_hits`."""


def main() -> None:
    """Look at every frame of the clip."""
    path, card_path, packages = sys.argv[1:]
    sys.path.append(packages)
    warnings.simplefilter("ignore")  # it warns that this tracker will move to another package
    supervision = importlib.import_module("supervision")
    loop = _Loop(*load_model(find_card(card_path)))
    said: dict[str, Any] = {}
    with costing(said):
        loop.run(path, supervision)
        labels = Counter(label for (label, _), times in loop.seen.items() if times >= SEEN_AT_LEAST)
        said |= {"frames": loop.frames, "bytes_out": loop.bytes_out, "objects": dict(labels)}


class _Loop:
    def __init__(self, card: ModelCard, model: bytes) -> None:
        self._card = card
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._wanted = [card.labels.index(label) for label in WANTED]
        self.frames = 0
        self.bytes_out = 0
        self.seen: Counter[tuple[str, int]] = Counter()

    def run(self, path: str, supervision: Any) -> None:
        """Look at every frame."""
        tracker = supervision.ByteTrack(frame_rate=FPS)
        capture = cv2.VideoCapture(path)
        while True:
            is_read, picture = capture.read()
            if not is_read:
                return
            self.frames += 1
            boxes, scores, kinds = self._detect(picture)
            followed = tracker.update_with_detections(
                supervision.Detections(xyxy=boxes, confidence=scores, class_id=kinds)
            )
            self._send(followed)

    def _detect(self, picture: Any) -> tuple[Any, Any, Any]:
        card = self._card
        scaled = cv2.resize(picture, (card.input.width, card.input.height))
        outputs = self._session.run(output_names(card), {card.input.name: scaled[np.newaxis]})
        candidates = decode([output[0] for output in outputs], card, MIN_SCORE)
        kept = suppress_overlaps(candidates, card.nms_iou)
        kept = kept[np.isin(candidates.class_ids[kept], self._wanted)]
        scale = np.array([picture.shape[1] / card.input.width, picture.shape[0] / card.input.height] * 2)
        boxes = (candidates.boxes_xyxy[kept] * scale).astype(np.float32)
        return boxes, candidates.scores[kept], candidates.class_ids[kept].astype(int)

    def _send(self, followed: Any) -> None:
        columns = (followed.xyxy, followed.confidence, followed.class_id, followed.tracker_id)
        objects = [
            {"label": self._card.labels[kind], "id": int(number), "score": round(float(score), 2), "box": box.tolist()}
            for box, score, kind, number in zip(*columns, strict=True)
        ]
        self.seen.update((str(one["label"]), int(str(one["id"]))) for one in objects)
        self.bytes_out += len(json.dumps({"frame": self.frames, "objects": objects})) if objects else 0


if __name__ == "__main__":
    main()
