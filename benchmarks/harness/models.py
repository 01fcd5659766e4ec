"""The detector in float32, which is not shipped, and in INT8 as NNCF makes it: built once into a temporary folder."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.harness.clips import STREET
from benchmarks.harness.tools import ToolMissingError
from winnow.cli.model_build import CALIBRATION_FRAMES, save_model
from winnow.cli.model_sources import fetch_package, read_clip
from winnow.detectors import find_card, load_model
from winnow.detectors.building import nanodet_g
from winnow.detectors.building.recipe import INPUT, build_float
from winnow.detectors.card import ModelCard
from winnow.detectors.errors import ModelBuildError
from winnow.detectors.images import fit_image

FLOAT_CARD: Final = "nanodet-g-416-fp32.yaml"


def folder() -> Path:
    """Return where models are kept between runs."""
    path = Path(tempfile.gettempdir()) / f"winnow-bench-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def float_card() -> Path:
    """Return the card of the float32 model, built by the project's own recipe.

    Raises:
        ToolMissingError: its weights cannot be fetched.
    """
    card = folder() / FLOAT_CARD
    if not card.exists():
        members = (nanodet_g.TOPOLOGY_FILE, nanodet_g.WEIGHTS_FILE)
        try:
            save_model(build_float(fetch_package(nanodet_g.PACKAGE, nanodet_g.PACKAGE_INTEGRITY, members)), folder())
        except ModelBuildError as exc:
            raise ToolMissingError(f"no float32 model to compare with: {exc}") from exc
    return card


def float_model() -> tuple[ModelCard, bytes]:
    """Return the float32 model; see `float_card`."""
    return load_model(find_card(str(float_card())))


def nncf_model(openvino: Any, nncf: Any) -> Any:
    """Return the float32 model as NNCF quantises it with its defaults and our calibration frames."""
    path = folder() / f"nanodet-g-nncf-{nncf.__version__}.xml"
    if not path.exists():
        model = openvino.Core().read_model(folder() / "nanodet-g-416-fp32.onnx")
        frames = read_clip(STREET, CALIBRATION_FRAMES).frames
        inputs = []
        for number in sorted(frames):
            canvas = np.zeros((1, INPUT.height, INPUT.width, 3), np.uint8)
            fit_image(frames[number], INPUT, canvas[0])
            inputs.append(canvas)
        quantised = nncf.quantize(model, nncf.Dataset(inputs), subset_size=len(inputs))
        openvino.save_model(quantised, path)
    return openvino.Core().read_model(path)
