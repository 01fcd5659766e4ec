"""Models as tables for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from winnow.detectors.card import Evaluation, ModelCard
from winnow.detectors.detections import Detections


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """Times of two models with the same number of threads, in milliseconds an image."""

    threads: int
    reference_ms: float
    model_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster the model is than the reference."""
        return self.reference_ms / self.model_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """One object as programs read it; the box is x1, y1, x2, y2 in pixels of the image."""

    label: str
    score: float
    box_xyxy: tuple[float, ...]


def list_table(cards: Sequence[ModelCard]) -> Table:
    """Return one row a model."""
    table = Table("model", "version", "input", "labels", "size", "licence")
    table.columns[0].no_wrap = True
    for card in cards:
        size = f"{card.size_bytes / 1e6:.1f} MB"
        shape = f"{card.input.width} x {card.input.height}"
        table.add_row(card.name, card.version, shape, str(len(card.labels)), size, card.licence.spdx)
    return table


def card_table(card: ModelCard) -> Table:
    """Return the card as key and value."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    spec = card.input
    rows = {
        "name": f"{card.name} {card.version}",
        "what": card.description,
        "file": f"{card.file}, {card.size_bytes} bytes",
        "sha256": card.sha256,
        "weights": card.source.weights,
        "upstream": card.source.upstream,
        "licence": f"{card.licence.spdx}. {card.licence.notice}",
        "input": f"{spec.width} x {spec.height}, {spec.dtype}, {spec.channels}, {spec.fit}",
        "decoder": f"{card.output.kind}, overlaps suppressed above {card.nms_iou}",
        "labels": ", ".join(card.labels),
    }
    if card.quantisation is not None:
        how = card.quantisation
        rows["quantised"] = f"{how.scheme}; activations {how.activations}, weights {how.weights}; {how.tool}"
    if card.calibration is not None:
        rows["calibrated on"] = f"{len(card.calibration.frames)} frames of {card.calibration.clip}"
    for key, value in rows.items():
        table.add_row(key, value)
    for figure in card.evaluation:
        table.add_row("measured", evaluation_line(figure))
    if card.rebuild is not None:
        table.add_row("rebuild", card.rebuild)
    return table


def evaluation_line(figure: Evaluation) -> str:
    """Return a measured figure as one line."""
    numbers = {"FP32": figure.fp32, "INT8": figure.int8, "value": figure.value}
    shown = ", ".join(f"{name} {number}" for name, number in numbers.items() if number is not None)
    return f"{figure.metric} ({figure.data}): {shown}"


def bench_table(reference: str, model: str, rows: Sequence[BenchRow]) -> Table:
    """Return one row for each number of threads."""
    table = Table("threads", f"{reference}, ms", f"{model}, ms", "times faster")
    for row in rows:
        table.add_row(str(row.threads), f"{row.reference_ms:.1f}", f"{row.model_ms:.1f}", f"{row.ratio:.2f}")
    return table


def found_objects(detections: Detections, labels: Sequence[str]) -> list[FoundObject]:
    """Return the objects of an image with their labels, the best first."""
    rows = zip(detections.boxes_xyxy.tolist(), detections.scores.tolist(), detections.class_ids, strict=True)
    return [
        FoundObject(label=labels[class_id], score=round(score, 4), box_xyxy=tuple(round(edge, 1) for edge in box))
        for box, score, class_id in rows
    ]


def objects_table(objects: Sequence[FoundObject]) -> Table:
    """Return one row an object; boxes in pixels."""
    table = Table("label", "score", "x1", "y1", "x2", "y2")
    for found in objects:
        table.add_row(found.label, f"{found.score:.2f}", *(f"{edge:.0f}" for edge in found.box_xyxy))
    return table
