"""Turn the TensorFlow operations of a convolutional detector into ONNX nodes.

Two ideas keep the result small.

Layouts are relabelled, never moved. TensorFlow convolves channels last, and this graph was itself made from a
channels-first one, so it is full of transposes. A value is an ONNX tensor plus the order in which TensorFlow counts
its axes; a transpose changes that order and writes nothing.

What can be part of a convolution waits for it. Normalisation, padding, bias and a split of the channels are kept
beside the value until somebody reads it, and then become one node (one for each part of a split).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.building.graph import Attribute, GraphWriter
from winnow.detectors.building.tfjs import TfGraph, TfNode
from winnow.detectors.errors import ModelBuildError

Floats = NDArray[np.float32]
Axes = tuple[int, ...]

CHANNELS_FIRST: Final[Axes] = (0, 1, 2, 3)
CHANNELS_LAST: Final[Axes] = (0, 2, 3, 1)
"""Axes of a value that TensorFlow sees as NHWC while ONNX keeps NCHW."""
NO_PADS: Final = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """A written tensor (N, C, H, W) and what its reader still has to do to it.

    Attributes:
        axes: TensorFlow's axis k is the tensor's axis `axes[k]`.
        pads: top, left, bottom, right.
        fill: what the padding consists of.
        scale, shift: the value meant is the tensor's times `scale` plus `shift`, both float32 (C,).
    """

    name: str
    channels: int
    axes: Axes = CHANNELS_LAST
    pads: tuple[int, ...] = NO_PADS
    fill: float = 0.0
    scale: Floats | None = None
    shift: Floats | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is left to do."""
        return self.pads == NO_PADS and self.scale is None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convolution:
    """A convolution that is not written yet.

    Attributes:
        weights: float32 (out, in, rows, columns).
        bias: float32 (out,).
    """

    name: str
    source: Tensor
    weights: Floats
    bias: Floats
    strides: tuple[int, ...]
    axes: Axes = CHANNELS_LAST


Value = Tensor | Convolution


class Converter:
    """Writes the part of a TensorFlow graph that leads to the tensors asked for."""

    def __init__(self, graph: TfGraph, writer: GraphWriter, image: Tensor) -> None:
        self._graph = graph
        self._writer = writer
        self._image = image
        self._values: dict[str, Value] = {}
        self._written: dict[str, Tensor] = {}
        self._operators: Mapping[str, Callable[[TfNode], Value]] = {
            "Add": self._add,
            "ConcatV2": self._concat,
            "Conv2D": self._convolve,
            "LeakyRelu": self._leaky_relu,
            "MaxPool": self._max_pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Placeholder": lambda _: self._image,
            "ResizeBilinear": self._resize,
            "Transpose": self._transpose,
        }

    def convert(self, wanted: Iterable[str]) -> list[str]:
        """Write everything that leads to `wanted`; return the names of these tensors, (N, C, H, W) each.

        Raises:
            ModelBuildError: an operation that is not translated, or one used in a way that is not.
        """
        names = list(wanted)
        needed = _ancestors(self._graph, names)
        for node in self._graph.nodes:
            if node.name not in needed:
                continue
            if node.operator == "SplitV":
                self._split(node)
            elif node.operator in self._operators:
                self._values[node.name] = self._operators[node.operator](node)
            else:
                raise ModelBuildError(f"{node.name}: operation {node.operator} is not translated; add it here")
        return [self._plain(name).name for name in names]

    def _constant(self, name: str) -> NDArray[np.generic]:
        if name not in self._graph.constants:
            raise ModelBuildError(f"{name}: must be a constant")
        return self._graph.constants[name]

    def _integers(self, name: str) -> list[int]:
        return [int(number) for number in self._constant(name).ravel()]

    def _tensor(self, name: str) -> Tensor:
        """Return a value as a tensor, written if it was not yet."""
        value = self._values[name]
        if isinstance(value, Tensor):
            return value
        if value.name not in self._written:
            self._written[value.name] = self._write(value)
        return replace(self._written[value.name], axes=value.axes)

    def _plain(self, name: str) -> Tensor:
        tensor = self._tensor(name)
        if not tensor.is_plain:
            raise ModelBuildError(f"{name}: only a convolution or a pool may read a padded or scaled tensor")
        return tensor

    def _write(self, convolution: Convolution) -> Tensor:
        name, source = convolution.name, convolution.source
        weights, bias = convolution.weights, convolution.bias
        if source.scale is not None and source.shift is not None:
            bias = bias + np.einsum("oihw,i->o", weights, source.shift)
            weights = weights * source.scale[:, np.newaxis, np.newaxis]
        inputs = [
            source.name,
            self._writer.constant(f"{name}.weights", weights),
            self._writer.constant(f"{name}.bias", bias),
        ]
        self._writer.node("Conv", inputs, name, strides=convolution.strides, pads=source.pads)
        return Tensor(name=name, channels=len(bias))

    def _transpose(self, node: TfNode) -> Value:
        value = self._values[node.inputs[0]]
        order = self._integers(node.inputs[1])
        return replace(value, axes=tuple(value.axes[axis] for axis in order))

    def _pad(self, node: TfNode) -> Value:
        tensor = self._tensor(node.inputs[0])
        given = self._constant(node.inputs[1])
        pads = np.zeros((4, 2), np.int64)
        pads[list(tensor.axes)] = given
        if tensor.pads != NO_PADS or pads[:2].any():
            raise ModelBuildError(f"{node.name}: only rows and columns can be padded, and once")
        fill = float(self._constant(node.inputs[2])) if node.operator == "PadV2" else 0.0
        return replace(tensor, pads=tuple(int(pad) for pad in pads[2:].T.ravel()), fill=fill)

    def _convolve(self, node: TfNode) -> Value:
        source = self._tensor(node.inputs[0])
        if source.axes != CHANNELS_LAST or source.fill or node.text("padding") != "VALID":
            raise ModelBuildError(f"{node.name}: a convolution must read channels last and be padded with 0")
        if set(node.integers("dilations")) != {1}:
            raise ModelBuildError(f"{node.name}: dilated convolutions are not translated")
        weights = self._constant(node.inputs[1]).astype(np.float32).transpose(3, 2, 0, 1)
        bias = np.zeros(len(weights), np.float32)
        strides = node.integers("strides")[1:3]
        return Convolution(name=node.name, source=source, weights=weights, bias=bias, strides=strides)

    def _add(self, node: TfNode) -> Value:
        left = self._values[node.inputs[0]]
        if node.inputs[1] in self._graph.constants and isinstance(left, Convolution):
            return replace(left, name=node.name, bias=left.bias + self._constant(node.inputs[1]).astype(np.float32))
        tensors = [self._plain(name) for name in node.inputs]
        return self._node("Add", node, tensors)

    def _split(self, node: TfNode) -> None:
        value = self._values[node.inputs[0]]
        (axis,) = self._integers(node.inputs[2])
        if not isinstance(value, Convolution) or value.axes[axis] != 1:
            raise ModelBuildError(f"{node.name}: only the channels of a convolution can be split")
        start = 0
        for part, size in enumerate(self._integers(node.inputs[1])):
            name, chosen = _output_name(node.name, part), slice(start, start + size)
            self._values[name] = replace(value, name=name, weights=value.weights[chosen], bias=value.bias[chosen])
            start += size

    def _leaky_relu(self, node: TfNode) -> Value:
        return self._node("LeakyRelu", node, [self._plain(node.inputs[0])], alpha=node.number("alpha"))

    def _concat(self, node: TfNode) -> Value:
        *names, axis_name = node.inputs
        tensors = [self._plain(name) for name in names]
        (axis,) = self._integers(axis_name)
        joined = self._node("Concat", node, tensors, axis=tensors[0].axes[axis])
        return replace(joined, channels=sum(tensor.channels for tensor in tensors))

    def _max_pool(self, node: TfNode) -> Value:
        source = self._tensor(node.inputs[0])
        padded_well = source.pads == NO_PADS or source.fill == -np.inf
        if source.axes != CHANNELS_LAST or not padded_well or node.text("padding") != "VALID":
            raise ModelBuildError(f"{node.name}: a pool must read channels last and be padded with minus infinity")
        # ONNX pads a pool with minus infinity by itself. As a node of its own such a Pad could not be
        # quantised: its range would be infinite.
        sizes = {"kernel_shape": node.integers("ksize")[1:3], "strides": node.integers("strides")[1:3]}
        return self._node("MaxPool", node, [source], pads=source.pads, **sizes)

    def _resize(self, node: TfNode) -> Value:
        source = self._plain(node.inputs[0])
        if source.axes != CHANNELS_LAST or not node.flag("half_pixel_centers"):
            raise ModelBuildError(f"{node.name}: a resize must read channels last and count from pixel centres")
        shape = np.array([1, source.channels, *self._integers(node.inputs[1])], np.int64)
        inputs = [source.name, "", "", self._writer.constant(f"{node.name}.sizes", shape)]
        self._writer.node("Resize", inputs, node.name, mode="linear", coordinate_transformation_mode="half_pixel")
        return Tensor(name=node.name, channels=source.channels)

    def _node(self, operator: str, node: TfNode, tensors: list[Tensor], **attributes: Attribute) -> Tensor:
        if len({tensor.axes for tensor in tensors}) != 1:
            raise ModelBuildError(f"{node.name}: its inputs are laid out differently")
        self._writer.node(operator, [tensor.name for tensor in tensors], node.name, **attributes)
        return Tensor(name=node.name, channels=tensors[0].channels, axes=tensors[0].axes)


def _output_name(node: str, output: int) -> str:
    return f"{node}:{output}" if output else node


def _ancestors(graph: TfGraph, wanted: Iterable[str]) -> set[str]:
    """Return the names of all nodes, constants left out, that the wanted tensors are made from."""
    inputs = {node.name: node.inputs for node in graph.nodes}
    found: set[str] = set()
    open_names = [name.partition(":")[0] for name in wanted]
    while open_names:
        name = open_names.pop()
        if name in graph.constants:
            continue
        if name not in inputs:
            raise ModelBuildError(f"{name}: the graph has no such node")
        if name not in found:
            found.add(name)
            open_names.extend(source.partition(":")[0] for source in inputs[name])
    return found
