"""A converted graph computes what TensorFlow defines, checked against sums written out in numpy."""

import base64
from collections.abc import Mapping
from itertools import product
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from winnow.detectors.building.convert import CHANNELS_FIRST, Converter, Tensor
from winnow.detectors.building.graph import GraphWriter
from winnow.detectors.building.rearrange import pack_columns, pool_before_activation
from winnow.detectors.building.tfjs import Json, TfGraph, TfNode
from winnow.detectors.errors import ModelBuildError

SIZE: Final = 8
ZERO: Final = 100
SCALE: Final = np.array([0.5, 0.25, 0.125], np.float32)
SHIFT: Final = np.array([1, -2, 3], np.float32)
DRAW: Final = np.random.default_rng(3)
IMAGE: Final = DRAW.integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
WEIGHTS: Final = DRAW.standard_normal((3, 3, 3, 6), np.float32)
BIAS: Final = DRAW.standard_normal(6, np.float32)

Floats = NDArray[np.float32]


def node(name: str, operator: str, *inputs: str, **attributes: Json) -> TfNode:
    """Return a TensorFlow node."""
    return TfNode(name=name, operator=operator, inputs=inputs, attributes=attributes)


def listed(*numbers: int) -> Json:
    """Return a list attribute."""
    return {"list": {"i": [str(number) for number in numbers]}}


def text(value: str) -> Json:
    """Return a text attribute."""
    return {"s": base64.b64encode(value.encode()).decode()}


WINDOW: Final[Mapping[str, Json]] = {"padding": text("VALID"), "strides": listed(1, 2, 2, 1)}
CONVOLVED: Final = (
    node("x", "Placeholder"),
    node("padded", "Pad", "x", "pads"),
    node("nhwc", "Transpose", "padded", "to_last"),
    node("product", "Conv2D", "nhwc", "weights", dilations=listed(1, 1, 1, 1), **WINDOW),
    node("sum", "Add", "product", "bias"),
    node("nchw", "Transpose", "sum", "to_first"),
)
ACTIVATED: Final = (*CONVOLVED, node("leaky", "LeakyRelu", "nchw", alpha={"f": 0.1}))
CONSTANTS: Final[Mapping[str, NDArray[np.generic]]] = {
    "pads": np.array([[0, 0], [0, 0], [1, 1], [1, 1]], np.int32),
    "to_last": np.array([0, 2, 3, 1], np.int32),
    "to_first": np.array([0, 3, 1, 2], np.int32),
    "weights": WEIGHTS,
    "bias": BIAS,
    "infinite": np.array(-np.inf, np.float32),
    "axis": np.array(1, np.int32),
    "sizes": np.array([2, 4], np.int32),
    "larger": np.array([8, 8], np.int32),
}


def converted(nodes: tuple[TfNode, ...], *wanted: str) -> onnx.ModelProto:
    """Return these nodes as an ONNX model with the wanted tensors as outputs."""
    writer = GraphWriter()
    writer.node("Transpose", ["image"], "image_nchw", perm=[0, 3, 1, 2])
    scale = writer.constant("scale", np.array(1, np.float32))
    zero = writer.constant("zero", np.array(ZERO, np.uint8))
    writer.node("DequantizeLinear", ["image_nchw", scale, zero], "pixels")
    pixels = Tensor(name="pixels", channels=3, axes=CHANNELS_FIRST, scale=SCALE, shift=SHIFT)
    outputs = Converter(TfGraph(nodes=nodes, constants=CONSTANTS), writer, pixels).convert(wanted)
    return writer.model("image", IMAGE.shape, outputs)


def run(model: onnx.ModelProto) -> list[Floats]:
    """Return the outputs for the test image."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs: list[Floats] = session.run(None, {"image": IMAGE})
    return outputs


def convolved() -> Floats:
    """Return (1, 6, 4, 4): padding with the zero of the pixels, normalisation, convolution and bias, written out."""
    pixels = np.pad(IMAGE[0].astype(np.float32) - ZERO, ((1, 1), (1, 1), (0, 0))) * SCALE + SHIFT
    result = np.zeros((1, 6, 4, 4), np.float32)
    for row, column in product(range(4), range(4)):
        window = pixels[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
        result[0, :, row, column] = np.einsum("hwi,hwio->o", window, WEIGHTS) + BIAS
    return result


def leaky(values: Floats) -> Floats:
    """Return what the leaky rectifier makes of the values."""
    return np.where(values < 0, values * np.float32(0.1), values)


def test_normalisation_padding_and_bias_are_in_the_convolution() -> None:
    """One Conv is all that is left, and it computes the sum written out."""
    model = converted(CONVOLVED, "nchw")
    assert [one.op_type for one in model.graph.node] == ["Transpose", "DequantizeLinear", "Conv"]
    assert run(model)[0] == pytest.approx(convolved(), rel=1e-4, abs=1e-3)


def test_split_channels_become_convolutions_of_their_own() -> None:
    """Each part of a split has its own Conv, so that each can have its own scale when quantised."""
    split = node("parts", "SplitV", "nchw", "sizes", "axis")
    model = converted((*CONVOLVED, split), "parts", "parts:1")
    assert [one.op_type for one in model.graph.node].count("Conv") == 2
    first, second = run(model)
    assert np.concatenate([first, second], axis=1) == pytest.approx(convolved(), rel=1e-4, abs=1e-3)
    assert first.shape[1] == 2


def test_unwanted_nodes_are_left_out() -> None:
    """Only what leads to the wanted tensors is converted; operations after them may be anything."""
    beyond = node("strange", "NonMaxSuppressionV9", "nchw")
    assert len(converted((*CONVOLVED, beyond), "nchw").graph.node) == 3


def test_pool_joins_and_resize_keep_the_layout() -> None:
    """Pools, concatenations, additions and resizes are found again in ONNX's layout."""
    nodes = (
        *ACTIVATED,
        node("double", "Add", "leaky", "leaky"),
        node("joined", "ConcatV2", "leaky", "double", "axis"),
        node("joined_nhwc", "Transpose", "joined", "to_last"),
        node("resized", "ResizeBilinear", "joined_nhwc", "larger", half_pixel_centers={"b": True}),
    )
    joined, resized = run(converted(nodes, "joined", "resized"))
    expected = leaky(convolved())
    assert joined == pytest.approx(np.concatenate([expected, 2 * expected], axis=1), rel=1e-4, abs=1e-3)
    assert resized.shape == (1, 12, 8, 8)
    assert resized[0, :, 0, 0] == pytest.approx(joined[0, :, 0, 0])
    assert resized[0, :, 1, 0] == pytest.approx(0.75 * joined[0, :, 0, 0] + 0.25 * joined[0, :, 1, 0], abs=1e-4)


POOLED: Final = (
    *ACTIVATED,
    node("wide", "PadV2", "leaky", "pads", "infinite"),
    node("wide_nhwc", "Transpose", "wide", "to_last"),
    node("pooled", "MaxPool", "wide_nhwc", ksize=listed(1, 3, 3, 1), **WINDOW),
)


def test_infinite_padding_goes_into_the_pool() -> None:
    """The pool pads by itself; no Pad node with an infinite value is left to be quantised."""
    model = converted(POOLED, "pooled")
    assert "Pad" not in [one.op_type for one in model.graph.node]
    expected = leaky(convolved())
    (pooled,) = run(model)
    assert pooled[0, :, 0, 0] == pytest.approx(expected[0, :, :2, :2].max(axis=(1, 2)), rel=1e-4, abs=1e-3)
    assert pooled[0, :, 1, 1] == pytest.approx(expected[0, :, 1:, 1:].max(axis=(1, 2)), rel=1e-4, abs=1e-3)


def test_pool_moves_before_the_activation_without_a_difference() -> None:
    """Maximum and leaky rectifier change places, bit by bit the same."""
    before = converted(POOLED, "pooled")
    after = pool_before_activation(before)
    assert [one.op_type for one in after.graph.node][-2:] == ["MaxPool", "LeakyRelu"]
    assert (run(after)[0] == run(before)[0]).all()


def test_activation_with_other_readers_stays_before_the_pool() -> None:
    """Where somebody else reads the activation, nothing is moved."""
    model = converted((*POOLED, node("double", "Add", "leaky", "leaky")), "pooled", "double")
    assert [one.op_type for one in pool_before_activation(model).graph.node] == [
        one.op_type for one in model.graph.node
    ]


def test_packed_columns_give_the_same_convolution() -> None:
    """Reading four columns at once changes the order of sums, not the result."""
    before = converted(ACTIVATED, "leaky")
    after = pack_columns(before)
    (convolution,) = [one for one in after.graph.node if one.op_type == "Conv"]
    shapes = {one.name: list(one.dims) for one in after.graph.initializer}
    assert shapes[convolution.input[1]] == [12, 12, 3, 2]
    assert run(after)[0] == pytest.approx(run(before)[0], rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (node("end", "Softmax", "nchw"), "Softmax is not translated"),
        (node("end", "LeakyRelu", "padded_sum", alpha={"f": 0.1}), "padded"),
        (
            node("end", "MaxPool", "sum", ksize=listed(1, 3, 3, 1), padding=text("SAME"), strides=listed(1, 2, 2, 1)),
            "pool",
        ),
        (node("end", "ResizeBilinear", "sum", "larger", half_pixel_centers={"b": False}), "pixel centres"),
        (node("end", "Add", "nchw", "sum"), "laid out differently"),
        (node("end", "Transpose", "nchw", "nhwc"), "constant"),
        (node("end", "SplitV", "leaky", "sizes", "axis"), "channels of a convolution"),
        (node("end", "Conv2D", "leaky", "weights", dilations=listed(1, 1, 1, 1), **WINDOW), "channels last"),
    ],
)
def test_what_is_not_translated_is_refused_by_name(extra: TfNode, complaint: str) -> None:
    """A graph that uses an operation in another way is an error, never a wrong model."""
    padded = node("padded_sum", "Pad", "nchw", "pads")
    with pytest.raises(ModelBuildError, match=complaint):
        converted((*ACTIVATED, padded, extra), "end")


def test_tensor_that_does_not_exist_is_refused() -> None:
    """Asking for a node that the graph lacks names it."""
    with pytest.raises(ModelBuildError, match="nowhere"):
        converted(CONVOLVED, "nowhere")


def test_packing_needs_the_beginning_it_was_made_for() -> None:
    """Another graph cannot be packed, and is not packed wrongly."""
    model = converted(ACTIVATED, "leaky")
    model.graph.node.pop(0)
    with pytest.raises(ModelBuildError, match="begins differently"):
        pack_columns(model)
