"""A detector that runs a model file with onnxruntime."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import ImageInput, ModelCard
from winnow.detectors.decoders import decode, output_names, output_shapes
from winnow.detectors.detections import Detections
from winnow.detectors.detector import DEFAULT_MIN_SCORE
from winnow.detectors.errors import ModelShapeError, ModelUnloadableError
from winnow.detectors.images import Placement, check_image, fit_image, pack_input
from winnow.detectors.model_file import inspect_model
from winnow.detectors.onnx_runtime import ort, ort_errors
from winnow.detectors.suppression import suppress_overlaps

Floats = NDArray[np.float32]

FATAL_ONLY: Final = 4
ELEMENT_TYPES: Final = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
REFUSALS: Final = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxDetector:
    """Finds objects with one onnxruntime session on the CPU. One instance serves one thread at a time.

    With one thread, the default, all work is done in the caller's thread. More threads wait without spinning: a
    spinning thread burns a core between two frames.
    """

    def __init__(
        self, card: ModelCard, model: bytes, *, min_score: float = DEFAULT_MIN_SCORE, threads: int = 1
    ) -> None:
        """Load a model.

        Args:
            card: what the model takes and gives.
            model: the bytes of the ONNX file.
            min_score: objects below are not reported, 0..1.
            threads: that share one inference; 0 for one a core.

        Raises:
            ModelRefusedError: the bytes are no model, are unsafe, do not run, or do not match the card.
        """
        inspect_model(card.file, model)
        self._card = card
        self._min_score = min_score
        self._outputs = output_names(card)
        self._session = _load(card, model, threads)
        self._takes_batches = _check_interface(card, self._session)
        self._canvas = np.zeros((1, card.input.height, card.input.width, 3), np.uint8)
        self._try_out()

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return self._card

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return one `Detections` for each image, in the order of the images; see `Detector`."""
        for image in images:
            check_image(image)
        return [self._detections(outputs, placement) for placement, outputs in self._infer(images)]

    def _infer(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[Placement, list[Floats]]]:
        groups = [images] if self._takes_batches and images else [[image] for image in images]
        return chain.from_iterable(self._infer_together(group) for group in groups)

    def _infer_together(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Placement, list[Floats]]]:
        spec = self._card.input
        canvases = self._canvas if len(images) == 1 else np.empty((len(images), *self._canvas.shape[1:]), np.uint8)
        placements = [fit_image(image, spec, canvas) for image, canvas in zip(images, canvases, strict=True)]
        outputs = self._run(pack_input(canvases, spec))
        return [(placement, [output[i] for output in outputs]) for i, placement in enumerate(placements)]

    def _run(self, packed: NDArray[np.uint8] | NDArray[np.float32]) -> list[Floats]:
        outputs: list[Floats] = self._session.run(self._outputs, {self._card.input.name: packed})
        return outputs

    def _detections(self, outputs: list[Floats], placement: Placement) -> Detections:
        candidates = decode(outputs, self._card, self._min_score)
        kept = suppress_overlaps(candidates, self._card.nms_iou)
        boxes = placement.to_source(candidates.boxes_xyxy[kept])
        classes = candidates.class_ids[kept]
        usable = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])  # false beside the image, and for NaN
        usable &= (classes >= 0) & (classes < len(self._card.labels))
        return Detections(boxes_xyxy=boxes[usable], scores=candidates.scores[kept][usable], class_ids=classes[usable])

    def _try_out(self) -> None:
        """Run once on a black image: shapes that only appear at run time are checked, and the session is warm."""
        try:
            outputs = self._run(pack_input(self._canvas, self._card.input))
        except REFUSALS as exc:
            raise ModelUnloadableError(f"{self._card.file}: fails when run: {_first_line(exc)}") from exc
        for (name, wanted), output in zip(output_shapes(self._card).items(), outputs, strict=True):
            given = output.shape[1:]
            fits = len(given) == len(wanted) and all(w in (None, g) for w, g in zip(wanted, given, strict=True))
            if not fits or output.dtype != np.float32:
                raise ModelShapeError(
                    f"{self._card.file}: output {name!r} is {output.dtype} {given} an image, its card means "
                    f"float32 {wanted}; correct labels, size or output in the card"
                )


def _load(card: ModelCard, model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except REFUSALS as exc:
        raise ModelUnloadableError(f"{card.file}: onnxruntime refuses it: {_first_line(exc)}") from exc


def _check_interface(card: ModelCard, session: ort.InferenceSession) -> bool:
    """Return whether the model takes several images at once; refuse inputs and outputs that the card does not name."""
    given = [(entry.name, entry.type, entry.shape) for entry in session.get_inputs()]
    name, wanted = card.input.name, _image_shape(card.input)
    if [entry[0] for entry in given] != [name] or given[0][1] != ELEMENT_TYPES[card.input.dtype]:
        raise ModelShapeError(f"{card.file}: inputs are {given}, its card means {name!r} of {card.input.dtype}")
    batch, *shape = given[0][2]
    is_fixed = isinstance(batch, int)
    matches = len(shape) == len(wanted) and all(
        not isinstance(size, int) or size == expected for size, expected in zip(shape, wanted, strict=True)
    )
    if not matches or (is_fixed and batch != 1):
        raise ModelShapeError(f"{card.file}: input {name!r} is {given[0][2]}, its card means (1 or any, {wanted})")
    missing = set(output_names(card)) - {entry.name for entry in session.get_outputs()}
    if missing:
        raise ModelShapeError(f"{card.file}: has no output {', '.join(sorted(missing))}; correct output in the card")
    return not is_fixed


def _image_shape(spec: ImageInput) -> tuple[int, int, int]:
    return (spec.height, spec.width, 3) if spec.layout == "nhwc" else (3, spec.height, spec.width)


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0][:300]
