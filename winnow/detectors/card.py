"""A model's card: what the file beside it is, and everything needed to run it."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import Field, model_validator

from winnow.detectors.errors import CardInvalidError, ModelNotFoundError
from winnow.runtime.settings import Settings, SettingsError, load_settings

Score = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Strides = Annotated[tuple[Annotated[int, Field(ge=1, le=256)], ...], Field(min_length=1, max_length=8)]
Triple = tuple[float, float, float]

CARD_SUFFIX: Final = ".yaml"


class Source(Settings):
    """Where the weights come from."""

    weights: Text
    upstream: Text
    integrity: Text | None = None


class Licence(Settings):
    """Under which terms the model may be passed on."""

    spdx: Text
    notice: Text
    files: tuple[FileName, ...] = ()


class ImageInput(Settings):
    """What the session takes.

    Attributes:
        layout: `nhwc` (rows, columns, channels) or `nchw`.
        fit: `letterbox` keeps the image's proportions and fills the rest, `stretch` does not.
        fill: value of the pixels beside a letterboxed image.
        mean, std: subtracted and divided by, in the model's channel order; only for float32.
    """

    name: Text
    width: int = Field(ge=32, le=4096)
    height: int = Field(ge=32, le=4096)
    layout: Literal["nhwc", "nchw"] = "nchw"
    dtype: Literal["uint8", "float32"] = "float32"
    channels: Literal["bgr", "rgb"] = "bgr"
    fit: Literal["letterbox", "stretch"] = "letterbox"
    fill: int = Field(default=114, ge=0, le=255)
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)

    @model_validator(mode="after")
    def _check_normalisation(self) -> Self:
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        if self.dtype == "uint8" and (self.mean != (0.0, 0.0, 0.0) or self.std != (1.0, 1.0, 1.0)):
            raise ValueError("mean and std need dtype float32; a uint8 model normalises inside")
        return self


class NanodetOutput(Settings):
    """Two outputs, channels first: class scores before sigmoid, and four binned distances a cell.

    Attributes:
        scores: name of the output (1, classes, cells).
        distances: name of the output (1, 4 x bins, cells).
        bins: number of bins a distance is spread over.
    """

    kind: Literal["nanodet"]
    scores: Text
    distances: Text
    strides: Strides = (8, 16, 32)
    bins: int = Field(default=11, ge=2, le=64)


class NanodetPlusOutput(Settings):
    """One output (1, cells, classes + 4 x bins), scores after sigmoid, as NanoDet-Plus is exported upstream."""

    kind: Literal["nanodet-plus"]
    output: Text
    strides: Strides = (8, 16, 32, 64)
    bins: int = Field(default=8, ge=2, le=64)


class YoloxOutput(Settings):
    """One output (1, cells, 5 + classes) still relative to the grid, as YOLOX is exported upstream."""

    kind: Literal["yolox"]
    output: Text
    strides: Strides = (8, 16, 32)


class Yolov8Output(Settings):
    """One output (1, 4 + classes, cells): centre, size in input pixels, then class scores."""

    kind: Literal["yolov8"]
    output: Text


class SsdOutput(Settings):
    """Four outputs of a model that suppresses overlaps itself, as the TensorFlow detection API exports it.

    Attributes:
        boxes: name of the output (1, N, 4), parts of the input's height and width, y1 x1 y2 x2.
        classes: name of the output (1, N).
        scores: name of the output (1, N).
        count: name of the output (1,), how many of the N are objects.
        first_class: the number that stands for the first label.
    """

    kind: Literal["ssd"]
    boxes: Text
    classes: Text
    scores: Text
    count: Text
    first_class: Literal[0, 1] = 1


Output = Annotated[
    NanodetOutput | NanodetPlusOutput | YoloxOutput | Yolov8Output | SsdOutput,
    Field(discriminator="kind"),
]


class Quantisation(Settings):
    """How numbers are stored and multiplied."""

    scheme: Text
    activations: Literal["uint8", "int8"]
    weights: Literal["int8", "uint8"]
    per_channel: bool
    operators: tuple[Text, ...]
    tool: Text


class Calibration(Settings):
    """Which frames the quantisation was fitted to; frames count from 1."""

    clip: Text
    clip_sha256: Sha256
    frames: tuple[int, ...]
    method: Text


class Evaluation(Settings):
    """One measured figure."""

    metric: Text
    data: Text
    fp32: float | None = None
    int8: float | None = None
    value: float | None = None


class ModelCard(Settings):
    """Everything known about one model file; kept as YAML beside it.

    Attributes:
        file: the model's file name, in the card's own folder.
        nms_iou: boxes of one class that overlap more are the same object.
        labels: the name of class i is `labels[i]`.
        rebuild: the command that makes the file again.
    """

    name: Name
    version: Text
    description: Text
    file: FileName
    sha256: Sha256
    size_bytes: int = Field(gt=0)
    source: Source
    licence: Licence
    input: ImageInput
    output: Output
    nms_iou: Score = 0.6
    labels: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(min_length=1, max_length=1000)
    quantisation: Quantisation | None = None
    calibration: Calibration | None = None
    evaluation: tuple[Evaluation, ...] = ()
    rebuild: Text | None = None

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: every label may stand only once")
        return self


def read_card(path: Path) -> ModelCard:
    """Return the card in the YAML file `path`.

    Raises:
        ModelNotFoundError: there is no such file.
        CardInvalidError: the file is not YAML, a key is unknown or a value is not allowed.
    """
    if not path.is_file():
        raise ModelNotFoundError(f"{path}: no such model card; name an existing one")
    try:
        return load_settings(path, ModelCard)
    except SettingsError as exc:
        raise CardInvalidError(str(exc)) from exc


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as YAML that `read_card` reads back to an equal card."""
    document = card.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    path.write_text(text, encoding="utf-8")
