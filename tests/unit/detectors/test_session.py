"""A session runs exactly what its card describes, and refuses everything else when it is loaded."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from winnow.detectors import ModelCard, ModelRefusedError, OnnxDetector
from winnow.detectors.errors import ModelShapeError, ModelUnloadableError
from winnow.detectors.testing import fake_card

SIZE = 64


def bright_box_model(batch: int | str = 1, *, dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Return a model in the style of YOLOv8 that finds one `car`, its score the brightness of the image."""
    image = helper.make_tensor_value_info("image", dtype, [batch, 3, SIZE, SIZE])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 6, 1])
    weights = np.zeros((6, 1), np.float32)
    weights[5] = 1 / 255
    shift = np.array([[32], [16], [64], [32], [0], [0]], np.float32)
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(shift, "shift"),
        numpy_helper.from_array(np.array([0, 1, 1], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["brightness"]),
        helper.make_node("MatMul", ["weights", "brightness"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "bright", [image], [output], initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def card(**changes: Any) -> ModelCard:
    """Return the card of that model, changed."""
    plain = fake_card().model_dump()
    plain["input"] |= {"width": SIZE, "height": SIZE, "fit": "stretch"}
    return ModelCard.model_validate(plain | changes)


def grey(value: int, shape: tuple[int, int] = (32, 128)) -> NDArray[np.uint8]:
    """Return an image of one grey."""
    return np.full((*shape, 3), value, np.uint8)


@pytest.mark.parametrize("batch", [1, "batch"])
def test_every_image_gets_its_own_answer_in_order(batch: int | str) -> None:
    """One by one or as a batch, answer i belongs to image i, in that image's pixels."""
    detector = OnnxDetector(card(), bright_box_model(batch).SerializeToString())
    answers = detector.detect([grey(255), grey(51, (64, 64)), grey(0), grey(102)])
    scores = [[round(score, 3) for score in answer.scores.tolist()] for answer in answers]
    assert scores == [[1.0], [0.2], [], [0.4]]
    assert answers[0].boxes_xyxy.tolist() == [[0, 0, 128, 16]]
    assert answers[1].boxes_xyxy.tolist() == [[0, 0, 64, 32]]
    assert answers[0].class_ids.tolist() == [1]
    assert detector.detect([]) == []


def test_objects_below_the_threshold_are_left_out() -> None:
    """The threshold handed in decides, and the default is low."""
    data = bright_box_model().SerializeToString()
    assert len(OnnxDetector(card(), data, min_score=0.5).detect([grey(100)])[0]) == 0
    assert len(OnnxDetector(card(), data, min_score=0.3).detect([grey(100)])[0]) == 1
    assert len(OnnxDetector(card(), data).detect([grey(30)])[0]) == 1


def test_bytes_go_in_as_they_are() -> None:
    """A model that takes uint8 gets the pixels unchanged."""
    spec = card().input.model_copy(update={"dtype": "uint8"})
    data = bright_box_model(dtype=TensorProto.UINT8).SerializeToString()
    (answer,) = OnnxDetector(card(input=spec.model_dump()), data).detect([grey(204)])
    assert answer.scores.tolist() == pytest.approx([0.8])


def test_class_without_a_label_is_left_out() -> None:
    """A number that the card has no label for never reaches the caller."""
    spec = {"kind": "ssd", "boxes": "b", "classes": "c", "scores": "s", "count": "n"}
    data = ssd_model(classes=[0, 1, 2, 3]).SerializeToString()
    (answer,) = OnnxDetector(card(output=spec), data).detect([grey(0)])
    assert sorted(answer.class_ids.tolist()) == [0, 1]


def ssd_model(classes: list[int]) -> onnx.ModelProto:
    """Return a model that always finds the same objects, one of each class given, side by side."""
    count = len(classes)
    boxes = [[0.0, index / count, 1.0, (index + 1) / count] for index in range(count)]
    found = {"b": np.array([boxes]), "c": np.array([classes]), "s": np.full((1, count), 0.9), "n": np.array([count])}
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    constants = [numpy_helper.from_array(value.astype(np.float32), f"{name}0") for name, value in found.items()]
    nodes = [helper.make_node("Identity", [f"{name}0"], [name]) for name in found]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(value.shape)) for name, value in found.items()
    ]
    graph = helper.make_graph(nodes, "ssd", [image], outputs, initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"input": {"name": "picture", "width": SIZE, "height": SIZE}}, "picture"),
        ({"input": {"name": "image", "width": SIZE, "height": 96}}, "96"),
        ({"input": {"name": "image", "width": SIZE, "height": SIZE, "layout": "nhwc"}}, "image"),
        ({"input": {"name": "image", "width": SIZE, "height": SIZE, "dtype": "uint8"}}, "uint8"),
        ({"output": {"kind": "yolov8", "output": "boxes"}}, "no output boxes"),
        ({"output": {"kind": "yolox", "output": "output"}}, "output"),
        ({"labels": ["person", "car", "bus"]}, "correct labels"),
    ],
)
def test_card_that_does_not_match_the_model_is_refused(changes: dict[str, object], complaint: str) -> None:
    """Name, size, layout, number type, outputs and number of labels are checked when the model is loaded."""
    with pytest.raises(ModelShapeError, match=complaint):
        OnnxDetector(card(**changes), bright_box_model().SerializeToString())


def test_model_for_fixed_batches_is_refused() -> None:
    """A model that only takes four images at once cannot serve a camera."""
    with pytest.raises(ModelShapeError, match="1 or any"):
        OnnxDetector(card(), bright_box_model(4).SerializeToString())


def test_model_that_the_runtime_refuses_is_named() -> None:
    """An operator that does not exist, and nodes that contradict each other, are reported as one line."""
    model = bright_box_model()
    model.graph.node[0].op_type = "DoesNotExist"
    with pytest.raises(ModelUnloadableError, match=r"fake\.onnx") as caught:
        OnnxDetector(card(), model.SerializeToString())
    assert "\n" not in str(caught.value)


def test_model_that_fails_when_run_is_refused_at_loading() -> None:
    """Shapes that only clash at run time are found by a trial run, not by the first camera frame."""
    model = bright_box_model("batch")
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.array([7, 3], np.int64), "shape"))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    with pytest.raises(ModelRefusedError):
        OnnxDetector(card(), model.SerializeToString())
