"""Rearrange a graph so that it computes the same with less work."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from winnow.detectors.building.graph import checked
from winnow.detectors.errors import ModelBuildError

PACKED_COLUMNS = 4
"""Pixels side by side that become one: 4 x 3 bytes are 12 channels.

onnxruntime's direct integer convolution wants a multiple of 4 channels; with 3 it copies every window of the image
first, which costs more than the multiplications.
"""


def pool_before_activation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every activation that only a maximum pool reads moved behind the pool.

    A leaky rectifier never falls as its input grows, so the maximum of its outputs is its output for the maximum; after
    the pool there is a quarter of the pixels left to rectify.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    nodes = list(changed.graph.node)
    for pool in [node for node in nodes if node.op_type == "MaxPool"]:
        (activation,) = [node for node in nodes if pool.input[0] in node.output]
        readers = [node for node in nodes if activation.output[0] in node.input]
        if activation.op_type != "LeakyRelu" or readers != [pool]:
            continue
        before, between, after = activation.input[0], f"{pool.name}.of_sums", pool.output[0]
        pool.input[0], pool.output[0] = before, between
        activation.input[0], activation.output[0] = between, after
        nodes.remove(pool)
        nodes.insert(nodes.index(activation), pool)
    return _with_nodes(changed, nodes)


def pack_columns(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its first convolution, 3 x 3 of stride 2, computed on four columns of the image at once.

    Rows of a channels-last image are read as a quarter of the columns with 12 channels, which moves no byte. One step
    of the new convolution gives two neighbouring columns of the old one, as twice the channels; read channels last
    these lie in memory as the old result did.

    The model must begin with Transpose, DequantizeLinear, Conv on a uint8 image (1, H, W, 3), W a multiple of 4.

    Raises:
        ModelBuildError: it begins differently.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    transpose, dequantise, convolution, *rest = graph.node
    if [node.op_type for node in graph.node[:3]] != ["Transpose", "DequantizeLinear", "Conv"]:
        raise ModelBuildError("the graph begins differently; its first convolution cannot be packed")
    height, width = (dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim[1:3])
    weights, bias = (_constant(graph, name) for name in convolution.input[1:3])
    packed = _packed_weights(weights)
    image, result, depth = graph.input[0].name, convolution.output[0], len(weights)
    constants = {
        convolution.input[1]: packed,
        convolution.input[2]: np.concatenate([bias, bias]),
        "packed.shape": np.array([1, height, width // PACKED_COLUMNS, 3 * PACKED_COLUMNS]),
        "unpacked.shape": np.array([1, height // 2, width // 2, depth]),
    }
    _replace_constants(graph, constants)
    nodes = [
        helper.make_node("Reshape", [image, "packed.shape"], ["packed"], name="packed"),
        helper.make_node("Transpose", ["packed"], [transpose.output[0]], name="packed_nchw", perm=[0, 3, 1, 2]),
        dequantise,
        helper.make_node(
            "Conv", convolution.input, ["pairs"], name=convolution.name, strides=[2, 1], pads=[1, 1, 0, 0]
        ),
        helper.make_node("Transpose", ["pairs"], ["pairs_nhwc"], name="pairs_nhwc", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["pairs_nhwc", "unpacked.shape"], ["unpacked"], name="unpacked"),
        helper.make_node("Transpose", ["unpacked"], [result], name="unpacked_nchw", perm=[0, 3, 1, 2]),
    ]
    return _with_nodes(changed, [*nodes, *rest])


def _packed_weights(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (2 x out, 4 x in, rows, 2) for weights (out, in, rows, 3) of a convolution with stride 2 and padding 1.

    The old result in column 2j + p reads the image's columns 4j + 2p - 1 + k, k = 0, 1, 2. Counted from the beginning
    of packed column j - 1, the first that the new convolution reads, that is 3 + 2p + k.
    """
    depth, channels, rows, columns = weights.shape
    if (rows, columns) != (3, 3):
        raise ModelBuildError(f"the first convolution is {rows} x {columns}; only 3 x 3 can be packed")
    packed = np.zeros((2, depth, PACKED_COLUMNS, channels, rows, 2), np.float32)
    for parity in range(2):
        for column in range(columns):
            step, place = divmod(PACKED_COLUMNS - 1 + 2 * parity + column, PACKED_COLUMNS)
            packed[parity, :, place, :, :, step] = weights[..., column]
    return packed.reshape(2 * depth, PACKED_COLUMNS * channels, rows, 2)


def _constant(graph: onnx.GraphProto, name: str) -> NDArray[np.float32]:
    (tensor,) = [constant for constant in graph.initializer if constant.name == name]
    return numpy_helper.to_array(tensor).astype(np.float32)


def _replace_constants(graph: onnx.GraphProto, values: dict[str, NDArray[np.generic]]) -> None:
    kept = [constant for constant in graph.initializer if constant.name not in values]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *(numpy_helper.from_array(value, name) for name, value in values.items())])


def _with_nodes(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> onnx.ModelProto:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    del model.graph.value_info[:]
    return checked(model)
