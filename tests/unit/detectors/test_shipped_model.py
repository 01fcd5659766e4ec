"""The model in the package is the file its card describes, and runs on integers from end to end."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest

from winnow.detectors import DEFAULT_MODEL, ModelCard, ModelNotFoundError, bundled_models, find_card, load_model
from winnow.detectors.catalogue import MODELS_FOLDER
from winnow.detectors.model_file import inspect_model


@pytest.fixture(scope="module")
def shipped() -> tuple[ModelCard, bytes]:
    """Return the default model."""
    return load_model(find_card(DEFAULT_MODEL))


def test_every_bundled_card_matches_its_file() -> None:
    """Name, checksum and size agree, and the licences it names are there."""
    for path in bundled_models():
        card, data = load_model(path)
        assert card.name == path.stem
        assert card.size_bytes == len(data)
        inspect_model(card.file, data)
        assert card.licence.files
        assert all((MODELS_FOLDER / name).stat().st_size > 500 for name in card.licence.files)


def test_default_model_knows_the_labels_of_coco(shipped: tuple[ModelCard, bytes]) -> None:
    """Eighty labels, in COCO's order."""
    labels = shipped[0].labels
    assert len(labels) == 80
    assert (labels[0], labels[2], labels[7], labels[79]) == ("person", "car", "truck", "toothbrush")


def test_card_tells_how_the_model_was_made(shipped: tuple[ModelCard, bytes]) -> None:
    """Calibration frames, figures and the command are in the card, and INT8 lost at most a point of AP50."""
    card = shipped[0]
    assert card.calibration is not None
    assert len(card.calibration.frames) == 40
    assert card.rebuild is not None
    (people,) = [figure for figure in card.evaluation if figure.metric.startswith("AP50")]
    assert people.fp32 is not None
    assert people.int8 is not None
    assert people.fp32 - people.int8 <= 0.01


def test_every_convolution_runs_on_integers(shipped: tuple[ModelCard, bytes], tmp_path: Path) -> None:
    """After onnxruntime's optimisation no float convolution is left, and images are not turned into floats."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    ort.InferenceSession(shipped[1], options, providers=["CPUExecutionProvider"])
    before = Counter(node.op_type for node in onnx.load_from_string(shipped[1]).graph.node)
    after = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert before["Conv"] == 37
    assert after["QLinearConv"] == before["Conv"]
    assert not [operator for operator in after if "Conv" in operator and operator != "QLinearConv"]
    assert after["QLinearLeakyRelu"] == before["LeakyRelu"]


def test_detectors_load_without_the_onnx_package() -> None:
    """An edge box has onnxruntime only: neither the package nor a detector imports onnx."""
    program = "import sys; from winnow.detectors import open_detector; open_detector(); print('onnx' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "False"


def test_unknown_name_lists_what_there_is() -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(ModelNotFoundError, match=DEFAULT_MODEL):
        find_card("nanodet-x")


def test_model_file_stands_for_its_card(tmp_path: Path) -> None:
    """Naming the .onnx file finds the card beside it."""
    assert find_card(str(tmp_path / "mine.onnx")) == tmp_path / "mine.yaml"
