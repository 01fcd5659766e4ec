"""Each decoder finds the object that was written into a synthetic output, and nothing else."""

import numpy as np
import pytest

from winnow.detectors.card import ModelCard, Output, SsdOutput, YoloxOutput
from winnow.detectors.decoders import Candidates, decode, output_shapes
from winnow.detectors.decoders.cells import cell_corners
from winnow.detectors.decoders.nanodet import decode_nanodet, decode_nanodet_plus
from winnow.detectors.decoders.ssd import decode_ssd
from winnow.detectors.decoders.yolo import decode_yolov8, decode_yolox
from winnow.detectors.testing import fake_card

STRIDES = (8, 16)
CELL = 21
"""Of a 64 x 64 input with stride 8: row 2, column 5, so its corner is at (40, 16)."""


def corners() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the 80 cells of a 64 x 64 input."""
    return cell_corners(64, 64, STRIDES)


def only(candidates: Candidates) -> tuple[list[float], float, int]:
    """Return box, score and class of the one candidate."""
    assert len(candidates.scores) == 1
    assert candidates.boxes_xyxy.dtype == candidates.scores.dtype == np.float32
    assert candidates.class_ids.dtype == np.int32
    return candidates.boxes_xyxy[0].tolist(), float(candidates.scores[0]), int(candidates.class_ids[0])


def binned(sides: list[int], bins: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return (4 x bins,) whose softmax is all in the bins named."""
    distances = np.full((4, bins), -50, np.float32)
    distances[range(4), sides] = 50
    return distances.ravel()


def test_cells_are_listed_row_by_row_finest_first() -> None:
    """The grid has the order in which the heads are flattened."""
    cells = corners()
    assert cells.shape == (3, 8 * 8 + 4 * 4)
    assert cells[:, CELL].tolist() == [40, 16, 8]
    assert cells[:, 64 + 5].tolist() == [16, 16, 16]


def test_nanodet_box_spreads_from_the_cells_centre() -> None:
    """Distances count in strides from the middle of the cell; the score is the logit's sigmoid."""
    logits = np.full((3, 80), -9, np.float32)
    distances = np.zeros((44, 80), np.float32)
    logits[2, CELL] = np.log(0.8 / 0.2)
    distances[:, CELL] = binned([1, 2, 3, 4], 11)
    box, score, class_id = only(decode_nanodet(logits, distances, corners(), 0.5))
    assert box == pytest.approx([44 - 8, 20 - 16, 44 + 24, 20 + 32])
    assert score == pytest.approx(0.8)
    assert class_id == 2


def test_nanodet_distance_is_the_mean_of_its_bins() -> None:
    """Half the weight on bin 2 and half on bin 3 is a distance of 2.5 strides."""
    logits = np.full((1, 80), -9, np.float32)
    logits[0, CELL] = 3
    distances = np.full((4, 11, 80), -50, np.float32)
    distances[:, 2:4, CELL] = 50
    box, _, _ = only(decode_nanodet(logits, distances.reshape(44, 80), corners(), 0.5))
    assert box == pytest.approx([44 - 20, 20 - 20, 44 + 20, 20 + 20])


@pytest.mark.parametrize(("min_score", "count"), [(0.0, 80), (0.5, 40), (0.51, 0), (1.0, 0)])
def test_nanodet_threshold_counts_what_reaches_it(min_score: float, count: int) -> None:
    """A cell that scores exactly the threshold is in; 0 lets all in, 1 none."""
    logits = np.full((2, 80), -9, np.float32)
    logits[1, :40] = 0
    found = decode_nanodet(logits, np.zeros((44, 80), np.float32), corners(), min_score)
    assert len(found.scores) == count


def test_nanodet_plus_box_spreads_from_the_cells_corner() -> None:
    """The Plus variant measures from the cell's left upper corner and gives scores, not logits."""
    output = np.zeros((80, 2 + 32), np.float32)
    output[CELL, 1] = 0.7
    output[CELL, 2:] = binned([1, 1, 2, 2], 8)
    box, score, class_id = only(decode_nanodet_plus(output, 2, corners(), 0.5))
    assert box == pytest.approx([32, 8, 56, 32])
    assert score == pytest.approx(0.7)
    assert class_id == 1


def test_yolox_centre_and_size_are_relative_to_the_cell() -> None:
    """Centre in strides from the corner, size as a logarithm of strides, score times objectness."""
    output = np.zeros((80, 5 + 3), np.float32)
    output[CELL] = [0.5, 0.25, np.log(2), np.log(3), 0.9, 0.1, 0.8, 0.2]
    box, score, class_id = only(decode_yolox(output, corners(), 0.5))
    assert box == pytest.approx([44 - 8, 18 - 12, 44 + 8, 18 + 12], rel=1e-5)
    assert score == pytest.approx(0.72)
    assert class_id == 1


def test_yolov8_gives_centre_and_size_in_pixels() -> None:
    """Columns are objects; their rows are centre, size and class scores."""
    output = np.zeros((4 + 2, 10), np.float32)
    output[:, 3] = [30, 40, 10, 20, 0.1, 0.6]
    box, score, class_id = only(decode_yolov8(output, 0.5))
    assert box == [25, 30, 35, 50]
    assert score == pytest.approx(0.6)
    assert class_id == 1


@pytest.mark.parametrize("count", [2, 99, -1])
def test_ssd_reads_only_the_rows_that_are_filled(count: int) -> None:
    """A count beyond the rows reads all of them, a negative one none; boxes are y before x, in parts of the input."""
    boxes = np.tile(np.array([0.25, 0.5, 0.75, 1], np.float32), (3, 1))
    outputs = (boxes, np.array([1, 2, 2], np.float32), np.array([0.9, 0.3, 0.8], np.float32), np.float32(count))
    spec = SsdOutput(kind="ssd", boxes="b", classes="c", scores="s", count="n")
    found = decode_ssd((*outputs[:3], np.asarray(outputs[3])), spec, width=200, height=100, min_score=0.5)
    expected = {2: [0], 99: [0, 1], -1: []}[count]
    assert found.class_ids.tolist() == expected
    assert all(box == [100, 25, 200, 75] for box in found.boxes_xyxy.tolist())


@pytest.mark.parametrize(
    "output",
    [
        {"kind": "nanodet", "scores": "s", "distances": "d"},
        {"kind": "nanodet-plus", "output": "o"},
        {"kind": "yolox", "output": "o"},
        {"kind": "yolov8", "output": "o"},
        {"kind": "ssd", "boxes": "b", "classes": "c", "scores": "s", "count": "n"},
    ],
)
def test_every_family_decodes_outputs_of_the_shapes_it_asks_for(output: Output) -> None:
    """All zeros, in the shapes that the card leads to, are decoded and contain nothing that scores."""
    card = ModelCard.model_validate(fake_card().model_dump() | {"output": output})
    outputs = [np.zeros([size or 5 for size in shape], np.float32) for shape in output_shapes(card).values()]
    found = decode(outputs, card, 0.6)
    assert found.boxes_xyxy.shape == (0, 4)
    assert len(found.scores) == len(found.class_ids) == 0


def test_cells_of_another_size_are_counted_for_the_card() -> None:
    """The number of cells follows from input size and strides."""
    card = fake_card().model_copy(update={"output": YoloxOutput(kind="yolox", output="o")})
    assert output_shapes(card) == {"o": (52 * 52 + 26 * 26 + 13 * 13, 5 + 2)}
