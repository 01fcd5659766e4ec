"""Build NanoDet-g from the files of its package: a float32 model, an INT8 model, and a card with figures for each."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from winnow.detectors.building import nanodet_g
from winnow.detectors.building.coco import COCO_LABELS
from winnow.detectors.building.quantise import OPERATORS, PERCENTILE, quantise
from winnow.detectors.building.rearrange import pack_columns
from winnow.detectors.card import (
    Calibration,
    Evaluation,
    ImageInput,
    Licence,
    ModelCard,
    NanodetOutput,
    Quantisation,
    Source,
)
from winnow.detectors.detections import Detections
from winnow.detectors.detector import Detector
from winnow.detectors.evaluation import agreement, average_precision, of_class
from winnow.detectors.images import fit_image
from winnow.detectors.onnx_runtime import ort

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

AGREEMENT_SCORE: Final = 0.35
PERSON: Final = 0

INPUT: Final = ImageInput(
    name=nanodet_g.IMAGE,
    width=nanodet_g.SIZE,
    height=nanodet_g.SIZE,
    layout="nhwc",
    dtype="uint8",
    channels="bgr",
    fit="stretch",  # as it was trained: `keep_ratio: False` upstream
    fill=nanodet_g.ZERO_POINT,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuiltModel:
    """A model file in memory and its card."""

    card: ModelCard
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """Frames of a video; frames count from 1.

    Attributes:
        name: file name.
        sha256: of the file.
        frames: uint8 (H, W, 3) BGR by frame number.
    """

    name: str
    sha256: str
    frames: Mapping[int, Image]


def build_float(files: Mapping[str, bytes]) -> BuiltModel:
    """Return NanoDet-g in float32.

    Args:
        files: the two files of the package, by their path in it.

    Raises:
        ModelBuildError: they are not the graph that the recipe was written for.
    """
    model = nanodet_g.float_model(files[nanodet_g.TOPOLOGY_FILE], files[nanodet_g.WEIGHTS_FILE])
    return _built(model, name="nanodet-g-416-fp32", description="NanoDet-g, COCO, 416 x 416, float32")


def build_int8(float_model: BuiltModel, calibration: Clip) -> BuiltModel:
    """Return the model in INT8, fitted to the frames of the clip."""
    inputs = []
    for number in sorted(calibration.frames):
        canvas = np.zeros((1, INPUT.height, INPUT.width, 3), np.uint8)
        fit_image(calibration.frames[number], INPUT, canvas[0])
        inputs.append(canvas)
    return _built(
        quantise(pack_columns(onnx.load_from_string(float_model.data)), inputs),
        name="nanodet-g-416-int8",
        description="NanoDet-g, COCO, 416 x 416, INT8",
        quantisation=Quantisation(
            scheme="static, quantise and dequantise nodes (QDQ)",
            activations="uint8",
            weights="int8",
            per_channel=True,
            operators=OPERATORS,
            tool=f"onnxruntime {ort.__version__}",
        ),
        calibration=Calibration(
            clip=calibration.name,
            clip_sha256=calibration.sha256,
            frames=tuple(sorted(calibration.frames)),
            method=f"percentile {PERCENTILE} of every tensor, one scale for what is concatenated",
        ),
    )


def compare(before: Detector, after: Detector, clip: Clip, truth: Mapping[int, Boxes]) -> tuple[Evaluation, ...]:
    """Return the figures of the float32 and the INT8 model on a clip.

    Args:
        before: the float32 model.
        after: the INT8 model.
        clip: its frames that have truth give AP50, all of them give the agreement.
        truth: boxes (N, 4) of the people in a frame, by frame number; may be empty.
    """
    numbers = sorted(clip.frames)
    found = [_detect_all(detector, [clip.frames[number] for number in numbers]) for detector in (before, after)]
    strong = [[one.scoring_at_least(AGREEMENT_SCORE) for one in detections] for detections in found]
    figures = [
        Evaluation(
            metric=f"agreement of INT8 with FP32: F1 at score {AGREEMENT_SCORE}, overlap 0.5, all classes",
            data=f"{clip.name}, {len(numbers)} frames",
            value=round(agreement(*strong), 4),
        )
    ]
    judged = [index for index, number in enumerate(numbers) if number in truth]
    if judged:
        boxes = [truth[numbers[index]] for index in judged]
        people = [[of_class(detections[index], PERSON) for index in judged] for detections in found]
        figures.append(
            Evaluation(
                metric="AP50 of people",
                data=f"{clip.name}, {len(judged)} frames, {sum(map(len, boxes))} people",
                fp32=round(average_precision(people[0], boxes), 4),
                int8=round(average_precision(people[1], boxes), 4),
            )
        )
    return tuple(figures)


def _detect_all(detector: Detector, images: Sequence[Image]) -> list[Detections]:
    return [detections for image in images for detections in detector.detect([image])]


def _built(
    model: onnx.ModelProto,
    *,
    name: str,
    description: str,
    quantisation: Quantisation | None = None,
    calibration: Calibration | None = None,
) -> BuiltModel:
    data = model.SerializeToString(deterministic=True)
    card = ModelCard(
        name=name,
        version="1.0.0",
        description=description,
        file=f"{name}.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        source=Source(
            weights=f"npm package {nanodet_g.PACKAGE}, {nanodet_g.TOPOLOGY_FILE} and {nanodet_g.WEIGHTS_FILE}",
            upstream="RangiLyu/nanodet, NanoDet-g",
            integrity=nanodet_g.PACKAGE_INTEGRITY,
        ),
        licence=Licence(
            spdx="Apache-2.0 AND MIT",
            notice="Weights: NanoDet, Apache-2.0. Conversion to TensorFlow.js: human-models, MIT.",
            files=("LICENSE.nanodet.txt", "LICENSE.human-models.txt"),
        ),
        input=INPUT,
        output=NanodetOutput(
            kind="nanodet",
            scores=nanodet_g.SCORES,
            distances=nanodet_g.DISTANCES,
            strides=nanodet_g.STRIDES,
            bins=nanodet_g.BINS,
        ),
        nms_iou=0.6,
        labels=COCO_LABELS,
        quantisation=quantisation,
        calibration=calibration,
        rebuild="winnow models build nanodet-g --frames sample_videos/street.mp4",
    )
    return BuiltModel(card=card, data=data)
