"""A quantised model runs on integers and still gives nearly the same numbers."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from winnow.detectors.building.graph import GraphWriter
from winnow.detectors.building.quantise import quantise

DRAW = np.random.default_rng(5)
IMAGES = [DRAW.integers(0, 256, (1, 16, 16, 3), np.uint8) for _ in range(4)]


def small_model() -> onnx.ModelProto:
    """Return two convolutions whose activations are joined, on bytes with zero point 100."""
    writer = GraphWriter()
    writer.node("Transpose", ["image"], "image_nchw", perm=[0, 3, 1, 2])
    scale = writer.constant("scale", np.array(1, np.float32))
    zero = writer.constant("zero", np.array(100, np.uint8))
    writer.node("DequantizeLinear", ["image_nchw", scale, zero], "pixels")
    parts = []
    for number, size in enumerate((1, 5)):
        weights = writer.constant(f"weights{number}", size * DRAW.standard_normal((8, 3, 3, 3)).astype(np.float32))
        bias = writer.constant(f"bias{number}", DRAW.standard_normal(8).astype(np.float32))
        writer.node("Conv", ["pixels", weights, bias], f"sum{number}", pads=[1, 1, 1, 1])
        parts.append(writer.node("LeakyRelu", [f"sum{number}"], f"part{number}", alpha=0.1))
    writer.node("Concat", parts, "joined", axis=1)
    return writer.model("image", (1, 16, 16, 3), ["joined"])


@pytest.fixture(scope="module")
def models() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return the model before and after."""
    before = small_model()
    return before, quantise(before, IMAGES)


def run(model: onnx.ModelProto) -> NDArray[np.float32]:
    """Return the output for the first image."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {"image": IMAGES[0]})[0]
    return output


def test_integer_model_gives_nearly_the_same(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """The error stays below a hundredth of the range of values."""
    before, after = (run(model) for model in models)
    assert np.abs(before - after).max() < 0.01 * np.ptp(before)
    assert np.abs(before - after).max() > 0


def test_image_keeps_its_bytes(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """Convolutions read the image through the DequantizeLinear that was there, with nothing rounded in between."""
    makers = {output: node for node in models[1].graph.node for output in node.output}
    readers = [node for node in models[1].graph.node if node.op_type == "Conv"]
    assert [makers[node.input[0]].op_type for node in readers] == ["DequantizeLinear"] * 2
    assert [list(makers[node.input[0]].input) for node in readers] == [["image_nchw", "scale", "zero"]] * 2


def test_joined_parts_share_one_scale(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """Both parts of a concatenation, though of different range, have the scale of the result."""
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in models[1].graph.initializer}
    assert constants["part0_scale"] == constants["part1_scale"] == constants["joined_scale"]


def test_same_input_gives_the_same_bytes(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """Quantising twice gives the same file."""
    again = quantise(models[0], IMAGES)
    assert again.SerializeToString(deterministic=True) == models[1].SerializeToString(deterministic=True)
