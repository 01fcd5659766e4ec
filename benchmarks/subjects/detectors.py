"""Detectors on the same picture, in turns in one process, one thread each: `detectors ROUNDS [PACKAGES]`.

Prints the median processor milliseconds of each. `detect` is a whole call: scaling, inference, decoding, suppression;
`infer` is the session alone. The last argument is a folder of packages that has OpenVINO and NNCF.
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from benchmarks.harness.clips import STREET
from benchmarks.harness.models import float_model, nncf_model
from winnow.cli.model_sources import read_clip
from winnow.detectors import OnnxDetector, find_card, load_model
from winnow.detectors.card import ModelCard
from winnow.detectors.images import fit_image

FRAME: Final = 300
INT8: Final = "nanodet-g-416-int8"
OUTPUTS: Final = ("scores", "distances")


def main() -> None:
    """Print a JSON object of name → milliseconds."""
    rounds, *packages = sys.argv[1:]
    card, data = load_model(find_card(INT8))
    float_card, float_data = float_model()
    picture = read_clip(STREET, [FRAME]).frames[FRAME]
    canvas = np.zeros((1, card.input.height, card.input.width, 3), np.uint8)
    fit_image(picture, card.input, canvas[0])
    ours, theirs = OnnxDetector(card, data), OnnxDetector(float_card, float_data)
    steps: dict[str, Callable[[], object]] = {
        "winnow INT8, detect": lambda: ours.detect([picture]),
        "winnow FP32, detect": lambda: theirs.detect([picture]),
        "winnow INT8, infer": _session(card, data, canvas),
        "winnow FP32, infer": _session(float_card, float_data, canvas),
    }
    if packages:
        sys.path.append(packages[0])
        steps |= _openvino(data, canvas)
    taken = _in_turns(steps, int(rounds))
    sys.stdout.write("\n" + json.dumps({name: statistics.median(times) for name, times in taken.items()}) + "\n")


def _session(card: ModelCard, data: bytes, canvas: Any) -> Callable[[], object]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(OUTPUTS, {card.input.name: canvas})


def _openvino(data: bytes, canvas: Any) -> dict[str, Callable[[], object]]:
    openvino, nncf = importlib.import_module("openvino"), importlib.import_module("nncf")
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": "1", "PERFORMANCE_HINT": "LATENCY"}

    def step(model: Any) -> Callable[[], object]:
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        return lambda: request.infer([canvas], share_inputs=True, share_outputs=True)

    return {
        "OpenVINO, NNCF's INT8, infer": step(nncf_model(openvino, nncf)),
        "OpenVINO, winnow's INT8, infer": step(core.read_model(data, b"")),
    }


def _in_turns(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for round_number in range(rounds + 3):
        for name, step in steps.items():
            started_s = time.process_time()
            step()
            if round_number >= 3:  # noqa: PLR2004 - three rounds to get warm
                taken[name].append(1000 * (time.process_time() - started_s))
    return taken


if __name__ == "__main__":
    main()
