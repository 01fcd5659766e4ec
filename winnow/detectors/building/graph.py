"""Write ONNX graphs node by node, every name given by its maker."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from winnow.detectors.errors import ModelBuildError

OPSET: Final = 17
IR_VERSION: Final = 8
"""Of 2022: every onnxruntime the project accepts reads them, and no operator here needs newer ones."""

Attribute = str | int | float | Sequence[int]


class GraphWriter:
    """Collects nodes and constants, then makes a model of them.

    Nodes are kept in the order of writing, so an input is written before its first reader.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Write a node with one output, named like its output; return that name."""
        node = helper.make_node(operator, list(inputs), [output], name=output)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)
        return output

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Write a constant; return its name."""
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def model(self, image: str, shape: Sequence[int], outputs: Sequence[str]) -> onnx.ModelProto:
        """Return a checked model that takes one uint8 image and gives float32 outputs, shapes inferred."""
        graph = helper.make_graph(
            self._nodes,
            "detector",
            [helper.make_tensor_value_info(image, TensorProto.UINT8, list(shape))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            initializer=list(self._constants.values()),
        )
        model = helper.make_model(
            graph, producer_name="winnow", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        return checked(model)


def checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the shapes of all its tensors.

    Raises:
        ModelBuildError: the graph contradicts itself.
    """
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        onnx.checker.check_model(inferred, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as exc:
        raise ModelBuildError(f"the graph contradicts itself: {exc}") from exc
    return inferred
