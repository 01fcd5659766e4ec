"""P3: the INT8 detector beside our FP32 and OpenVINO's INT8, and what it costs in accuracy.

Accuracy needs a file with the people of the street clip (`--truth FILE`, lines of `frame,id,x,y,width,height`), whose
licence keeps it out of this project; without it the model card's figures are shown, as measured when it was built.
"""

import sys
from pathlib import Path
from typing import Final

from benchmarks.harness.clips import STREET
from benchmarks.harness.cost import run_program
from benchmarks.harness.models import float_card, float_model
from benchmarks.harness.report import Report, Target
from benchmarks.harness.tools import ToolMissingError, site_packages
from winnow.cli.model_build import CHECK_FRAMES
from winnow.cli.model_sources import read_clip, read_truth
from winnow.detectors import OnnxDetector, find_card, load_model
from winnow.detectors.building.recipe import compare
from winnow.detectors.card import Evaluation

ROUNDS: Final = 150
INT8: Final = "nanodet-g-416-int8"
OPENVINO: Final = "OpenVINO, NNCF's INT8, infer"
AP50: Final = "AP50 of people"


def measure(truth: Path | None = None) -> Report:
    """Return processor time of one picture for each detector, and AP50 of FP32 and INT8."""
    notes: list[str] = []
    times = _times(notes)
    rows = [(name, f"{spent_ms:.2f}") for name, spent_ms in times.items()]
    ratios = {
        f"FP32 ÷ INT8, {part}": _ratio(times, f"winnow FP32, {part}", f"winnow INT8, {part}")
        for part in ("detect", "infer")
    }
    targets = [
        Target(number="P3", what=what, measured=ratio, limit=2.8, bound="at least") for what, ratio in ratios.items()
    ]
    against = _ratio(times, "winnow INT8, infer", OPENVINO)
    targets.append(
        Target(number="P3", what="INT8 ÷ OpenVINO with NNCF's INT8", measured=against, limit=1.05, bound="at most")
    )
    judged = _accuracy(truth, notes)
    if judged is not None and judged.fp32 is not None and judged.int8 is not None:
        rows.append((f"{AP50}, FP32 / INT8 ({judged.data})", f"{judged.fp32:.4f} / {judged.int8:.4f}"))
        lost = 100 * (judged.fp32 - judged.int8)
        targets.append(Target(number="P3", what="AP50 lost, points", measured=lost, limit=1, bound="at most"))
    return Report(
        title=f"Detector, one thread, one 768×576 picture, median of {ROUNDS} rounds in turns",
        columns=("detector", "CPU ms, or AP50"),
        rows=rows,
        targets=targets,
        notes=[*notes, "detect: scaling, inference, decoding, suppression; infer: the session alone"],
    )


def _times(notes: list[str]) -> dict[str, float]:
    command = ["-m", "benchmarks.subjects.detectors", str(ROUNDS)]
    try:
        float_card()
    except ToolMissingError as missing:
        notes.append(str(missing))
        return {}
    try:
        command.append(str(site_packages()))
    except ToolMissingError as missing:
        notes.append(str(missing))
    return {str(name): float(spent_ms) for name, spent_ms in run_program([sys.executable, *command]).said.items()}


def _accuracy(truth: Path | None, notes: list[str]) -> Evaluation | None:
    """Return AP50, measured now if there is a truth."""
    card, data = load_model(find_card(INT8))
    figures = card.evaluation
    if truth is None:
        notes.append("AP50 is the model card's: measure it again with --truth")
    else:
        before, after = (OnnxDetector(*model, min_score=0.05) for model in (float_model(), (card, data)))
        figures = compare(before, after, read_clip(STREET, CHECK_FRAMES), read_truth(truth))
    return next((one for one in figures if one.metric == AP50), None)


def _ratio(times: dict[str, float], over: str, under: str) -> float | None:
    return times[over] / times[under] if over in times and under in times else None
