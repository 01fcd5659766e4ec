"""A detector whose answers are written down beforehand."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import ImageInput, Licence, ModelCard, Source, Yolov8Output
from winnow.detectors.detections import Detections
from winnow.detectors.images import check_image

Script = Callable[[NDArray[np.uint8]], Detections] | Iterable[Detections]


class FakeDetector:
    """Answers from a script: a function of the image, or one `Detections` an image until the list ends, then none.

    Attributes:
        image_shapes: the shape of every image it was asked about, oldest first.
    """

    def __init__(self, script: Script = (), *, labels: Sequence[str] = ("person", "car")) -> None:
        self._card = fake_card(labels)
        self._answer = script if callable(script) else _answers_in_turn(script)
        self.image_shapes: list[tuple[int, ...]] = []

    @property
    def card(self) -> ModelCard:
        """A card with the labels given at construction."""
        return self._card

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the scripted answer for each image."""
        for image in images:
            check_image(image)
        self.image_shapes.extend(image.shape for image in images)
        return [self._answer(image) for image in images]


def fake_card(labels: Sequence[str] = ("person", "car")) -> ModelCard:
    """Return a valid card of a model that does not exist."""
    return ModelCard(
        name="fake",
        version="1",
        description="Answers from a script",
        file="fake.onnx",
        sha256="0" * 64,
        size_bytes=1,
        source=Source(weights="none", upstream="none"),
        licence=Licence(spdx="Apache-2.0", notice="none"),
        input=ImageInput(name="image", width=416, height=416),
        output=Yolov8Output(kind="yolov8", output="output"),
        labels=tuple(labels),
    )


def _answers_in_turn(script: Iterable[Detections]) -> Callable[[NDArray[np.uint8]], Detections]:
    answers = iter(script)

    def answer(_image: NDArray[np.uint8]) -> Detections:
        return next(answers, Detections.empty())

    return answer
